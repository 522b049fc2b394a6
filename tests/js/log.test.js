// The package as a program sees it: appending, reading, tailing, closing.

import assert from "node:assert/strict";
import test from "node:test";

import { EventLog, EventReader, LogEvent, memoryHost, StorageError } from "../../wasm/package/js/index.js";
import { memoryFiles } from "../../wasm/package/hosts/memory-files.js";
import { moduleMemory } from "../../wasm/package/module/eventfold.js";

const sum = { initial: { sum: 0 }, reduce: (state, { data }) => ({ sum: state.sum + data }) };

test("what is appended is read back equal, in order, with positions that follow each other", async () => {
  const log = await EventLog.open(memoryHost());
  const events = [
    { type: "a", data: null, ts: 0 },
    { type: "", data: "é\u{1f600}\u0000\n\"\\", ts: 1, id: "i", actor: "", meta: null },
    { type: 'quote " and \\', data: { deep: [[[{}]]], big: 1e308, small: 5e-324, "": true }, ts: 2 },
    { type: "long", data: "x".repeat(300_000), ts: Number.MAX_SAFE_INTEGER },
  ];
  const told = [log.append(events[0]), ...log.appendBatch(events.slice(1))];
  const read = [...log.read()];
  assert.deepEqual(read.map((event) => event.toJSON()), events);
  assert.deepEqual(read.map((event) => event.type), events.map((event) => event.type));
  assert.deepEqual(
    read.map(({ position, nextPosition }) => [position, nextPosition]),
    told.map(({ position, nextPosition }) => [position, nextPosition]),
  );
  assert.equal(told[0].position, 0);
  assert.deepEqual(log.end(), { position: told[3].nextPosition, hash: told[3].hash });
  assert.ok(read[0] instanceof LogEvent);
  assert.equal(JSON.stringify(read[1]), JSON.stringify(events[1]));
  await log.close();
});

test("a batch of nothing writes nothing, and an event without ts happens now", async () => {
  const log = await EventLog.open(memoryHost());
  assert.deepEqual(log.appendBatch([]), []);
  assert.equal(log.end().position, 0);
  const before = Math.floor(Date.now() / 1000);
  log.append({ type: "now", data: 1, id: undefined });
  const [{ ts, id }] = log.read();
  assert.ok(ts >= before && ts <= Date.now() / 1000);
  assert.equal(id, undefined);
  await log.close();
});

test("what became of a rotation that was interrupted is told", async () => {
  const line = (n) => new TextEncoder().encode(`{"type":"n","data":${n},"ts":0}\n`);
  const files = memoryFiles();
  const host = { name: "host", durability: "none", open: () => ({ ...files }) };
  files.append("app.jsonl", line(1));
  const log = await EventLog.open(host);
  log.rotate();
  await log.close();
  const archive = new Uint8Array(files.len("archive.jsonl.zst"));
  files.readAt("archive.jsonl.zst", 0, archive);
  // The seal is the last of the frames that zstd skips.
  const hex = (at) => Buffer.from(archive.subarray(at, at + 4)).toString("hex");
  const seal = archive.findLastIndex((_, at) => /^5.2a4d18$/.test(hex(at)));

  for (const [rotation, lines] of [["undone", [1]], ["undone", [1, 2]], ["finished", []], ["kept", [7]]]) {
    const unsealed = memoryFiles();
    unsealed.append("archive.jsonl.zst", archive.subarray(0, seal));
    for (const n of lines) unsealed.append("app.jsonl", line(n));
    const again = await EventLog.open({ ...host, open: () => ({ ...unsealed }) });
    assert.equal(again.recovery.rotation, rotation);
    again.append({ type: "n", data: 9 });
    const data = [...again.read()].map((event) => event.data);
    assert.deepEqual(data, [...new Set([1, ...lines, 9])]);
    await again.close();
  }
});

test("no position changes when the log rotates, and a reading in between goes on", async () => {
  const log = await EventLog.open(memoryHost(), { maxLogSize: 2000 });
  const reading = log.read();
  const told = [];
  for (let n = 0; n < 500; n++) told.push(log.append({ type: "n", data: n, ts: n }));
  const seen = [reading.next().value.data];
  const { bytes, archived } = log.rotate();
  assert.ok(bytes > 0 && archived > 0 && log.logLength === 0);
  log.append({ type: "n", data: 500, ts: 500 });
  for (const event of reading) seen.push(event.data);
  assert.deepEqual(seen, Array.from({ length: 501 }, (_, n) => n));
  for (const [n, { position }] of told.entries()) assert.equal(log.read(position).next().value.data, n);
  await log.close();
});

