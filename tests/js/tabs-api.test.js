// What a page is promised by its log, in Chromium.

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

test("an append tells its place, a batch is one, and positions lead back to events", async () => {
  const [a, b] = await pages(2);
  for (const { call } of [a, b]) await call("open", "places");
  const first = await b.call("call", "places", "append", n(1));
  assert.equal(first.position, 0);
  assert.match(first.hash, /^[0-9a-f]{16}$/);
  const batch = await b.call("call", "places", "appendBatch", [n(2), n(3)]);
  assert.equal(batch[0].position, first.nextPosition);
  assert.equal(batch[1].position, batch[0].nextPosition);
  assert.deepEqual(await b.call("call", "places", "appendBatch", []), []);
  const { position, hash } = await a.call("call", "places", "end");
  assert.deepEqual({ position, hash }, { position: batch[1].nextPosition, hash: batch[1].hash });
  await b.call("call", "places", "rotate");
  for (const { call } of [a, b]) {
    assert.deepEqual(await call("numbers", "places", batch[0].position), [2, 3]);
    assert.equal(await call("call", "places", "startOfLast", 2), batch[0].position);
    assert.equal(await call("call", "places", "startOfLast", 0), position);
    await assert.rejects(call("numbers", "places", 1), { code: "bad-position" });
    await assert.rejects(call("numbers", "places", position + 1), { code: "bad-position" });
    await assert.rejects(call("numbers", "places", -1), { code: "bad-position" });
  }
  await closeAll([a, b]);
});

test("tabs that append on a condition count together without a gap", async () => {
  const all = await pages(3);
  for (const { call } of all) await call("open", "together");
  const conflicts = await Promise.all(all.map(({ call }) => call("countTogether", "together", 15)));
  const expected = Array.from({ length: 45 }, (_, index) => index + 1);
  assert.deepEqual(await all[0].call("numbers", "together"), expected);
  assert.ok(conflicts.some((count) => count > 0), "nobody was ever in the way");
  const end = await all[1].call("call", "together", "end");
  const stale = { ...end, position: 0 };
  await assert.rejects(all[2].call("call", "together", "appendIf", n(0), stale), {
    code: "conflict",
    ...end,
  });
  await closeAll(all);
});

test("what cannot be read back is refused in the tab or by the leader, and others go on", async () => {
  const [a, b] = await pages(2);
  for (const { call } of [a, b]) {
    await call("open", "odd");
    for (const { error } of await call("appendOddities", "odd")) {
      assert.equal(error.code, "unreadable");
    }
    await assert.rejects(call("appendDeep", "odd", 200), { code: "unreadable" });
    await assert.rejects(call("call", "odd", "append", { type: 1 }), { code: "bad-argument" });
    for (const expected of [{}, { position: -5, hash: "ef46db3751d8e999" }]) {
      await assert.rejects(call("call", "odd", "appendIf", n(1), expected), { code: "bad-argument" });
    }
    await assert.rejects(call("call", "odd", "view", "other"), { code: "bad-argument" });
    await call("call", "odd", "append", n(1));
  }
  assert.deepEqual(await b.call("numbers", "odd"), [1, 1]);
  await closeAll([a, b]);
});

test("a view goes on in another tab where its snapshot ends, and stays when its reducer fails", async () => {
  const [a, b, c] = await pages(3);
  for (const { call } of [a, b]) await call("open", "views");
  await a.call("call", "views", "appendBatch", [n(1), n(2), n(3)]);
  assert.equal(await b.call("call", "views", "view", "sum"), 6);
  await b.call("call", "views", "save");
  await a.call("call", "views", "append", n(4));
  await c.call("open", "views");
  assert.equal(await c.call("call", "views", "view", "sum"), 10);
  assert.equal((await c.call("state", "views")).folds, 1);
  const { position } = await a.call("call", "views", "append", { type: "breaks the view", data: {} });
  await assert.rejects(c.call("call", "views", "view", "sum"), {
    code: "reducer",
    view: "sum",
    position,
  });
  await closeAll([a, b, c]);
});

test("arguments of the wrong kind are told so, and the log goes on", async () => {
  const [a] = await pages(1);
  await a.call("open", "misused");
  const misused = await a.call("misuse", "misused");
  assert.deepEqual(misused.map(({ error }) => error?.code), misused.map(() => "bad-argument"));
  await a.call("call", "misused", "append", n(1));
  assert.deepEqual(await a.call("numbers", "misused"), [1]);
  await closeAll([a]);
});

