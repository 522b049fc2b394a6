// What indexeddb.test.js does in pages: each function gets what JSON can carry, and so it answers.

import { indexedDbHost } from "../../../wasm/package/hosts/indexeddb.js";
import { lockOf } from "../../../wasm/package/hosts/opfs-place.js";
import { EventLog, EventReader } from "../../../wasm/package/js/index.js";
import { instantiate } from "../conformance/module/conformance.js";
import { runConformance } from "../conformance/run.js";
import { life } from "../support/life.js";
import { FILES, contentOf, copyOf, isSame, operate, operationsIn } from "./operations.js";

const LOG = "app.jsonl";
const bytes = (text) => new TextEncoder().encode(text);

/** The logs that are open in this page, by a name that the test gives. */
const open = new Map();

/** Runs the suite; after each case what is stored must be what the case left. */
export async function conformance() {
  const wasm = fetch(new URL("../conformance/module/conformance.wasm", import.meta.url));
  const hosts = new Map();
  let compared = 0;
  const results = await runConformance({
    module: await WebAssembly.compileStreaming(wasm),
    instantiate,
    async makePlace(number) {
      const host = indexedDbHost(`place ${number}`);
      const files = await host.open("write");
      hosts.set(files, host);
      return files;
    },
    async afterEach(files) {
      const stored = await hosts.get(files).open("read");
      if (!isSame(stored, files)) throw new Error("what is stored is something else");
      compared += FILES.filter((name) => stored.len(name) > 0).length;
      stored.close();
    },
  });
  return { ...results, compared };
}

export const lives = () => life({ EventLog, EventReader }, indexedDbHost("life"));

/** Opens the log; an error is told by its code. */
export async function openAs(handle, name, access) {
  try {
    open.set(handle, await indexedDbHost(name).open(access));
    return "opened";
  } catch (error) {
    return told(error);
  }
}

export async function close(handle) {
  try {
    await open.get(handle).close();
    return "closed";
  } catch (error) {
    return told(error);
  }
}

export function append(handle, text) {
  try {
    open.get(handle).append(LOG, bytes(text));
    return "appended";
  } catch (error) {
    return told(error);
  }
}

/** Holds the lock of a log of this name in the OPFS. */
export function holdInOpfs(name) {
  return new Promise((held) => {
    navigator.locks.request(lockOf(name), () => (held("held"), new Promise(() => {})));
  });
}

/** Takes the lock from whoever has it, and lets it go. */
export function steal(name) {
  return new Promise((stolen) => {
    navigator.locks.request(`eventfold-indexeddb:${name}`, { steal: true }, () => stolen("stolen"));
  });
}

/** Resolves with what a writer says once it refuses; nothing is written for that. */
export async function refusal(handle) {
  for (const end = performance.now() + 60_000; performance.now() < end; ) {
    try {
      open.get(handle).sync(LOG);
    } catch (error) {
      return told(error);
    }
    await new Promise((later) => setTimeout(later, 10));
  }
  return "it refuses nothing";
}

/** Opens the log to write while the page does something that takes long. */
export function openBusy(handle, name) {
  const opening = openAs(handle, name, "write");
  for (const end = performance.now() + 600; performance.now() < end; );
  return opening;
}

export async function durable(handle) {
  try {
    await open.get(handle).durable();
    return "durable";
  } catch (error) {
    return told(error);
  }
}

export function read(handle) {
  try {
    return contentOf(open.get(handle), LOG);
  } catch (error) {
    return told(error);
  }
}

/** Resolves with the log's content once it is `text`. */
export function waitFor(handle, text) {
  const files = open.get(handle);
  return new Promise((resolve) => {
    const look = () => {
      if (contentOf(files, LOG) !== text) return;
      stop();
      resolve(text);
    };
    const stop = files.watch(look);
    look();
  });
}

/** From now on the writers of this page end before they tell anybody what they stored. */
export function mute() {
  BroadcastChannel.prototype.postMessage = () => {};
}

export async function appendOne(name, data) {
  const log = await EventLog.open(indexedDbHost(name));
  log.append({ type: "counted", data });
  await log.close();
}

let reader;
const tailed = [];

/** Opens the log with a reader, and begins a tail. */
export async function follow(name) {
  reader = await EventReader.open(indexedDbHost(name));
  (async () => {
    for await (const { data } of reader.tail()) tailed.push(data);
  })();
}

export async function readRefreshed() {
  await reader.refresh();
  return [...reader.read()].map(({ data }) => data);
}

/** Resolves with what the tail has told once that is so much. */
export async function tailOf(count) {
  while (tailed.length < count) await new Promise((later) => setTimeout(later, 10));
  return tailed;
}

/** Whether what is stored has changed since the last look. */
export const refresh = (handle) => open.get(handle).refresh().catch(told);

/** More operations than a page does before it is killed. */
const MOST = 20_000;

/** Does operations, a few at a time, and says which are durable. */
export async function operateOn(name) {
  const files = await indexedDbHost(name).open("write");
  let number = 0;
  const work = async () => {
    while (number < MOST) {
      // The first of them are on their way when the last are done.
      for (let count = number % 5; count >= 0; count -= 1) {
        await null;
        operate(files, number++);
      }
      const done = number;
      await files.durable();
      console.log(`durable ${done}`);
    }
  };
  work();
}

/** Looks at what a crash left, and whether it can be gone on from. */
export async function inspect(name) {
  const host = indexedDbHost(name);
  const files = await host.open("write");
  const operations = operationsIn(files, MOST);
  if (operations === -1) {
    const found = FILES.map((file) => `${file} of ${files.len(file)} bytes`);
    throw new Error(`after no operation there was ${found.join(", ")}`);
  }
  for (let number = operations; number < operations + 30; number += 1) operate(files, number);
  await files.close();
  const again = await host.open("read");
  const after = operationsIn(again, operations + 30);
  again.close();
  return { operations, after };
}

/**
 * Looks while another page works, however slowly, until it has seen so many different states; how
 * many operations were stored in each.
 */
export async function lookOften(name, states) {
  const looks = [];
  while (looks.length < states) {
    const files = await indexedDbHost(name).open("read");
    const look = copyOf(files);
    files.close();
    if (looks.length === 0 || !isSame(look, looks.at(-1))) looks.push(look);
  }
  return looks.map((files) => operationsIn(files, MOST));
}

export async function deleteDatabase(name) {
  const request = indexedDB.deleteDatabase(`eventfold:${name}`);
  await new Promise((deleted, failed) => {
    request.onsuccess = deleted;
    request.onerror = () => failed(request.error);
  });
}

function told(error) {
  const { code, message, cause } = error;
  return { code, message, cause: cause && `${cause.name}: ${cause.message}` };
}
