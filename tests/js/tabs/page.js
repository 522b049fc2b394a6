// What a tab of the tests does. Its events are { tab, n }; what becomes of each it tells on a
// channel at once, since the tab may not live to be asked.

import { TabLog } from "/wasm/package/tabs/client.js";

const told = new BroadcastChannel("told");

/** @type {TabLog} */
let log;
let tab;
let n = 0;
let storming = false;
let loops = [];
const tailed = [];

export async function open(name, id, options = {}) {
  tab = id;
  log = await TabLog.open(name, options);
  globalThis.log = log;
}

/** Appends until `calm`, with some appends under way at any time. */
export function storm(width = 2) {
  storming = true;
  loops = Array.from({ length: width }, async () => {
    while (storming) await append();
  });
}

export async function calm() {
  storming = false;
  await Promise.all(loops);
  return n;
}

export async function append() {
  n += 1;
  const event = { tab, n };
  told.postMessage({ ...event, what: "asked" });
  try {
    const { position } = await log.append({ type: `of ${tab}`, data: event });
    told.postMessage({ ...event, what: "acknowledged", position });
  } catch ({ code, position, message }) {
    told.postMessage({ ...event, what: code ?? message, position });
    if (code !== "leader-lost") storming = false;
  }
}

export function follow() {
  (async () => {
    for await (const { position, data } of log.tail()) tailed.push({ position, ...data });
  })();
}

/** Whether the tail has come to `count` events, in time. */
export async function followed(count) {
  for (const end = Date.now() + 20_000; tailed.length < count && Date.now() < end; ) {
    await new Promise((later) => setTimeout(later, 20));
  }
  return tailed;
}

export async function everything() {
  const events = [];
  for await (const { position, data } of log.read()) events.push({ position, ...data });
  return events;
}

export const status = () => log.status();
