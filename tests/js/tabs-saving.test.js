// Saving views and closing in tabs, in Chromium.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { closeAll, n, pagesOf } from "./tabs/pages.js";
import { Rig } from "./tabs/rig.js";

/** @type {Rig} */
let rig;
before(async () => (rig = await Rig.start()));
after(() => rig?.stop());

const pages = (count, at = rig) => pagesOf(at, count);
const soon = () => new Promise((later) => setTimeout(later, 100));

test("saving waits for a tab that can write, and views are read meanwhile", async () => {
  const [a, b, c] = await pages(3);
  await a.call("open", "led by none");
  await a.call("call", "led by none", "append", n(1));
  await a.call("call", "led by none", "close");
  await a.run("holdLock", "led by none");
  await b.call("open", "led by none");
  await b.run("startSaving", "led by none");
  await soon();
  assert.equal(await b.call("call", "led by none", "view", "sum"), 1);
  assert.equal(await b.run("saving"), "unsettled");
  await a.run("releaseLock");
  assert.deepEqual(await b.run("saved"), { attempted: true });
  await c.call("open", "led by none");
  assert.equal(await c.call("call", "led by none", "view", "sum"), 1);
  assert.equal((await c.call("state", "led by none")).folds, 0);
  await closeAll([a, b, c]);
});

test("closing waits for a saving that is under way, but for no tab that could do it", async () => {
  const [a, b, c] = await pages(3);
  await a.call("openCounting", "amid saving", ["sum", "count"]);
  await a.call("call", "amid saving", "append", n(1));
  await a.call("closeAmidSaving", "amid saving");
  await b.call("openCounting", "amid saving", ["sum", "count"]);
  for (const view of ["sum", "count"]) assert.equal(await b.call("call", "amid saving", "view", view), 1);
  assert.equal((await b.call("state", "amid saving")).folds, 0);
  await b.call("call", "amid saving", "append", n(1));
  await b.call("call", "amid saving", "close");
  await a.run("holdLock", "amid saving");
  await c.call("openCounting", "amid saving", ["sum", "count"]);
  await assert.rejects(c.call("closeAmidSaving", "amid saving"), { code: "closed" });
  await a.run("releaseLock");
  await closeAll([a, b, c]);
});

test("a tab that saves again and again keeps nothing of each time", async () => {
  const [a] = await pages(1);
  await a.call("open", "again and again");
  await a.call("call", "again and again", "append", { type: "breaks the view", data: 0 });
  for (let time = 0; time < 3; time += 1) {
    assert.equal(await a.run("failSaving", "again and again"), "reducer");
  }
  const devtools = await a.page.createCDPSession();
  await devtools.send("HeapProfiler.collectGarbage");
  assert.equal(await a.run("keepsFailure"), false);
  await closeAll([a]);
});

test("a view that the leader does not know is not saved, which keeps no other from it and no tab from closing", async () => {
  const [a, b, c] = await pages(3);
  await a.call("openCounting", "versions", ["old"]);
  await a.call("call", "versions", "append", n(1));
  await b.call("openCounting", "versions", ["new", "old"]);
  await assert.rejects(b.call("call", "versions", "save"), { code: "unsupported", message: /"new"/ });
  await b.call("call", "versions", "append", n(2));
  for (const view of ["new", "old"]) assert.equal(await b.call("call", "versions", "view", view), 2);
  await b.call("call", "versions", "close");
  await c.call("openCounting", "versions", ["new", "old"]);
  assert.equal(await c.call("call", "versions", "view", "old"), 2);
  assert.equal((await c.call("state", "versions")).folds, 0);
  // Once one leads that knows it, it is saved.
  await a.call("call", "versions", "close");
  await c.call("call", "versions", "append", n(3));
  await c.call("call", "versions", "save");
  await c.call("call", "versions", "close");
  await b.call("openCounting", "versions", ["new"]);
  const { folds } = await b.call("state", "versions");
  assert.equal(await b.call("call", "versions", "view", "new"), 3);
  assert.equal((await b.call("state", "versions")).folds, folds);
  await closeAll([a, b, c]);
});

