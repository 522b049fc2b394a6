// Against the bare file system and peers, on a directory: `node bench/node.js [DIR]`.

import { closeSync, fdatasyncSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { nodeHost } from "../../../wasm/package/hosts/node.js";
import { EventLog } from "../../../wasm/package/js/index.js";
import { lines } from "./events.js";
import { head, inTurns, timed } from "./turns.js";

const SYNCED = 300;
const BATCHED = 20_000;
const BATCH = 100;

const text = lines();
const events = text.trimEnd().split("\n").map((line) => JSON.parse(line));
const sqlite = await import("node:sqlite").catch(() => undefined);
const nedb = await import("@seald-io/nedb").then((m) => m.default, () => undefined);
const pino = await import("pino").then((m) => m.default, () => undefined);

const at = process.argv[2] ?? tmpdir();
async function inDir(work) {
  const dir = mkdtempSync(join(at, "eventfold-bench-"));
  try {
    return await work(dir);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

const ours = (work) => () =>
  inDir(async (dir) => {
    const log = await EventLog.open(nodeHost(dir));
    const took = await timed(() => work(log));
    await log.close();
    return took;
  });

const raw = (work) => () =>
  inDir(async (dir) => {
    const file = openSync(join(dir, "log"), "a");
    const took = await timed(() => work(file));
    closeSync(file);
    return took;
  });

const inSqlite = (synchronous, work) => () =>
  inDir(async (dir) => {
    const db = new sqlite.DatabaseSync(join(dir, "db"));
    db.exec(`PRAGMA journal_mode=WAL; PRAGMA synchronous=${synchronous};
      CREATE TABLE events (seq INTEGER PRIMARY KEY, type TEXT, ts INTEGER, data TEXT)`);
    const insert = db.prepare("INSERT INTO events (type, ts, data) VALUES (?, ?, ?)");
    const add = ({ type, ts, data }) => insert.run(type, ts, JSON.stringify(data));
    const took = await timed(() => work(db, add));
    db.close();
    return took;
  });

function* batches(of) {
  for (let from = 0; from < of; from += BATCH) {
    yield Array.from({ length: BATCH }, (_, n) => events[(from + n) % events.length]);
  }
}

console.log(`${process.version}, ${events.length} events, ${(text.length / 1e6).toFixed(1)} MB`);
head();

await inTurns(`${SYNCED} synced appends`, {
  eventfold: ours((log) => {
    for (let n = 0; n < SYNCED; n++) log.append(events[n]);
  }),
  "write + fdatasync": raw((file) => {
    for (let n = 0; n < SYNCED; n++) {
      writeSync(file, `${JSON.stringify(events[n])}\n`);
      fdatasyncSync(file);
    }
  }),
  ...(sqlite && {
    "node:sqlite, WAL, FULL": inSqlite("FULL", (_, add) => {
      for (let n = 0; n < SYNCED; n++) add(events[n]);
    }),
  }),
});

await inTurns(`${BATCHED} in hundreds, not synced`, {
  eventfold: ours((log) => {
    for (const batch of batches(BATCHED)) log.appendBatch(batch, { durability: "buffered" });
  }),
  "JSON.stringify + write": raw((file) => {
    for (const batch of batches(BATCHED)) {
      let lines = "";
      for (const event of batch) lines += `${JSON.stringify(event)}\n`;
      writeSync(file, lines);
    }
  }),
  ...(sqlite && {
    "node:sqlite, WAL, NORMAL": inSqlite("NORMAL", (db, add) => {
      for (const batch of batches(BATCHED)) {
        db.exec("BEGIN");
        batch.forEach(add);
        db.exec("COMMIT");
      }
    }),
  }),
  ...(pino && {
    "pino, synchronous": () =>
      inDir(async (dir) => {
        const to = pino.destination({ dest: join(dir, "log"), sync: true, minLength: 4096 });
        const logger = pino(to);
        const took = await timed(() => {
          for (let n = 0; n < BATCHED; n++) logger.info(events[n % events.length]);
          to.flushSync();
        });
        to.end();
        return took;
      }),
  }),
}, 5);

const views = {
  read: { initial: 0, reduce: (sum, { data }) => sum + Object.keys(data).length },
  count: { initial: {}, reduce: (counts, { type }) => ((counts[type] = (counts[type] ?? 0) + 1), counts) },
};

await inDir(async (dir) => {
  writeSync(openSync(join(dir, "app.jsonl"), "w"), text);
  const replay = (name) => async () => {
    const log = await EventLog.open(nodeHost(dir), { views });
    const took = await timed(() => log.view(name));
    log[Symbol.dispose]?.();
    // What was saved on closing would make the next replay none.
    rmSync(join(dir, "views"), { recursive: true, force: true });
    return took;
  };
  const plain = (take) => () =>
    timed(() => {
      let state = 0;
      for (const line of take()) state += Object.keys(JSON.parse(line).data).length;
      return state;
    });
  const decoder = new TextDecoder();
  await inTurns("replay that reads data", {
    eventfold: replay("read"),
    "read, split, JSON.parse": plain(() => readFileSync(join(dir, "app.jsonl"), "utf8").trimEnd().split("\n")),
    "line by line, JSON.parse": plain(function* () {
      const bytes = readFileSync(join(dir, "app.jsonl"));
      for (let from = 0, to; (to = bytes.indexOf(10, from)) >= 0; from = to + 1) {
        yield decoder.decode(bytes.subarray(from, to));
      }
    }),
    ...(nedb && {
      nedb: () =>
        inDir(async (own) => {
          const filename = join(own, "db");
          writeSync(openSync(filename, "w"), events.map((event, n) => `${JSON.stringify({ ...event, _id: `${n}` })}\n`).join(""));
          const db = new nedb({ filename });
          return timed(() => db.loadDatabaseAsync());
        }),
    }),
  });
  await inTurns("count by type", { eventfold: replay("count"), "eventfold, reading data": replay("read") });
});