test("a tail ends with its signal", async () => {
  const [a] = await pages(1);
  await a.call("open", "tail");
  await a.call("follow", "tail", 2);
  for (const number of [0, 1]) await a.call("call", "tail", "append", n(number));
  assert.deepEqual(await a.call("followed"), [0, 1]);
  await closeAll([a]);
});

test("where a log would not be kept it does not open", async () => {
  const workers = ["the worker", "a worker at all", "a worker of ours", "a worker that speaks"];
  const lacks = ["storage", "channels", "synchronous files", ...workers];
  for (const what of lacks) {
    const [a] = await pages(1);
    await assert.rejects(a.call("openWithout", what, "nowhere"), { code: "unsupported" }, what);
    await closeAll([a]);
  }
});

test("what the browser's files refuse is a typed error in the page too", async () => {
  const [a] = await pages(1);
  await assert.rejects(a.call("openInTheWay", "in the way"), { code: "storage", message: /in the way/ });
  await closeAll([a]);
});

test("a full quota fails appends with its name; all others can be read; with more room it goes on", async () => {
  const [a, b] = await pages(2);
  for (const { call } of [a, b]) await call("open", "quota");
  for (const { call } of [a, b]) await call("call", "quota", "append", n(1));
  const client = await a.page.createCDPSession();
  const { origin } = rig.server;
  const { usage } = await client.send("Storage.getUsageAndQuota", { origin });
  await client.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: usage + 400_000 });
  const { count, error } = await b.call("fill", "quota", 50_000, 100);
  assert.equal(error?.code, "storage", `${count} events of 50 KB, then ${JSON.stringify(error)}`);
  assert.match(error.cause, /QuotaExceeded|is full/);
  assert.equal((await a.call("numbers", "quota")).length, 2 + count);
  await assert.rejects(a.call("call", "quota", "append", { type: "big", data: "x".repeat(100_000) }), {
    code: "storage",
  });
  await client.send("Storage.overrideQuotaForOrigin", { origin });
  await a.call("call", "quota", "append", n(2));
  await b.call("call", "quota", "append", n(3));
  const numbers = await b.call("numbers", "quota");
  assert.equal(numbers.length, 4 + count);
  assert.deepEqual(numbers.slice(-2), [2, 3]);
  await closeAll([a, b]);
});

test("a log that cannot be opened says why, in every tab", async () => {
  const [a, b] = await pages(2);
  const { run } = await rig.page("/tests/js/opfs/page.js");
  // What begins like a frame of zstd and is none: no crash leaves that behind.
  const bytes = [0x28, 0xb5, 0x2f, 0xfd, 0xff, ...new Array(100).fill(1)];
  const { error } = await run("run", "w", "importOf", "damaged", [["archive.jsonl.zst", bytes]]);
  assert.equal(error, undefined);
  for (const { call } of [a, b]) {
    await call("open", "damaged");
    await assert.rejects(call("call", "damaged", "append", n(1)), { code: "corrupt" });
  }
  const { unable } = await a.call("call", "damaged", "status");
  assert.equal(unable.code, "corrupt");
  await closeAll([a, b]);
});

test("what an import that did not end has left is no log in tabs either, and can be imported again", async () => {
  const [a] = await pages(1);
  const { run } = await rig.page("/tests/js/opfs/page.js");
  await run("run", "w", "leaveUnfinished", "half");
  await assert.rejects(a.call("open", "half"), { code: "storage", message: /an import into half has not ended: wait for it, or import again/ });
  const line = '{"type":"a","data":{"n":0},"ts":1}\n';
  assert.deepEqual(await run("run", "w", "importOf", "half", [["app.jsonl", line]]), { result: ["app.jsonl"] });
  await a.call("open", "half");
  await a.call("call", "half", "append", n(1));
  assert.deepEqual(await a.call("numbers", "half"), [0, 1]);
  await closeAll([a]);
});

