// Views of a log: folding, saving, and reducers that fail.

import assert from "node:assert/strict";
import test from "node:test";

import { EventLog, EventReader, memoryHost } from "../../wasm/package/js/index.js";
import { memoryFiles } from "../../wasm/package/hosts/memory-files.js";

const count = {
  initial: {},
  reduce: (counts, event) => ({ ...counts, [event.type]: (counts[event.type] ?? 0) + 1 }),
};

const sum = { initial: { sum: 0 }, reduce: (state, { data }) => ({ sum: state.sum + data }) };

test("a view goes on from its snapshot, and equals one folded from the start", async () => {
  const host = memoryHost();
  const folded = [];
  const reduce = (state, event) => (folded.push(event.data), sum.reduce(state, event));
  let log = await EventLog.open(host, { views: { sum: { ...sum, reduce }, count } });
  for (let n = 1; n <= 10; n++) {
    log.append({ type: n % 2 ? "odd" : "even", data: n });
    log.view("sum");
  }
  assert.deepEqual(log.view("sum"), { sum: 55 });
  assert.equal(folded.length, 10);
  log.rotate();
  log.save();
  await log.close();

  log = await EventLog.open(host, { views: { sum: { ...sum, reduce }, count } });
  log.append({ type: "odd", data: 11 });
  assert.deepEqual(log.view("sum"), { sum: 66 });
  assert.equal(folded.length, 11);
  assert.deepEqual(log.view("count"), { odd: 6, even: 5 });
  await log.close();

  const reader = await EventReader.open(host, { views: { sum, other: sum } });
  assert.deepEqual(reader.view("sum"), reader.view("other"));
  await reader.close();
});

test("a view of another version is folded from the first event, and saved as that", async () => {
  const host = memoryHost();
  let folded = 0;
  const view = (version, by) => ({
    initial: 0,
    reduce: (sum, { data }) => ((folded += 1), sum + by * data),
    version,
  });
  const opened = async (definition) => {
    folded = 0;
    const log = await EventLog.open(host, { views: { sum: definition } });
    const state = log.view("sum");
    await log.close();
    return [state, folded];
  };
  const log = await EventLog.open(host, { views: { sum: view(undefined, 1) } });
  log.appendBatch([1, 2, 3].map((data) => ({ type: "a", data })));
  log.rotate();
  log.save();
  await log.close();
  assert.deepEqual(await opened(view(0, 1)), [6, 0]);
  for (const version of [1, 2 ** 32 - 1]) {
    assert.deepEqual(await opened(view(version, 10)), [60, 3]);
    assert.deepEqual(await opened(view(version, 10)), [60, 0]);
  }
  assert.deepEqual(await opened(view(0, 1)), [6, 3]);
});

test("a reducer that fails, in place too, changes no view, and the snapshot stays", async () => {
  const host = memoryHost();
  let fails = false;
  const inPlace = {
    initial: { sum: 0 },
    reduce(state, { data }) {
      state.sum += data;
      if (fails && data === 3) throw new RangeError("three");
      return state;
    },
  };
  let log = await EventLog.open(host, { views: { inPlace } });
  log.append({ type: "a", data: 1 });
  log.save();
  log.appendBatch([2, 3].map((data) => ({ type: "a", data })));
  fails = true;
  for (let again = 0; again < 2; again++) {
    assert.throws(
      () => log.view("inPlace"),
      (error) => error.code === "reducer" && error.view === "inPlace" && error.cause.message === "three",
    );
  }
  fails = false;
  assert.deepEqual(log.view("inPlace"), { sum: 6 });
  await log.close();
  log = await EventLog.open(host, { views: { inPlace } });
  assert.deepEqual(log.view("inPlace"), { sum: 6 });
  assert.deepEqual(inPlace.initial, { sum: 0 });
  await log.close();
});

test("a view that cannot be saved keeps no other from it, whether the log is saved or closed", async () => {
  for (const way of ["save", "close"]) {
    const host = memoryHost();
    const set = { initial: new Set(), reduce: (all, { type }) => all.add(type) };
    const log = await EventLog.open(host, { views: { set, count } });
    log.append({ type: "n", data: 1 });
    for (const view of ["set", "count"]) log.view(view);
    await assert.rejects(async () => log[way](), { code: "unreadable" });
    const reduce = () => assert.fail("folded anew");
    const reader = await EventReader.open(host, { views: { count: { ...count, reduce } } });
    assert.deepEqual(reader.view("count"), { n: 1 });
    await reader.close();
    await log.close().catch(() => {});
  }
});

test("a read that fails leaves a view as it was, and what is folded is not read again", async () => {
  const files = memoryFiles();
  let failing = false;
  const readAt = (...args) => {
    if (failing) throw new Error("once");
    return files.readAt(...args);
  };
  const host = { name: "host", durability: "none", open: () => ({ ...files, readAt }) };
  let folded = 0;
  const reduce = (state, event) => ((folded += 1), sum.reduce(state, event));
  const log = await EventLog.open(host);
  log.appendBatch(Array.from({ length: 1000 }, () => ({ type: "n", data: 1 })));
  log.rotate();
  const reader = await EventReader.open(host, { views: { sum: { ...sum, reduce } } });
  assert.deepEqual(reader.view("sum"), { sum: 1000 });
  // History that was folded long ago is damaged: the view does not need it.
  const archive = new Uint8Array(files.len("archive.jsonl.zst"));
  files.readAt("archive.jsonl.zst", 0, archive);
  archive.fill(255, archive.length >> 1, (archive.length >> 1) + 9);
  files.replace("archive.jsonl.zst", archive);
  log.append({ type: "n", data: 1 });
  failing = true;
  assert.throws(() => reader.view("sum"), { code: "storage" });
  failing = false;
  assert.deepEqual(reader.view("sum"), { sum: 1001 });
  assert.equal(folded, 1001);
  log.append({ type: "n", data: 1 });
  assert.deepEqual(reader.view("sum"), { sum: 1002 });
  await log.close();
});

test("a reducer that is asynchronous is told so when it folds, and keeps no other view from being saved", async () => {
  const host = memoryHost();
  const count = { initial: 0, reduce: (n) => n + 1 };
  let calls = 0;
  const later = { initial: { list: [] }, reduce: async (state) => (calls++, state.list.push(1), state) };
  const log = await EventLog.open(host, { views: { later, count } });
  for (let n = 0; n < 3; n += 1) log.append({ type: "n", data: n });
  for (let time = 1; time <= 2; time += 1) {
    const told = { code: "reducer", view: "later", position: 0, message: /returned a promise/ };
    assert.throws(() => log.view("later"), told);
    // A second event would be folded over a promise, and what that rejects would end the program.
    assert.equal(calls, time);
  }
  assert.throws(() => log.save(), { code: "reducer" });
  await log.close();
  const again = await EventReader.open(host, { views: { count: { ...count, reduce: () => assert.fail() } } });
  assert.equal(again.view("count"), 3);
  await again.close();
});

test("a reducer that returns nothing is told so", async () => {
  const log = await EventLog.open(memoryHost(), { views: { v: { initial: 0, reduce() {} } } });
  const { position } = log.append({ type: "a", data: 1 });
  assert.throws(() => log.view("v"), { code: "reducer", position, message: /returned nothing/ });
  await log.close();
});
