// What a browser's worker does for bench/opfs.js: each work by each contestant, in turns.

import sqlite3InitModule from "./node_modules/@sqlite.org/sqlite-wasm/dist/index.mjs";
import { opfsHost } from "../../../wasm/package/hosts/opfs.js";
import { EventLog } from "../../../wasm/package/js/index.js";
import { timed } from "./turns.js";

const SYNCED = 300;
const BATCHED = 5_000;
const BATCH = 100;
const BIG = 100e6;

let root;
let events;
let text;
let pool;
let made = 0;

async function withLog(work, views = {}) {
  const name = `bench-${made++}`;
  const log = await EventLog.open(opfsHost(name), { views });
  const took = await timed(() => work(log));
  await log.close();
  await (await root.getDirectoryHandle("eventfold")).removeEntry(name, { recursive: true });
  return took;
}

async function withFile(work) {
  const file = await root.getFileHandle("raw", { create: true });
  const handle = await file.createSyncAccessHandle();
  handle.truncate(0);
  const took = await timed(() => work(handle));
  handle.close();
  await root.removeEntry("raw");
  return took;
}

async function withSqlite(pragmas, work) {
  const db = new pool.OpfsSAHPoolDb(`/bench-${made++}`);
  db.exec(`${pragmas} CREATE TABLE events (seq INTEGER PRIMARY KEY, type TEXT, ts INTEGER, data TEXT)`);
  const insert = db.prepare("INSERT INTO events (type, ts, data) VALUES (?, ?, ?)");
  const add = ({ type, ts, data }) => {
    insert.bind([type, ts, JSON.stringify(data)]).step();
    insert.reset();
  };
  const took = await timed(() => work(db, add));
  insert.finalize();
  db.close();
  await pool.wipeFiles();
  return took;
}

const DEFAULT = "";
const WAL = "PRAGMA locking_mode=exclusive; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;";
const encoder = new TextEncoder();

function* batches() {
  for (let from = 0; from < BATCHED; from += BATCH) {
    yield Array.from({ length: BATCH }, (_, n) => events[(from + n) % events.length]);
  }
}

function writeAt(handle, at, lines) {
  const bytes = encoder.encode(lines);
  handle.write(bytes, { at });
  handle.flush();
  return at + bytes.length;
}

const oneByOne = {
  eventfold: () => withLog((log) => {
    for (let n = 0; n < SYNCED; n++) log.append(events[n]);
  }),
  "write + flush": () => withFile((handle) => {
    let at = 0;
    for (let n = 0; n < SYNCED; n++) at = writeAt(handle, at, `${JSON.stringify(events[n])}\n`);
  }),
};
for (const [name, pragmas] of [["sqlite, default journal", DEFAULT], ["sqlite, WAL exclusive", WAL]]) {
  oneByOne[name] = () => withSqlite(pragmas, (_, add) => {
    for (let n = 0; n < SYNCED; n++) add(events[n]);
  });
}

const inHundreds = {
  eventfold: () => withLog((log) => {
    for (const batch of batches()) log.appendBatch(batch);
  }),
  "write + flush": () => withFile((handle) => {
    let at = 0;
    for (const batch of batches()) {
      at = writeAt(handle, at, batch.map((event) => `${JSON.stringify(event)}\n`).join(""));
    }
  }),
};
for (const [name, pragmas] of [["sqlite, default journal", DEFAULT], ["sqlite, WAL exclusive", WAL]]) {
  inHundreds[name] = () => withSqlite(pragmas, (db, add) => {
    for (const batch of batches()) db.transaction(() => batch.forEach(add));
  });
}

const views = {
  read: { initial: 0, reduce: (sum, { data }) => sum + Object.keys(data).length },
  count: { initial: {}, reduce: (counts, { type }) => ((counts[type] = (counts[type] ?? 0) + 1), counts) },
};

