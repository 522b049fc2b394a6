// What a program can do wrong: a typed error each time, and a log that stays whole.

import assert from "node:assert/strict";
import test from "node:test";

import { CorruptError, EventfoldError, EventLog, EventReader, memoryHost } from "../../wasm/package/js/index.js";
import { durableObjectHost } from "../../wasm/package/hosts/durable-object.js";
import { memoryFiles } from "../../wasm/package/hosts/memory-files.js";
import { indexedDbHost } from "../../wasm/package/hosts/indexeddb.js";
import { nodeHost } from "../../wasm/package/hosts/node.js";
import { opfsHost } from "../../wasm/package/hosts/opfs.js";
import { load } from "../../wasm/package/js/module.js";
import { append } from "../../wasm/package/js/writer.js";
import { assertWhole, good } from "./support/whole.js";

function nested(levels, data = 1) {
  while (levels-- > 0) data = [data];
  return data;
}

const cycle = {};
cycle.self = { cycle };

const REFUSED = {
  "not an object": null,
  "a string": "event",
  "no type": { data: 1 },
  "a type that is no string": { type: 1, data: 1 },
  "no data": { type: "a" },
  "data that is undefined": { type: "a", data: undefined },
  "data that is a function": { type: "a", data() {} },
  "a field that events do not have": { ...good, extra: 1 },
  "a BigInt": { type: "a", data: { deep: [1n] } },
  "a cycle": { type: "a", data: cycle },
  NaN: { type: "a", data: { x: NaN } },
  infinity: { type: "a", data: [-Infinity] },
  "undefined in an array": { type: "a", data: [undefined] },
  "a boxed NaN": { type: "a", data: new Number(NaN) },
  "a boxed infinity in an object": { type: "a", data: { x: new Number(Infinity) } },
  "a hole in an array": { type: "a", data: [, 1] },
  "a hole in an array with a key of another kind": { type: "a", data: Object.assign([, null], { x: 1 }) },
  "an invalid date": { type: "a", data: { at: new Date(NaN) } },
  "a Map": { type: "a", data: new Map([[1, 2]]) },
  "a Set in meta": { ...good, meta: { deep: [new Set([1])] } },
  "an error": { type: "a", data: { failed: new Error("why") } },
  "a promise": { type: "a", data: [Promise.resolve(1)] },
  "a regular expression": { type: "a", data: { like: /a/ } },
  "bytes that are no array": { type: "a", data: new ArrayBuffer(8) },
  "half of a surrogate pair": { type: "a", data: "\ud83d" },
  "half of a surrogate pair in a key": { type: "a", data: { "\udc00": 1 } },
  "half of a surrogate pair in the type": { type: "\ud83d", data: 1 },
  "toJSON that throws": { type: "a", data: { toJSON() { throw new Error("no"); } } },
  "a getter in data that throws null": { type: "a", data: { get x() { throw null; } } },
  "a getter in data that throws nothing": { type: "a", data: { get x() { throw undefined; } } },
  "a getter in data that throws a symbol": { type: "a", data: { get x() { throw Symbol("x"); } } },
  "a getter that throws": { type: "a", get data() { throw new Error("no"); } },
  "a key that Rust reads as none": { type: "a", data: [{ "$serde_json::private::RawValue": "[1]" }] },
  "such a key in meta": { ...good, meta: { "$serde_json::private::Number": "1" } },
  "nesting beyond what parsers take": { type: "a", data: nested(200) },
  "nesting beyond the stack": { type: "a", data: nested(1_000_000) },
  "ts below zero": { ...good, ts: -1 },
  "ts in fractions": { ...good, ts: 1.5 },
  "ts at 2^53": { ...good, ts: 2 ** 53 },
  "ts as a date": { ...good, ts: new Date() },
  "an id that is no string": { ...good, id: 7 },
  "an actor that is null": { ...good, actor: null },
  "meta that JSON does not know": { ...good, meta: Symbol("m") },
};

