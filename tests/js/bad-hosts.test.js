// Hosts that fail, and damage in what they hold: a typed error each time, and a log that stays whole.

import assert from "node:assert/strict";
import test from "node:test";
import { inspect } from "node:util";

import { EventfoldError, EventLog, EventReader } from "../../wasm/package/js/index.js";
import { memoryFiles } from "../../wasm/package/hosts/memory-files.js";
import { nodeHost } from "../../wasm/package/hosts/node.js";
import { moduleMemory } from "../../wasm/package/module/eventfold.js";
import { quickDir } from "./support/dirs.js";
import { assertWhole, good } from "./support/whole.js";

const WAYS = {
  throws: () => {
    throw new Error("quota exceeded");
  },
  "throws nothing": () => {
    throw undefined;
  },
  "throws a range error": () => {
    throw new RangeError("offset is out of bounds");
  },
  promises: async () => 0,
  "answers NaN": () => NaN,
  "answers too much": () => 2 ** 60,
  "answers a fraction": () => 0.5,
  "answers below zero": () => -1,
  "answers text": () => "0",
  "answers a BigInt": () => 1n,
  "answers an object": () => ({}),
  "is missing": undefined,
};

for (const method of ["len", "readAt", "append", "truncate", "sync", "replace"]) {
  for (const [way, broken] of Object.entries(WAYS)) {
    test(`a host whose ${method} ${way} is a typed error, and what was acknowledged stays`, async () => {
      const files = memoryFiles();
      const whole = { name: "host", durability: "none", open: () => ({ ...files }) };
      const views = { v: { initial: 0, reduce: (n) => n + 1 } };
      const first = await EventLog.open(whole, { views });
      first.append(good);
      await first.close();

      const breaking = { ...files };
      const host = { name: "host", durability: "none", open: () => breaking };
      const log = await EventLog.open(host, { views });
      breaking[method] = broken;
      const failures = [];
      for (const use of [
        () => log.append({ ...good, data: 2 }),
        () => log.rotate(),
        () => log.save(),
        () => [...log.read()],
        () => log.append({ ...good, data: 3 }),
      ]) {
        try {
          use();
        } catch (error) {
          assert.ok(error instanceof EventfoldError, `${error?.stack ?? error}`);
          assert.notEqual(error.code, "panic", error.stack);
          failures.push(error);
        }
      }
      assert.ok(failures.length > 0, "nothing failed");
      if (way === "throws" && failures[0].code !== "poisoned") {
        assert.equal(failures[0].cause.message, "quota exceeded");
      }
      await log.close().catch((error) => assert.ok(error instanceof EventfoldError));

      const again = await EventLog.open(whole, { views });
      const data = [...again.read()].map((event) => event.data);
      assert.equal(data[0], 1);
      assert.ok(data.every((n, at) => at === 0 || n > data[at - 1]), `${data}`);
      await assertWhole(whole, again, data);
    });
  }
}

test("a full disk in mid append leaves no part of the event, and room lets the log go on", async () => {
  const files = memoryFiles();
  let room = Infinity;
  const open = () => ({
    ...files,
    append(file, data) {
      const fits = data.subarray(0, room);
      files.append(file, fits);
      room -= fits.length;
      if (fits.length < data.length) throw new DOMException("no room", "QuotaExceededError");
    },
  });
  const host = { name: "small", durability: "none", open };
  const log = await EventLog.open(host);
  log.append(good);
  for (room = 0; room < 30; room++) {
    const before = room;
    assert.throws(() => log.append({ ...good, data: "x".repeat(100) }), (error) => error.code === "storage" && error.cause.name === "QuotaExceededError");
    room = before;
  }
  room = Infinity;
  await assertWhole(host, log, [1]);
});

const USES = {
  append: (log) => log.append({ ...good, data: 2 }),
  readAt: (log) => [...log.read()],
  replace: (log) => log.save(),
};