/** A log of these lines, made beside the library: none of it is folded yet. */
async function place(name, lines, times = 1) {
  const dir = await (await root.getDirectoryHandle("eventfold", { create: true })).getDirectoryHandle(name, { create: true });
  const handle = await (await dir.getFileHandle("app.jsonl", { create: true })).createSyncAccessHandle();
  handle.truncate(0);
  const bytes = encoder.encode(lines);
  for (let n = 0; n < times; n++) handle.write(bytes, { at: n * bytes.length });
  handle.flush();
  handle.close();
}

const opening = (name) => async () => {
  const start = performance.now();
  const log = await EventLog.open(opfsHost(name));
  const took = performance.now() - start;
  await log.close();
  return took;
};

async function replay(view) {
  await place("replayed", text);
  const log = await EventLog.open(opfsHost("replayed"), { views });
  const took = await timed(() => log.view(view));
  await log.close();
  await (await root.getDirectoryHandle("eventfold")).removeEntry("replayed", { recursive: true });
  return took;
}

async function plain(split) {
  let took;
  await withFile(async (handle) => {
    handle.write(encoder.encode(text), { at: 0 });
    took = await timed(() => {
      const bytes = new Uint8Array(handle.getSize());
      handle.read(bytes, { at: 0 });
      let sum = 0;
      for (const line of split(bytes)) sum += Object.keys(JSON.parse(line).data).length;
      return sum;
    });
  });
  return took;
}

async function stepped() {
  let took;
  await withSqlite(WAL, async (db, add) => {
    db.transaction(() => events.forEach(add));
    took = await timed(() => {
      let sum = 0;
      const all = db.prepare("SELECT data FROM events ORDER BY seq");
      while (all.step()) sum += Object.keys(JSON.parse(all.get(0))).length;
      all.finalize();
      return sum;
    });
  });
  return took;
}

const decoder = new TextDecoder();
function* byLine(bytes) {
  for (let from = 0, to; (to = bytes.indexOf(10, from)) >= 0; from = to + 1) {
    yield decoder.decode(bytes.subarray(from, to));
  }
}

function* byBlock(bytes) {
  const BLOCK = 256 << 10;
  for (let from = 0; from < bytes.length; ) {
    const to = bytes.lastIndexOf(10, Math.min(bytes.length - 1, from + BLOCK)) + 1;
    yield* decoder.decode(bytes.subarray(from, to - 1)).split("\n");
    from = to;
  }
}

const works = {
  [`${SYNCED} synced appends`]: oneByOne,
  [`${BATCHED} in synced hundreds`]: inHundreds,
  "replay that reads data": {
    eventfold: () => replay("read"),
    "plain JavaScript, by block": () => plain(byBlock),
    "plain JavaScript, by line": () => plain(byLine),
    "sqlite, step and JSON.parse": stepped,
  },
  "count by type": { eventfold: () => replay("count"), "eventfold, reading data": () => replay("read") },
  "open": { "eventfold, 100 MB": opening("big"), "eventfold, 1 MB": opening("small") },
};

onmessage = async ({ data }) => {
  try {
    if (data.text) {
      // Not before: a message that comes while the script waits at its top is lost.
      root = await navigator.storage.getDirectory();
      ({ text } = data);
      events = text.trimEnd().split("\n").map((line) => JSON.parse(line));
      const sqlite3 = await sqlite3InitModule();
      pool = await sqlite3.installOpfsSAHPoolVfs({ initialCapacity: 8 });
      const megabyte = text.slice(0, text.indexOf("\n", 1e6) + 1);
      await place("small", megabyte);
      await place("big", megabyte, Math.ceil(BIG / megabyte.length));
      return postMessage({ works: Object.entries(works).map(([work, by]) => [work, Object.keys(by)]) });
    }
    postMessage({ took: await works[data.work][data.by]() });
  } catch (error) {
    postMessage({ error: error?.stack ?? String(error) });
  }
};