for (const [what, event] of Object.entries(REFUSED)) {
  test(`an event is refused before a byte is written: ${what}`, async () => {
    const host = memoryHost();
    const log = await EventLog.open(host);
    log.append(good);
    const end = log.end();
    const refused = (error) => {
      if (what === "a getter that throws") return error.message === "no";
      assert.ok(error instanceof EventfoldError, error.stack);
      assert.ok(["bad-argument", "unreadable"].includes(error.code), error.stack);
      return error.message.length > 0;
    };
    assert.throws(() => log.append(event), refused);
    assert.throws(() => log.appendBatch([good, event, good]), (error) => {
      if (what !== "a getter that throws") assert.match(error.stack, /event 1 of the batch, counted from 0: /);
      return refused(error);
    });
    assert.throws(() => log.appendIf(event, log.end()), refused);
    assert.deepEqual(log.end(), end);
    await assertWhole(host, log, [1]);
  });
}

test("null below any depth of nesting is refused, wherever the stack ends", async () => {
  const host = memoryHost();
  const log = await EventLog.open(host);
  for (let levels = 500; levels <= 10_000; levels += 250) {
    assert.throws(() => log.append({ type: "a", data: nested(levels, null) }), { code: "unreadable" }, `${levels}`);
  }
  await assertWhole(host, log, []);
});

test("JSON text that the parser cannot read is refused", { skip: !JSON.rawJSON && "no JSON.rawJSON here" }, async () => {
  const host = memoryHost();
  const log = await EventLog.open(host);
  assert.throws(() => log.append({ type: "a", data: JSON.rawJSON("1e999") }), { code: "unreadable" });
  await assertWhole(host, log, []);
});

test("a position or a count that is none is told so, wherever one is given", async () => {
  const host = memoryHost();
  const log = await EventLog.open(host);
  log.append(good);
  for (const position of [-1, 0.5, NaN, Infinity, 2 ** 53, "0", null, 1n, {}]) {
    assert.throws(() => log.read(position), { code: "bad-position" }, String(position));
    assert.throws(() => log.tail({ position }), { code: "bad-position" }, String(position));
  }
  for (const position of [3, log.end().position + 1, 2 ** 53 - 1]) {
    assert.throws(() => [...log.read(position)], { code: "bad-position" }, String(position));
    await assert.rejects(log.tail({ position }).next(), { code: "bad-position" });
  }
  for (const lines of [undefined, null, -1, 0.5, NaN, Infinity, 2 ** 53, "1", 1n]) {
    assert.throws(() => log.startOfLast(lines), { code: "bad-argument", message: /lines/ }, String(lines));
  }
  const { position, hash: last } = log.end();
  for (const expected of [undefined, null, {}, { position: 0 }, { position: -1, hash: last }, { position: 0.5, hash: last }]) {
    assert.throws(() => log.appendIf(good, expected), { code: "bad-argument", message: /nextPosition and hash/ });
  }
  const empty = await EventLog.open(memoryHost());
  assert.throws(() => empty.appendIf(good, { ...empty.end(), position: -5 }), { code: "bad-argument" });
  empty.appendIf(good, empty.end());
  for (const hash of ["", "xyz", "EF46DB3751D8E999", 7]) {
    assert.throws(() => log.appendIf(good, { position, hash }), { code: "bad-argument" }, String(hash));
  }
  await assertWhole(host, log, [1]);
});

test("an error that reading a field of an event throws is thrown as it is, of a batch as of one event", async () => {
  const host = memoryHost();
  const fails = { initial: 0, reduce() { throw new Error("no"); } };
  const log = await EventLog.open(host, { views: { fails } });
  log.append(good);
  const own = new EventfoldError("of the program", "why");
  const events = [
    [{ type: "a", get data() { return log.view("fails"); } }, { code: "reducer", view: "fails", position: 0 }],
    [{ type: "a", get data() { throw own; } }, own],
  ];
  for (const [event, thrown] of events) {
    assert.throws(() => log.append(event), thrown);
    assert.throws(() => log.appendBatch([good, event]), thrown);
  }
  await assertWhole(host, log, [1]);
});