test("a log that is compressed as it grows to its limit archives what one does that is not", async () => {
  const hosts = [memoryHost(), memoryHost()];
  const limited = await EventLog.open(hosts[0], { maxLogSize: 6 << 20 });
  const plain = await EventLog.open(hosts[1]);
  const text = (n) => `${n} `.repeat(40_000);
  for (let n = 0; n < 100; n++) {
    const event = { type: "text", data: text(n), ts: n };
    // The limit is asked about before the append.
    if (plain.logLength >= 6 << 20) plain.rotate();
    for (const log of [limited, plain]) log.append(event, { durability: "buffered" });
  }
  assert.ok(limited.logLength < 6 << 20);
  for (const log of [limited, plain]) await log.close();
  const archives = hosts.map((host) => {
    const files = host.open("read");
    const bytes = new Uint8Array(files.len("archive.jsonl.zst"));
    files.readAt("archive.jsonl.zst", 0, bytes);
    files.close();
    return Buffer.from(bytes);
  });
  assert.ok(archives[0].length > 0 && archives[0].equals(archives[1]));
  const reader = await EventReader.open(hosts[0]);
  assert.deepEqual(Array.from(reader.read(), ({ data }) => data), Array.from({ length: 100 }, (_, n) => text(n)));
  await reader.close();
});

test("readings that are left unfinished take no more memory the more there are", async () => {
  const log = await EventLog.open(memoryHost());
  const { nextPosition } = log.append({ type: "a", data: "x".repeat(100_000) });
  log.rotate();
  log.append({ type: "b", data: 1 });
  const memory = moduleMemory();
  const before = memory.buffer.byteLength;
  for (let n = 0; n < 1000; n++) {
    assert.equal(log.read().next().value.type, "a");
    assert.equal(log.read(nextPosition).next().value.data, 1);
  }
  assert.ok(memory.buffer.byteLength - before < 16 << 20, `${memory.buffer.byteLength - before} bytes`);
  await log.close();
});

test("a reading that is left at a long line keeps the room for it once", async () => {
  const log = await EventLog.open(memoryHost());
  const long = 8 << 20;
  log.append({ type: "a", data: "x".repeat(long) });
  const memory = moduleMemory();
  const before = memory.buffer.byteLength;
  for (let n = 0; n < 30; n++) log.read().next();
  // Eight keep the line, in a buffer of up to twice its length.
  assert.ok(memory.buffer.byteLength - before < 20 * long, `${memory.buffer.byteLength - before} bytes`);
  await log.close();
});

test("thousands of long types are read, and the module remembers none of them", async () => {
  const log = await EventLog.open(memoryHost());
  const types = Array.from({ length: 4000 }, (_, n) => `${n} ${"x".repeat(4 << 10)}`);
  for (const type of types) log.append({ type, data: 1 });
  const memory = moduleMemory();
  const before = memory.buffer.byteLength;
  assert.deepEqual(Array.from(log.read(), ({ type }) => type), types);
  assert.ok(memory.buffer.byteLength - before < 8 << 20, `${memory.buffer.byteLength - before} bytes`);
  await log.close();
});

test("any number of readings and tails in turns each go on where they were", async () => {
  const log = await EventLog.open(memoryHost());
  // About three of them make a batch.
  const data = (n) => `${n} `.padEnd(100_000, "x");
  for (let n = 0; n < 12; n++) {
    log.append({ type: `t${n % 5}`, data: data(n), ts: n });
    if (n === 5) log.rotate();
  }
  const ways = [() => log.read(), () => log.tail()];
  const readings = Array.from({ length: 40 }, (_, n) => ways[n % 2]());
  const seen = readings.map(() => []);
  for (let turn = 0; turn < 12; turn++) {
    for (const [n, reading] of readings.entries()) {
      // Not all of them are at the same place.
      for (let step = 0; step <= n % 3 && seen[n].length < 12; step++) seen[n].push((await reading.next()).value);
    }
  }
  for (const events of seen) {
    assert.deepEqual(events.map(({ type, ts }) => [type, ts]), Array.from({ length: 12 }, (_, n) => [`t${n % 5}`, n]));
    assert.ok(events.every((event) => event.data === data(event.ts)));
  }
  await log.close();
});

test("an append on a condition conflicts when somebody was faster, and tells what is there", async () => {
  const log = await EventLog.open(memoryHost());
  const first = log.appendIf({ type: "a", data: 1 }, log.end());
  assert.throws(
    () => log.appendIf({ type: "b", data: 2 }, { position: 0, hash: first.hash }),
    { code: "conflict", name: "ConflictError", position: first.nextPosition, hash: first.hash },
  );
  const { nextPosition: position, hash } = first;
  log.appendIf({ type: "c", data: 3 }, { position, hash });
  assert.deepEqual([...log.read()].map((event) => event.type), ["a", "c"]);
  await log.close();
});