test("a tab that comes back in the midst of an import goes on when that has ended", async () => {
  const [a] = await pages(1);
  const { run } = await rig.page("/tests/js/opfs/page.js");
  await a.call("open", "back");
  await a.call("call", "back", "end");
  await a.call("leaveForAWhile", 0);
  await run("run", "w", "beginImport", "back", [["app.jsonl", '{"type":"a","data":{"n":0},"ts":1}\n']]);
  await a.call("comeBack");
  assert.deepEqual(await a.call("numbers", "back"), []);
  const appended = a.call("call", "back", "append", n(1));
  assert.deepEqual(await run("run", "w", "endImport"), { result: ["app.jsonl"] });
  assert.equal((await appended).position, 35);
  assert.deepEqual(await a.call("numbers", "back"), [0, 1]);
  await a.call("call", "back", "close");
  await a.call("open", "back");
  assert.deepEqual(await a.call("numbers", "back"), [0, 1]);
  await closeAll([a]);
});

test("what waits for a tab that leads is not refused because this one could not", async () => {
  const [a, b] = await pages(2);
  await a.call("open", "led by another");
  await a.call("call", "led by another", "append", n(1));
  await b.call("openHolding", "led by another");
  await b.call("call", "led by another", "append", n(2));
  await b.call("appendAmidFailure", "led by another", n(3));
  assert.deepEqual(await a.call("numbers", "led by another"), [1, 2, 3]);
  await closeAll([a, b]);
});

test("appends wait for a writer that is no tab, and go on when it ends", async () => {
  const [a] = await pages(1);
  const { page, run } = await rig.page("/tests/js/opfs/page.js");
  await run("run", "w", "open", "alone");
  await a.call("open", "alone");
  const waiting = a.call("call", "alone", "append", n(5));
  await soon();
  const { role, leader, waiting: count } = await a.call("call", "alone", "status");
  assert.deepEqual({ role, leader, count }, { role: "follower", leader: undefined, count: 1 });
  await run("run", "w", "append", 4);
  await run("run", "w", "close");
  await waiting;
  assert.deepEqual(await a.call("numbers", "alone"), [4, 5]);
  await closeAll([a, { page }]);
});

test("a leader whose lock is stolen leads no more, and every tab goes on writing", async () => {
  const [a, b, thief] = await pages(3);
  for (const { call } of [a, b]) {
    await call("open", "stolen");
    await call("call", "stolen", "append", n(1));
  }
  await thief.page.evaluate(() => navigator.locks.request("eventfold:stolen", { steal: true }, () => {}));
  for (const { call } of [a, b, a, b]) await call("call", "stolen", "append", n(2));
  assert.deepEqual((await a.call("state", "stolen")).roles, ["leader", "follower"]);
  assert.equal((await b.call("state", "stolen")).role, "leader");
  // Both had heard of the one leader that there is.
  const [c] = await pages(1);
  await c.call("open", "stolen");
  await c.call("call", "stolen", "append", n(3));
  for (const { call } of [a, b, c]) await call("call", "stolen", "close");
  await a.call("open", "stolen");
  await a.call("call", "stolen", "append", n(4));
  assert.deepEqual(await a.call("numbers", "stolen"), [1, 1, 2, 2, 2, 2, 3, 4]);
  await closeAll([a, b, c, thief]);
});

test("a log whose files are removed begins anew in every tab, whether or not who led stays", { timeout: 240_000 }, async () => {
  const own = await Rig.start();
  try {
    for (const stays of [true, false]) {
      const [a, b, c, d] = await pages(4, own);
      for (const { call } of [a, b, c]) {
        await call("open", "removed");
        await call("call", "removed", "append", n(1));
        await call("numbers", "removed");
      }
      const devtools = await a.page.createCDPSession();
      await devtools.send("Storage.clearDataForOrigin", { origin: own.server.origin, storageTypes: "all" });
      if (!stays) await a.page.close();
      const left = stays ? [a, b, c] : [b, c];
      for (const { call } of left) {
        while ((await call("numbers", "removed")).length > 0) await soon();
      }
      for (const { call } of left) await call("call", "removed", "append", n(2));
      await d.call("open", "removed");
      const expected = left.map(() => 2);
      for (const { call } of [...left, d]) assert.deepEqual(await call("numbers", "removed"), expected);
      for (const { call } of [...left, d]) await call("call", "removed", "close");
      await d.call("open", "removed");
      await d.call("call", "removed", "append", n(3));
      assert.deepEqual(await d.call("numbers", "removed"), [...expected, 3]);
      await closeAll([...left, d]);
    }
  } finally {
    await own.stop();
  }
});