test("options of the wrong kind are told so, and nothing stays open", async () => {
  const host = memoryHost();
  for (const options of [
    { maxLogSize: 0 },
    { maxLogSize: "1" },
    { maxLogSize: NaN },
    { maxLogSize: Symbol("size") },
    null,
    5,
    { views: null },
    { views: "v" },
    { views: [{ initial: 0, reduce: () => 0 }] },
    { views: new Map([["v", { initial: 0, reduce: () => 0 }]]) },
    { views: { v: { initial: () => 0, reduce: () => 0 } } },
    { views: { v: { initial: Symbol("initial"), reduce: () => 0 } } },
    { views: { v: {} } },
    { views: { v: { initial: 0 } } },
    { views: { v: { reduce() {} } } },
    { views: { v: null } },
    ...[-1, 1.5, NaN, 2 ** 32, "2", null].map((version) => ({ views: { v: { initial: 0, reduce() {}, version } } })),
    { views: { "../v": { initial: 0, reduce: () => 0 } } },
    { views: { "": { initial: 0, reduce: () => 0 } } },
  ]) {
    await assert.rejects(EventLog.open(host, options), { code: "bad-argument" }, JSON.stringify(options));
  }
  const opening = (files) => ({ name: "host", durability: "none", open: () => files });
  for (const host of [undefined, null, {}, "dir", opening(undefined), opening({}), opening({ len() {}, readAt() {} })]) {
    await assert.rejects(EventLog.open(host), { code: "bad-argument" });
    await assert.rejects(EventReader.open(host), { code: "bad-argument" });
  }
  const log = await EventLog.open(host);
  for (const options of [null, "buffered", { durability: "maybe" }, { durability: Symbol("maybe") }]) {
    assert.throws(() => log.append(good, options), { code: "bad-argument" });
    assert.throws(() => log.appendBatch([good], options), { code: "bad-argument" });
    assert.throws(() => log.appendIf(good, log.end(), options), { code: "bad-argument" });
  }
  for (const events of [undefined, null, 5, {}, good]) {
    assert.throws(() => log.appendBatch(events), { code: "bad-argument" });
  }
  for (const options of [null, 5, { signal: {} }, { signal: 5 }, { signal: { aborted: true } }]) {
    assert.throws(() => log.tail(options), { code: "bad-argument" });
  }
  const storage = { transactionSync() {} };
  for (const options of [null, "none"]) {
    for (const host of [
      () => nodeHost("dir", options),
      () => opfsHost("log", options),
      () => durableObjectHost(storage, options),
    ]) {
      assert.throws(host, { code: "bad-argument" });
    }
  }
  for (const table of ["a b", "", null, 5n, {}]) {
    assert.throws(() => durableObjectHost(storage, { table }), { code: "bad-argument" });
  }
  assert.throws(() => opfsHost("log", { signal: {} }), { code: "bad-argument" });
  for (const name of ["none", 5n, Symbol("none"), null, undefined, {}]) {
    assert.throws(() => log.view(name), { code: "bad-argument", message: /there is no view/ });
  }
  await assertWhole(host, log, []);
});

test("views whose names are one file are refused", async () => {
  const view = { initial: 0, reduce: (n) => n + 1 };
  for (const [one, other] of [["v", "V"], ["é", "É"]]) {
    for (const Class of [EventLog, EventReader]) {
      await assert.rejects(Class.open(memoryHost(), { views: { [one]: view, [other]: view } }), {
        code: "bad-argument",
        message: /the name of another view too/,
      });
    }
  }
  const log = await EventLog.open(memoryHost(), { views: { v: view, w: view, "\u{1f600}": view, "\u{1f601}": view } });
  await log.close();
});