test("a tail yields what is there and what comes, over rotations, until it is stopped", async () => {
  const log = await EventLog.open(memoryHost());
  log.append({ type: "n", data: 0 });
  const stop = new AbortController();
  const seen = [];
  const tailing = (async () => {
    for await (const { data } of log.tail({ signal: stop.signal })) {
      seen.push(data);
      if (data === 20) stop.abort();
    }
  })();
  for (let n = 1; n <= 20; n++) {
    await new Promise(setImmediate);
    log.append({ type: "n", data: n });
    if (n % 7 === 0) log.rotate();
  }
  await tailing;
  assert.deepEqual(seen, Array.from({ length: 21 }, (_, n) => n));
  await log.close();
});

test("closing ends a tail that waits, and a tail may start at the end", async () => {
  const log = await EventLog.open(memoryHost());
  log.append({ type: "n", data: 0 });
  const seen = [];
  const tailing = (async () => {
    for await (const { data } of log.tail({ position: log.end().position })) seen.push(data);
  })();
  log.append({ type: "n", data: 1 });
  await new Promise((resolve) => setTimeout(resolve, 20));
  await log.close();
  await tailing;
  assert.deepEqual(seen, [1]);
});

test("the last lines are found from the end, over rotations, and a tail goes on from there", async () => {
  const log = await EventLog.open(memoryHost());
  assert.equal(log.startOfLast(3), 0);
  const numbers = Array.from({ length: 12 }, (_, data) => data);
  for (const data of numbers) {
    log.append({ type: "n", data });
    if (data % 5 === 4) log.rotate();
  }
  for (const lines of [0, 1, 2, 5, 11, 12, 13, Number.MAX_SAFE_INTEGER]) {
    const last = [...log.read(log.startOfLast(lines))].map(({ data }) => data);
    assert.deepEqual(last, numbers.slice(Math.max(0, 12 - lines)), String(lines));
  }
  assert.equal(log.startOfLast(0), log.end().position);
  const tail = log.tail({ position: log.startOfLast(1) });
  assert.equal((await tail.next()).value.data, 11);
  log.append({ type: "n", data: 12 });
  assert.equal((await tail.next()).value.data, 12);
  await log.close();
});

test("closing again waits for what the host has still to store, and tells too that it could not", async () => {
  for (const [Kind, failing] of [[EventLog, false], [EventReader, false], [EventLog, true]]) {
    let stored = false;
    const close = async () => {
      await new Promise(setImmediate);
      if (failing) throw new StorageError("no room");
      stored = true;
    };
    const host = { name: "host", durability: "relaxed", open: () => ({ ...memoryFiles(), close }) };
    const log = await Kind.open(host);
    const first = log.close();
    for (const closing of [log.close(), first, log.close()]) {
      if (failing) await assert.rejects(closing, { code: "storage" });
      else await closing.then(() => assert.ok(stored));
    }
  }
});

test("closing ends readings and tails in the middle of what they were given", async () => {
  const log = await EventLog.open(memoryHost());
  log.appendBatch([1, 2, 3].map((data) => ({ type: "n", data })));
  const reading = log.read();
  const tail = log.tail();
  assert.equal(reading.next().value.data, 1);
  assert.equal((await tail.next()).value.data, 1);
  await log.close();
  assert.throws(() => reading.next(), { code: "closed" });
  assert.deepEqual(await tail.next(), { value: undefined, done: true });
});

test("one object in memory has one writer, any number of readers, and says that nothing is durable", async () => {
  const host = memoryHost();
  assert.equal(host.durability, "none");
  const log = await EventLog.open(host);
  await assert.rejects(EventLog.open(host), { code: "locked", path: "memory" });
  const readers = await Promise.all([EventReader.open(host), EventReader.open(host)]);
  log.append({ type: "a", data: 1 });
  for (const reader of readers) assert.equal([...reader.read()].length, 1);
  await log.close();
  await (await EventLog.open(host)).close();
});

test("leaving the scope closes the log", { skip: !Symbol.dispose && "no Symbol.dispose here" }, async () => {
  const host = memoryHost();
  const log = await EventLog.open(host);
  log[Symbol.dispose]();
  assert.throws(() => log.append({ type: "a", data: 1 }), { code: "closed" });
  const again = await EventLog.open(host);
  await again[Symbol.asyncDispose]();
});