test("a page that was kept for the way back leads no more meanwhile, and goes on", async () => {
  const [a, b] = await pages(2);
  for (const { call } of [a, b]) await call("open", "kept");
  await a.call("call", "kept", "append", n(1));
  await a.call("leaveForAWhile", 0);
  await b.call("call", "kept", "append", n(2));
  assert.equal((await a.call("state", "kept")).role, "follower");
  const late = a.call("call", "kept", "append", n(3));
  const read = a.call("numbers", "kept");
  await soon();
  await a.call("comeBack");
  await late;
  assert.deepEqual((await read).slice(0, 2), [1, 2]);
  assert.deepEqual(await b.call("numbers", "kept"), [1, 2, 3]);
  await closeAll([a, b]);
});

test("a log that is being opened when its page is left opens when it is come back to", async () => {
  const [a] = await pages(1);
  assert.deepEqual(await a.run("openAmidLeaving", "amid leaving"), { attempted: true, workers: 2 });
  await a.call("call", "amid leaving", "append", n(1));
  assert.deepEqual(await a.call("numbers", "amid leaving"), [1]);
  await closeAll([a]);
});

test("a log that is closed is let go of, also when its worker falls away meanwhile", async () => {
  const [a, b] = await pages(2);
  await a.call("openHolding", "no worker");
  await a.call("call", "no worker", "append", n(1));
  await a.call("closeWithoutWorker", "no worker");
  assert.equal(await a.call("begun"), 1);
  await b.call("open", "no worker");
  await b.call("call", "no worker", "append", n(2));
  await closeAll([a, b]);
});

for (const [which, open] of Object.entries({ "": "openHolding", ", whatever onRole throws": "openThrowing" })) {
  test(`a tab whose module panicked begins anew${which}`, async () => {
    const [a] = await pages(1);
    await a.call(open, open);
    await a.call("call", open, "append", n(1));
    await a.run("panic").catch(() => {});
    await a.call("call", open, "append", n(2));
    assert.equal(await a.call("begun"), 2);
    assert.deepEqual(await a.call("numbers", open), [1, 2]);
    await closeAll([a]);
  });
}

/** A view that two tabs opened with one snapshot, of which the first then saved a shorter one. */
async function shortened(rig, name) {
  const [a, b] = await pages(2, rig);
  await a.call("open", name);
  await a.call("call", name, "append", n(1_000_000));
  await a.call("call", name, "view", "sum");
  await a.call("call", name, "save");
  await b.call("open", name);
  await a.call("call", name, "append", n(-1_000_000));
  await a.call("call", name, "save");
  const state = await b.call("call", name, "view", "sum");
  const { folds } = await b.call("state", name);
  await closeAll([a, b]);
  return { state, folds };
}

test("a snapshot that became shorter since a tab was opened is gone on from, in Firefox as in Chromium", async () => {
  const firefox = await Rig.start("firefox");
  try {
    for (const each of [rig, firefox]) assert.deepEqual(await shortened(each, "shortened"), { state: 0, folds: 0 });
  } finally {
    await firefox.stop();
  }
});

/** Appends at the end of the stack, then in each other way; the codes of what those throw. */
async function exhaust() {
  const { EventLog, memoryHost } = await import("/wasm/package/js/index.js");
  const logs = [await EventLog.open(memoryHost()), await EventLog.open(memoryHost())];
  const append = (log) => log.append({ type: "n", data: 1 });
  let tries = 100;
  const down = () => {
    try {
      down();
    } catch {
      // At the end of the stack, or a little before it on the way back.
    }
    if ((tries -= 1) < 0) return;
    try {
      append(logs[0]);
    } catch {
      // No error can be told everywhere here.
    }
  };
  for (const log of logs) append(log);
  down();
  return logs.map((log) => {
    try {
      append(log);
    } catch ({ code }) {
      return code;
    }
  });
}

test("a stack that is full in the midst of a call stops the module, in Firefox as in Chromium", async () => {
  const firefox = await Rig.start("firefox");
  try {
    for (const { observer } of [rig, firefox]) {
      assert.deepEqual(await observer.page.evaluate(exhaust), ["panic", "panic"]);
    }
  } finally {
    await firefox.stop();
  }
});