test("names with half of a surrogate pair are refused, which would be those of another log or view", async () => {
  const refused = { code: "bad-argument", message: /half of a surrogate pair/ };
  for (const name of ["\ud800", "a\udfff", "\ude00\ud83d"]) {
    const views = { [name]: { initial: 0, reduce: (n) => n + 1 } };
    for (const Class of [EventLog, EventReader]) await assert.rejects(Class.open(memoryHost(), { views }), refused);
    for (const host of [opfsHost, indexedDbHost]) assert.throws(() => host(name), refused);
  }
  for (const name of [5n, Symbol("name"), null]) assert.throws(() => opfsHost(name), { code: "bad-argument" });
});

test("after closing every use says so, and closing again is fine", async () => {
  const log = await EventLog.open(memoryHost(), { views: { v: { initial: 0, reduce: (n) => n + 1 } } });
  log.appendBatch([good, good]);
  const reading = log.read();
  reading.next();
  await log.close();
  await log.close();
  const uses = {
    append: () => log.append(good),
    appendBatch: () => log.appendBatch([good]),
    appendIf: () => log.appendIf(good, { position: 0, hash: "ef46db3751d8e999" }),
    read: () => log.read(),
    tail: () => log.tail(),
    startOfLast: () => log.startOfLast(1),
    view: () => log.view("v"),
    save: () => log.save(),
    sync: () => log.sync(),
    rotate: () => log.rotate(),
    end: () => log.end(),
    logLength: () => log.logLength,
    reading: () => reading.next(),
  };
  for (const [name, use] of Object.entries(uses)) {
    assert.throws(use, { code: "closed", message: /memory/ }, name);
  }
  await assert.rejects(log.durable(), { code: "closed" });
});

test("a host or a reducer that comes back in the middle of a call is refused", async () => {
  const files = memoryFiles();
  let log;
  let back;
  const host = {
    name: "returning",
    durability: "none",
    open: () => ({
      ...files,
      append(file, data) {
        if (log && !back) {
          back = [];
          for (const use of [() => log.append(good), () => [...log.read()], () => log.startOfLast(1), () => log.rotate()]) {
            try {
              use();
            } catch (error) {
              back.push(error.code);
            }
          }
        }
        files.append(file, data);
      },
    }),
  };
  const reentrant = { initial: 0, reduce: (n) => (log.append(good), n + 1) };
  log = await EventLog.open(host, { views: { reentrant } });
  log.append(good);
  assert.deepEqual(back, ["reentrant", "reentrant", "reentrant", "reentrant"]);
  assert.throws(() => log.view("reentrant"), (error) => error.code === "reducer" && error.cause.code === "reentrant");
  await assertWhole(host, log, [1]);
});

test("closing in the middle of a call is refused, and the log stays open", async () => {
  const closings = [];
  const views = {
    other: { initial: 0, reduce: (n) => n + 1 },
    closes: { initial: 0, reduce: (n) => (closings.push(log.close()), n + 1) },
  };
  const host = memoryHost();
  const log = await EventLog.open(host, { views });
  log.append(good);
  log.view("other");
  assert.equal(log.view("closes"), 1);
  for (const closing of closings) await assert.rejects(closing, { code: "reentrant" });
  assert.equal(closings.length, 1);
  await assertWhole(host, log, [1]);

  const reading = await EventReader.open(host, {
    views: { closes: { initial: 0, reduce: (n) => (closings.push(reading.close()), n + 1) } },
  });
  assert.equal(reading.view("closes"), 2);
  for (const closing of closings) await assert.rejects(closing, { code: "reentrant" });
  assert.equal(closings.length, 2);
  assert.equal([...reading.read()].length, 2);
  await reading.close();
});

test("whatever a reducer throws is the cause of a reducer's error", async () => {
  const own = Object.assign(new Error("mine"), { code: "corrupt" });
  for (const thrown of [undefined, null, 0, "text", Symbol("s"), Object.create(null), { message: Symbol("s") }, own]) {
    const reduce = () => {
      throw thrown;
    };
    const log = await EventLog.open(memoryHost(), { views: { v: { initial: 0, reduce } } });
    const { position } = log.append(good);
    assert.throws(() => log.view("v"), (error) => {
      assert.ok(!(error instanceof CorruptError));
      assert.deepEqual([error.code, error.view, error.position], ["reducer", "v", position], error.stack);
      assert.match(error.message, /failed/);
      return error.cause === thrown;
    });
    await log.close();
  }
});