test("a view of another version is folded from the first event, and saved as that also where it is behind", async () => {
  const [a, b, c] = await pages(3);
  await a.call("openCounting", "reducers", ["count"]);
  await b.call("openCounting", "reducers", ["count"], { version: 7 });
  await a.call("call", "reducers", "append", n(1));
  assert.equal(await b.call("call", "reducers", "view", "count"), 1);
  await a.call("call", "reducers", "append", n(2));
  await a.call("call", "reducers", "save");
  await b.call("call", "reducers", "close");
  await c.call("openCounting", "reducers", ["count"], { version: 7 });
  assert.equal(await c.call("call", "reducers", "view", "count"), 2);
  assert.equal((await c.call("state", "reducers")).folds, 1);
  await closeAll([a, b, c]);
});

test("a tab that is behind replaces no snapshot that is further when it closes", async () => {
  const [a, b, c] = await pages(3);
  for (const { call } of [a, b]) {
    await call("openCounting", "behind", ["count"]);
    await call("call", "behind", "append", n(1));
    await call("call", "behind", "view", "count");
  }
  await a.call("call", "behind", "appendBatch", [n(2), n(3)]);
  await a.call("call", "behind", "save");
  await b.call("call", "behind", "close");
  await c.call("openCounting", "behind", ["count"]);
  assert.equal(await c.call("call", "behind", "view", "count"), 4);
  assert.equal((await c.call("state", "behind")).folds, 0);
  await closeAll([a, b, c]);
});

test("a view whose reducer fails keeps no other from being saved", async () => {
  const [a, b] = await pages(2);
  await a.call("openCounting", "broken view", ["sum", "count"]);
  await a.call("call", "broken view", "append", { type: "breaks the view", data: {} });
  await assert.rejects(a.call("call", "broken view", "save"), { code: "reducer", view: "sum" });
  await b.call("openCounting", "broken view", ["count"]);
  assert.equal(await b.call("call", "broken view", "view", "count"), 1);
  assert.equal((await b.call("state", "broken view")).folds, 0);
  await closeAll([a, b]);
});

for (const [what, close] of Object.entries({
  "is brought up to date": "closeAmidFolding",
  "was not heard to be saved": "closeUnheard",
})) {
  test(`a tab that closes waits for no tab that can write when the last one goes while a view ${what}`, async () => {
    const [a, b, c] = await pages(3);
    await a.call("open", close);
    const held = c.run("holdLock", close);
    await soon();
    await b.call("openHolding", close, ["sum", "count"]);
    await b.call("call", close, "append", n(1));
    for (const view of ["sum", "count"]) await b.call("call", close, "view", view);
    await b.run(close, close, "count");
    await a.call("call", close, "close");
    await held;
    await soon();
    await b.run("goOn");
    await b.call("closed");
    await c.run("releaseLock");
    await closeAll([a, b, c]);
  });
}

test("a tab that closes gets its answers, and then says that it is closed", async () => {
  const [a, b] = await pages(2);
  await a.call("open", "closing");
  await b.call("open", "closing");
  await b.call("follow", "closing");
  const late = await a.call("appendAndClose", "closing", 300);
  for (const { error } of late) assert.equal(error, undefined);
  await assert.rejects(a.call("call", "closing", "append", n(1)), { code: "closed" });
  await assert.rejects(a.call("call", "closing", "view", "sum"), { code: "closed" });
  await assert.rejects(a.call("numbers", "closing"), { code: "closed" });
  await b.call("call", "closing", "append", n(300));
  assert.deepEqual(await b.call("state", "closing"), { role: "leader", roles: ["leader"], folds: 0 });
  assert.deepEqual((await a.call("state", "closing")).roles, ["leader", "follower"]);
  await b.call("call", "closing", "close");
  const numbers = await b.call("followed");
  assert.deepEqual(numbers, numbers.map((_, index) => index));
  // Opened again it goes on.
  await a.call("open", "closing");
  await a.call("call", "closing", "append", n(301));
  assert.equal((await a.call("numbers", "closing")).length, 302);
  await closeAll([a, b]);
});

test("a tab that is closed right after it was opened waits for no turn to lead", async () => {
  const [a, b] = await pages(2);
  await a.call("open", "closed at once");
  await a.call("call", "closed at once", "append", n(1));
  await b.run("openAndClose", "closed at once", 30);
  await closeAll([a, b]);
});

test("closing ends readings and tails in the middle of what they were given", async () => {
  const [a] = await pages(1);
  await a.call("open", "amid");
  await a.call("call", "amid", "appendBatch", [n(1), n(2), n(3)]);
  const [reading, tail] = await a.call("closeAmidReading", "amid");
  assert.equal(reading.error?.code, "closed");
  assert.equal(tail.result, true);
  await closeAll([a]);
});