for (const [method, use] of Object.entries(USES)) {
  test(`a host that uses another log in its ${method} is told, and the log stays whole`, async (t) => {
    const inner = nodeHost(quickDir(t));
    let uses = false;
    const host = {
      ...inner,
      async open(access) {
        const files = await inner.open(access);
        const using = (...given) => {
          // As another log does that needs more memory.
          if (uses) moduleMemory().grow(1);
          return files[method](...given);
        };
        return { ...files, [method]: using };
      },
    };
    const views = { v: { initial: 0, reduce: (n) => n + 1 } };
    const log = await EventLog.open(host, { views });
    log.append(good);
    log.view("v");
    uses = true;
    assert.throws(() => use(log), ({ code, cause }) => {
      assert.equal(code, "storage");
      assert.match(cause.message, new RegExp(`^the host's ${method} used another log`));
      return true;
    });
    uses = false;
    use(log);
    await assertWhole(host, log, method === "append" ? [1, 2] : [1]);
  });
}

test("a host that cannot look at what there is now is a typed error of a refresh and of a tail", async () => {
  const refresh = async () => {
    throw new DOMException("gone", "NotFoundError");
  };
  const host = { name: "host", durability: "none", open: () => ({ ...memoryFiles(), refresh }) };
  const reader = await EventReader.open(host);
  for (const looking of [() => reader.refresh(), () => reader.tail().next()]) {
    await assert.rejects(looking, (error) => {
      assert.ok(error instanceof EventfoldError);
      assert.match(error.message, /^host cannot be read as it is now: gone/);
      return error.code === "storage" && error.cause.name === "NotFoundError";
    });
  }
  await reader.close();
});

test("a host that fails to close is a typed error, and the log is closed", async () => {
  for (const Kind of [EventLog, EventReader]) {
    for (const thrown of [new Error("stuck"), "stuck", null]) {
      const close = () => {
        throw thrown;
      };
      const host = { name: "host", durability: "none", open: () => ({ ...memoryFiles(), close }) };
      const log = await Kind.open(host);
      for (let time = 0; time < 2; time += 1) {
        await assert.rejects(log.close(), (error) => {
          assert.match(error.message, /^host is closed, but its host failed to let it go: (stuck|"stuck"|null)$/);
          return error.code === "storage" && error.cause === thrown;
        });
      }
      assert.throws(() => log.read(), { code: "closed" });
    }
  }
});

test("a host that cannot watch, or cannot end that, is a typed error, and closing gives back what it opened", async () => {
  const fail = () => {
    throw new Error("stuck");
  };
  for (const [watch, message] of [[fail, /^host cannot be watched: stuck$/], [() => fail, /^host is watched still: stuck$/]]) {
    let closes = 0;
    const close = () => void (closes += 1);
    const host = { name: "host", durability: "none", open: () => ({ ...memoryFiles(), watch, close }) };
    const log = await EventLog.open(host);
    log.append(good);
    await assert.rejects(async () => {
      for await (const _ of log.tail()) break;
    }, { code: "storage", message });
    const tail = log.tail();
    const goesOn = await tail.next().then(() => true, () => false);
    const closing = () => log.close();
    if (goesOn) for (let time = 0; time < 2; time += 1) await assert.rejects(closing, { code: "storage", message });
    else await log.close();
    assert.equal(closes, 1);
    assert.throws(() => log.read(), { code: "closed" });
  }
});

test("a corrupt line is found when its data is asked for, and reading goes on behind it", async () => {
  const files = memoryFiles();
  const host = { name: "host", durability: "none", open: () => ({ ...files }) };
  const text = (line) => new TextEncoder().encode(`${line}\n`);
  const bad = ['{"type":"a","data":{"x":,"ts":1}', "nonsense", '{"type":"a","data":1}', "[1]", '{"type":"a","data":1,"ts":-1}', '{"type":"a","data":1,"ts":1e300}'];
  for (const line of ['{"type":"a","data":1,"ts":1}', ...bad, '{"type":"a","data":2,"ts":1}']) {
    files.append("app.jsonl", text(line));
  }
  const log = await EventLog.open(host, { views: { sum: { initial: 0, reduce: (n, { data }) => n + data } } });
  const events = [...log.read()];
  assert.equal(events.length, bad.length + 2);
  for (const event of events.slice(1, -1)) {
    assert.throws(() => event.data, {
      code: "corrupt",
      position: event.position,
      nextPosition: event.nextPosition,
    });
    assert.match(inspect(event), new RegExp(`position: ${event.position},[^]*CorruptError`));
  }
  assert.equal(events.at(-1).data, 2);
  assert.throws(() => log.view("sum"), { code: "corrupt", position: events[1].position });
  log.append({ ...good, data: 3 });
  assert.equal([...log.read(events.at(-1).position)].length, 2);
  await log.close();
});