test("a batch of more than 2^28 characters is refused, and this log and others go on", async () => {
  const [host, others] = [memoryHost(), memoryHost()];
  const log = await EventLog.open(host);
  const other = await EventLog.open(others);
  const large = { ...good, data: "x".repeat(60 << 20) };
  assert.throws(() => log.appendBatch(Array(36).fill(large)), { code: "too-large" });
  await assertWhole(others, other, []);
  await assertWhole(host, log, []);
});

test("lines that there is no memory for are refused, and the writer goes on", async () => {
  const glue = await load();
  const files = memoryFiles();
  const writer = new glue.RawWriter(files, true);
  assert.throws(() => writer.room(2 ** 31), { code: "too-large" });
  append(glue, writer, ['{"type":"good","data":1,"ts":1}'], true);
  writer.free();
  const host = { name: "host", durability: "none", open: () => ({ ...files }) };
  await assertWhole(host, await EventLog.open(host), [1]);
});

test("an append that is refused rotates nothing", async () => {
  const host = memoryHost();
  const log = await EventLog.open(host, { maxLogSize: 1 });
  log.append(good);
  const { logLength } = log;
  for (const data of ["\ud800", nested(200)]) {
    assert.throws(() => log.append({ type: "a", data }), { code: "unreadable" });
    assert.throws(() => log.appendBatch([good, { type: "a", data }]), { code: "unreadable" });
    assert.throws(() => log.appendIf({ type: "a", data }, log.end()), { code: "unreadable" });
  }
  assert.throws(() => log.append({ type: "a", data: "x".repeat((64 << 20) + 1) }), { code: "too-large" });
  assert.equal(log.logLength, logLength);
  assert.deepEqual(log.rotate().bytes, logLength);
  await assertWhole(host, log, [1]);
});

test("a state that JSON does not carry is refused when it is saved, and the snapshot before it stays", async () => {
  const host = memoryHost();
  const views = { seen: { initial: [], reduce: (seen, { data }) => (data === 1 ? [1] : new Set([...seen, data])) } };
  let log = await EventLog.open(host, { views });
  log.append(good);
  log.save();
  log.append({ ...good, data: 2 });
  assert.throws(() => log.save(), { code: "unreadable", message: /\[object Set\]/ });
  await assert.rejects(log.close(), { code: "unreadable" });
  views.seen.reduce = (seen, { data }) => [...seen, data];
  log = await EventLog.open(host, { views });
  assert.deepEqual(log.view("seen"), [1, 2]);
  await assertWhole(host, log, [1, 2]);
});

test("of several views the one whose state would not read back equal is named", async () => {
  const host = memoryHost();
  const same = { initial: "", reduce: (state) => state };
  const log = await EventLog.open(host, { views: { fine: same, torn: { initial: "", reduce: () => "\ud800" } } });
  log.append(good);
  const told = { code: "unreadable", message: /the state of view "torn": half of a surrogate pair/ };
  assert.throws(() => log.save(), told);
  await assert.rejects(log.close(), told);
  await assertWhole(host, await EventLog.open(host), [1]);
});

test("what JSON writes whole is appended: objects of classes, boxed values, what is empty or inherited", async () => {
  class Point {
    constructor(x) {
      if (x) this.x = x;
    }
  }
  Point.prototype.root = { me: undefined };
  Point.prototype.root.me = Point.prototype.root;
  const host = memoryHost();
  const log = await EventLog.open(host);
  const bare = Object.create(null);
  const data = [{}, new Point(), new Point(1), bare, null, [[]], new Number(1), new Boolean(true), "{}", new Date(0)];
  const written = [{}, {}, { x: 1 }, {}, null, [[]], 1, true, "{}", "1970-01-01T00:00:00.000Z"];
  log.append({ type: "a", data });
  for (const one of data) log.append({ type: "a", data: one });
  await assertWhole(host, log, [written, ...written]);
});
