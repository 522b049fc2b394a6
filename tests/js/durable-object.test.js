// The host over a Durable Object's SQLite, in the platform's own runtime.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { ran } from "./support/proof.js";
import { suite } from "./support/suite.js";
import { workerOf } from "./support/workerd.js";

const APPENDS = 10_000;
const KILLS = 5;

let worker;
let ask;
before(async () => {
  worker = workerOf(fileURLToPath(new URL("workers/durable-object.js", import.meta.url)), [
    { name: "Log", binding: "LOG", sql: true },
    { name: "WithoutSql", binding: "WITHOUT_SQL", sql: false },
  ]);
  ask = await worker.start();
});
after(() => worker.remove());

/** Ends the process as `kill -9` does, and starts another over what it stored. */
const restart = async () => {
  await worker.kill();
  ask = await worker.start();
};

test("it conforms", async () => {
  const start = performance.now();
  const { passed, failed } = await ask("/conformance");
  assert.deepEqual(failed, []);
  assert.equal(passed.length, suite().count);
  ran("conformance: Durable Object, workerd", passed.length, performance.now() - start);
});

test("a log lives on it", async () => {
  assert.equal(await ask("/life"), 17);
});

test("ten thousand appends, archived and not, are there when its process was killed", async () => {
  const start = performance.now();
  assert.equal(await ask(`/append/${APPENDS}/100`), APPENDS);
  ran("Durable Object: appends", APPENDS, performance.now() - start);
  await ask("/rotate");
  assert.equal(await ask(`/append/${APPENDS}/100`), 2 * APPENDS);
  await restart();
  assert.deepEqual(await ask("/read"), { count: 2 * APPENDS, wrong: -1 });
});

test("what was answered before its process was killed is there", async () => {
  let { count: acknowledged } = await ask("/read");
  for (let kill = 0; kill < KILLS; kill += 1) {
    let working = true;
    const work = (async () => {
      while (working) acknowledged = await ask("/append/3/200");
    })().catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 20 + 37 * kill));
    await worker.kill();
    working = false;
    await work;
    ask = await worker.start();
    const { count, wrong } = await ask("/read");
    assert.equal(wrong, -1);
    assert.ok(count >= acknowledged && count <= acknowledged + 3, `${count}, ${acknowledged}`);
    acknowledged = await ask("/append/1/10");
    assert.equal(acknowledged, count + 1);
  }
});

test("a value of more than 2 MB is kept in pieces of 1 MiB at most", async () => {
  const { count } = await ask("/read");
  assert.equal(await ask("/append/1/5000000"), count + 1);
  assert.equal(await ask("/longestRow"), 1 << 20);
  assert.deepEqual(await ask("/read"), { count: count + 1, wrong: -1 });
  assert.deepEqual(await ask("/pieces"), {
    found: [3_500_000, 2_000_000, 2_500_000, 3_500_000, 1_200_000],
    whole: true,
    again: true,
  });
});

test("a second writer in the object, whatever the case of its table, is refused until the first is closed", async () => {
  const { refused, numbers } = await ask("/twoWriters");
  assert.equal(refused.length, 2);
  for (const { code, message } of refused) {
    assert.equal(code, "locked");
    assert.match(message, /another writer of this object has the table two_writers/i);
  }
  assert.deepEqual(numbers, [0, 1]);
});

test("a log that the caller's transaction took back says so, and opens again", async () => {
  assert.deepEqual(await ask("/rolledBack"), { code: "poisoned", numbers: [0, 3] });
});

test("a view that folded what the caller's transaction took back folds what is there", async () => {
  assert.deepEqual(await ask("/rolledBackView"), { numbers: [1, 200, 7], sum: 208 });
});

test("an object without SQLite is told the way out", async () => {
  await assert.rejects(ask("/append/1/1?without-sql"), (error) => {
    assert.equal(error.code, "unsupported");
    assert.match(error.message, /new_sqlite_classes/);
    return true;
  });
});