const INSTEAD = ['{"type":"a","data":7,"ts":1}', '{"type":"a","data":5,"ts":1}'];

for (const [what, lines] of Object.entries({ "as many bytes": INSTEAD.slice(1), more: INSTEAD, none: [] })) {
  test(`a view whose last events gave way to ${what} folds the log anew, and saves that`, async () => {
    const files = memoryFiles();
    const host = { name: "host", durability: "none", open: () => ({ ...files }) };
    const views = { list: { initial: [], reduce: (seen, { data }) => (seen.push(data), seen) } };
    const log = await EventLog.open(host, { views });
    log.appendBatch([1, 2].map((data) => ({ type: "a", data, ts: 1 })));
    log.rotate();
    log.append({ type: "a", data: 3, ts: 1 });
    const reader = await EventReader.open(host, { views });
    assert.deepEqual(reader.view("list"), [1, 2, 3]);
    log.view("list");
    await log.close();

    files.truncate("app.jsonl", 0);
    for (const line of lines) files.append("app.jsonl", new TextEncoder().encode(`${line}\n`));
    const there = [1, 2, ...lines.map((line) => JSON.parse(line).data)];
    assert.deepEqual(reader.view("list"), there);
    assert.deepEqual(reader.view("list"), there);
    await reader.close();
    const again = await EventLog.open(host, { views });
    assert.deepEqual(again.view("list"), there);
    again.append({ type: "a", data: 9, ts: 1 });
    again.view("list");
    await again.close();
    const saved = await EventReader.open(host, { views: { list: { ...views.list, reduce: () => "folded" } } });
    assert.deepEqual(saved.view("list"), [...there, 9]);
    await saved.close();
  });
}

test("a damaged block of the archive is found, and reading goes on behind it", async () => {
  const files = memoryFiles();
  const host = { name: "host", durability: "none", open: () => ({ ...files }) };
  const log = await EventLog.open(host);
  log.append({ ...good, data: "x".repeat(5000) });
  log.rotate();
  const { position } = log.append({ ...good, data: 2 });
  log.rotate();
  // A byte in the midst of the first frame.
  const archive = new Uint8Array(files.len("archive.jsonl.zst"));
  files.readAt("archive.jsonl.zst", 0, archive);
  archive[90] ^= 1;
  files.truncate("archive.jsonl.zst", 0);
  files.append("archive.jsonl.zst", archive);
  const again = await EventLog.open(host);
  let found;
  assert.throws(() => [...again.read()], (error) => (found = error).code === "corrupt");
  assert.equal(found.position, 0);
  assert.equal(found.nextPosition, position);
  again.append({ ...good, data: 3 });
  assert.deepEqual([...again.read(found.nextPosition)].map((event) => event.data), [2, 3]);
  await again.close();
  await log.close();
});

test("damage that a reading has yet to come to is told, however many read in between", async () => {
  const files = memoryFiles();
  const host = { name: "host", durability: "none", open: () => ({ ...files }) };
  const log = await EventLog.open(host);
  log.append({ ...good, data: "x".repeat(5000) });
  log.rotate();
  const damaged = files.len("archive.jsonl.zst") + 90;
  const { position } = log.append({ ...good, data: "y".repeat(5000) });
  log.rotate();
  const { position: behind } = log.append(good);
  const archive = new Uint8Array(files.len("archive.jsonl.zst"));
  files.readAt("archive.jsonl.zst", 0, archive);
  archive[damaged] ^= 1;
  files.replace("archive.jsonl.zst", archive);
  const reading = log.read();
  assert.equal(reading.next().value.position, 0);
  for (let n = 0; n < 100; n++) log.read(behind).next();
  assert.throws(() => reading.next(), { code: "corrupt", position, nextPosition: behind });
  await log.close();
});

test("bytes that are no text are corrupt and not replaced by others", async () => {
  const files = memoryFiles();
  const line = new TextEncoder().encode('{"type":"a","data":"?","ts":1}\n');
  line[line.indexOf(63)] = 0xff;
  files.append("app.jsonl", line);
  const host = { name: "host", durability: "none", open: () => ({ ...files }) };
  const log = await EventLog.open(host);
  const [event] = log.read();
  assert.throws(() => event.data, { code: "corrupt", position: 0 });
  await log.close();
});
