// What a tab has in a worker: it reads the log for its page, and waits for its turn to lead.

import { UnsupportedError } from "../js/errors.js";
import { inlined } from "../js/inlined.js";
import { call, load, provide } from "../js/module.js";
import { opfsHost } from "../hosts/opfs.js";
import { attempt } from "../hosts/opfs-place.js";
import { filesToRead } from "../hosts/opfs-read.js";
import { Leading } from "./leading.js";
import { channelOf, messageOf } from "./messages.js";
import { Reading } from "./reading.js";
import { Writing } from "./writing.js";

provide(inlined);

/** How long after a log that could not be opened it is tried again, in milliseconds. */
const PAUSES = [1000, 2000, 5000, 10_000, 30_000];

const leaving = new AbortController();
/** @type {string} the log's */
let name;
/** @type {BroadcastChannel} */
let channel;
/** @type {Reading} */
let reading;
/** @type {{ log: Writing, leading: Leading, end: () => void } | undefined} */
let leader;
/** @type {string | undefined} the epoch of the last other leader that was heard */
let heard;
/** Where the log ended when another leader was last heard. */
let position = 0;
/** @type {Promise<void>} */
let started;
/** @type {Promise<void>} */
let competing;

async function start({ views, maxLogSize }) {
  if (!globalThis.FileSystemFileHandle?.prototype.createSyncAccessHandle || !navigator.locks) {
    throw new UnsupportedError(
      `this browser cannot write ${name}: it lacks synchronous files in workers, or Web Locks`,
    );
  }
  channel = new BroadcastChannel(channelOf(name));
  channel.onmessage = ({ data }) => hear(data, false);
  const glue = await load();
  for (const view of views) call(() => glue.checkViewName(view));
  reading = new Reading(glue, await attempt("read", name, () => filesToRead(name, views)));
  competing = compete(glue, { views, maxLogSize });
}

const calls = {
  start: () => {},
  next: ({ stream, position, after }) => reading.next(stream, position, after),
  drop: ({ stream }) => reading.drop(stream),
  snapshot: ({ view, version }) => reading.snapshot(view, version),
  startOfLast: ({ lines }) => reading.startOfLast(lines),
  sizes: () => reading.sizes(),
  async leave() {
    leaving.abort();
    leader?.end();
    await competing;
  },
};

onmessage = async ({ data: { id, t, ...fields } }) => {
  if (t === "to leader") return hear(fields.message, true);
  if (t === "start") {
    name = fields.name;
    started = start(fields);
  }
  try {
    await started;
    const result = await attempt("read", name, () => calls[t](fields));
    const transfer = [result?.bytes, result?.places, result?.spans].filter(Boolean);
    postMessage({ id, result }, transfer.map(({ buffer }) => buffer));
  } catch (error) {
    postMessage({ id, error: messageOf(error) });
    if (error.code === "panic") postMessage({ anew: true });
  }
};

postMessage({ ready: true });

function hear(message, direct) {
  if (message.t === "leads") heard = message.epoch;
  if (message.t === "removed") postMessage({ anew: true });
  position = message.position ?? position;
  if (!leader) return;
  leader.leading.hear(message, direct);
  if (leader.log.ended) leader.end();
}

function post(message, direct) {
  if (direct) postMessage({ leader: message });
  else channel.postMessage(message);
}

/** Leads whenever it is this tab's turn, until the tab leaves. */
async function compete(glue, options) {
  const { signal } = leaving;
  const host = opfsHost(name, { wait: true, signal });
  for (let failures = 0; !signal.aborted; ) {
    try {
      const log = await Writing.open(glue, host, options);
      const removed = await lead(log);
      failures = 0;
      // Only a new module can be trusted, and it comes with a new worker.
      if (removed || log.ended === "panic") return postMessage({ anew: true });
    } catch (error) {
      if (signal.aborted) return;
      postMessage({ unable: messageOf(error), heard });
      const pause = PAUSES[Math.min(failures, PAUSES.length - 1)];
      failures += 1;
      await Promise.race([
        new Promise((later) => setTimeout(later, pause)),
        new Promise((left) => signal.addEventListener("abort", left, { once: true })),
      ]);
    }
  }
}

/** Leads until that ends; answers whether it is that the files were removed. */
async function lead(log) {
  // Before it begins, where another led a log that was not empty.
  const removed = (log.position === 0 && position > 0) || (await ended(log))?.code === "storage";
  // The readers of all tabs have open what was removed. The end of this worker lets another lead.
  if (removed) post({ t: "removed" }, false);
  else await log.close();
  return removed;
}

/** Resolves when this tab leads no more; to why, when what it needs for it was lost. */
async function ended(log) {
  const told = new Promise((end) => {
    leader = { log, leading: new Leading(crypto.randomUUID(), log, post), end };
  });
  if (leaving.signal.aborted) leader.end();
  const reason = await Promise.race([told, log.lost]);
  const { leading } = leader;
  leader = undefined;
  leading.end();
  return reason;
}
