// The host over the origin private file system, in workers of Chromium and Firefox.

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { launch, serveSources } from "./support/browsers.js";
import { ran } from "./support/proof.js";

/** A page in a browser whose files are in memory: the disk is not what is tested. */
async function openPage(name, options = {}) {
  const memory = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
  const profile = mkdtempSync(join(memory, "eventfold-opfs-"));
  const server = await serveSources();
  const browser = await launch(name, { userDataDir: profile, ...options });
  const page = await browser.newPage();
  await page.goto(`${server.origin}/page`);
  const call = (name, ...args) =>
    page.evaluate(
      async (name, args) => (await import("/tests/js/opfs/page.js"))[name](...args),
      name,
      args,
    );
  const worker = (name) => async (action, ...args) => {
    const { result, error } = await call("run", name, action, ...args);
    if (error) throw Object.assign(new Error(error.message), error);
    return result;
  };
  const close = async () => {
    await browser.close();
    await server.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  const clear = async () => {
    const devtools = await page.createCDPSession();
    await devtools.send("Storage.clearDataForOrigin", { origin: server.origin, storageTypes: "all" });
  };
  return { call, worker, clear, close };
}

const numbers = (count) => Array.from({ length: count }, (_, n) => n);

describe("the host", { concurrency: 2 }, () => {
  for (const name of ["chromium", "firefox"]) {
    describe(`in ${name}`, { concurrency: 1 }, () => testsIn(name));
  }
});

function testsIn(browser) {
  let page;
  const worker = (name) => page.worker(name);
  before(async () => (page = await openPage(browser)), { timeout: 60_000 });
  after(() => page?.close());

  test("conforms", { timeout: 240_000 }, async () => {
    const began = performance.now();
    const { passed, failed, count } = await worker("a")("conformance");
    assert.deepEqual(failed, []);
    assert.equal(passed, count);
    ran(`conformance: opfs in ${browser}`, passed, performance.now() - began);
  });

  test("is one writer's, and the next one's", { timeout: 120_000 }, async () => {
    const [a, b, c, d, hasty] = ["a", "b", "c", "d", "hasty"].map(worker);
    // As for a tail, a signal that is null is none.
    await a("open", "one", { wait: true, signal: null });
    await a("append", 0);
    // Its first request, of which Chromium does not hear the signal.
    await assert.rejects(hasty("openAndAbortAtOnce", "one"), { name: "AbortError" });
    await assert.rejects(b("open", "one"), { code: "locked" });
    await assert.rejects(b("openAndAbort", "one"), { name: "TimeoutError" });
    const waiting = b("open", "one", { wait: true });
    await a("append", 1);
    await a("close");
    await waiting;
    assert.deepEqual(await b("numbers"), [0, 1]);

    // A worker that is gone lets go of everything; its handles may take a moment.
    await page.call("terminate", "b");
    await c("open", "one", { wait: true });
    await c("append", 2);
    await c("close");

    // Without the files the lock is given back.
    await a("grab", "one");
    await assert.rejects(c("open", "one"), { code: "locked" });
    assert.equal(await a("lockIsHeld", "one"), false);
    await a("letGo");
    await c("open", "one");
    assert.deepEqual(await c("numbers"), [0, 1, 2]);

    // A writer whose lock was stolen writes no more once it is told, which may take a moment. Until
    // then its handle keeps the next one away.
    await a("steal", "one");
    let next = 3;
    const goesOn = async () => {
      for (; next < 1000; next += 1) await c("append", next);
    };
    await assert.rejects(goesOn(), /stolen/);
    await d("open", "one", { wait: true });
    assert.deepEqual(await d("numbers"), numbers(next));
    await d("append", next);
    await d("close");
  });

  test("reads beside a writer", { timeout: 60_000 }, async () => {
    const seen = await worker("a")("readBeside", "beside");
    const { counts, changed, same, current, rotated } = seen;
    // Chromium's reader sees what there is, Firefox's what there was.
    const live = browser === "chromium";
    assert.deepEqual(counts, live ? [0, 10, 10, 210, 210] : [0, 0, 10, 10, 210]);
    const looks = { changed: true, same: false, current: true, rotated: live };
    assert.deepEqual({ changed, same, current, rotated }, looks);
    const { tailed, read } = await worker("a")("tailBeside", "tail", 200);
    assert.deepEqual(tailed, numbers(200));
    assert.deepEqual(read, numbers(200));
    for (const access of ["read", "write"]) {
      const { code, message } = await page.call("openInPage", access);
      assert.equal(code, "unsupported");
      assert.match(message, /dedicated worker/);
    }
  });

  test("reads a view beside a writer that saves a shorter snapshot", async () => {
    const { before, after } = await worker("a")("viewShortened", "shortened");
    assert.equal(before, browser === "chromium" ? 0 : 1_000_000);
    assert.equal(after, 0);
  });

  test("goes to no earlier log when it is refreshed twice at once", { timeout: 60_000 }, async () => {
    assert.equal(await worker("a")("refreshAtOnce", "at once"), 2);
  });

  test("misses no event of a log that is emptied while its reader is refreshed", { timeout: 60_000 }, async () => {
    assert.deepEqual(await worker("a")("emptiedAmidRefresh", "emptied"), [0, 1, 2]);
  });

  test("holds no file of a log when its reader is closed", { timeout: 60_000 }, async () => {
    assert.deepEqual(await worker("a")("refreshTwiceAndClose", "let go"), [0]);
  });

  test("has the bytes of every other host, out and in", { timeout: 60_000 }, async () => {
    const a = worker("a");
    const { exported, expected } = await a("liveTwice", "from");
    const paths = ["app.jsonl", "archive.jsonl.zst", "views/sum.snapshot.json"];
    assert.deepEqual(Object.keys(expected), paths);
    assert.deepEqual(exported, expected);
    for (const way of ["entries", "directory", "chosen"]) {
      const carried = await a("carry", "from", way, way);
      // In the directory there is one that was opened, and stayed empty.
      assert.deepEqual(carried.paths.filter((path) => path !== "torn.bin"), paths);
      assert.ok(carried.same);
      assert.equal(await a("open", way), "nothing to repair");
      assert.deepEqual(await a("numbers"), numbers(900));
      await a("append", 900);
      await assert.rejects(a("carry", "from", way, way), { code: "locked" });
      await a("close");
      await assert.rejects(a("carry", "from", way, way), /holds a log already/);
    }
    await assert.rejects(a("importOf", "none", [["notes.txt", "x"]]), { code: "bad-argument" });
    await assert.rejects(a("importOf", "../out", [["app.jsonl", ""]]), { code: "bad-argument" });
    const misused = await a("misuseImport");
    assert.deepEqual(misused, [...Array(9).fill("bad-argument"), "unsupported"]);
    await assert.rejects(a("exported", "none"), /there is no log/);
  });

  test("exports no view that knows more than the log that goes with it", async () => {
    const { looks, log, view } = await worker("a")("exportAmidSaving", "amid saving");
    assert.equal(looks, 3);
    assert.equal(view, log);
  });

  test("what the browser's files refuse is a typed error that names the log", async () => {
    const { errors, held } = await worker("a")("useWhatIsInTheWay");
    assert.equal(errors.length, 8);
    for (const [index, { code, message, cause }] of errors.entries()) {
      assert.deepEqual({ code, cause }, { code: "storage", cause: "TypeMismatchError" });
      assert.match(message, index < 4 ? /a file/ : /a directory/);
    }
    assert.deepEqual(held, []);
  });

  test("a rotation removes the snapshots that the crate 0.2.0 saved", { timeout: 60_000 }, async () => {
    const a = worker("a");
    const line = '{"type":"a","data":{"n":0},"ts":1}\n';
    const old = '{"state":7,"offset":35,"hash":"0123456789abcdef"}';
    const entries = [["app.jsonl", line], ["views/old.snapshot.json", old], ["views/sum.snapshot.json", old]];
    await a("importOf", "foreign", entries);
    await a("open", "foreign");
    await a("rotate");
    await a("append", 1);
    assert.deepEqual(await a("numbers"), [0, 1]);
    await a("close");
    assert.deepEqual(Object.keys(await a("exported", "foreign")).sort(), ["app.jsonl", "archive.jsonl.zst"]);
  });

  test("an import into an empty log that a reader has open ends, or leaves it as it was", { timeout: 60_000 }, async () => {
    const [a, b] = ["a", "b"].map(worker);
    const entries = [["app.jsonl", '{"type":"a","data":{"n":0},"ts":1}\n']];
    await a("open", "read");
    await a("close");
    await b("openReader", "read");
    // In Firefox a reader keeps no file open.
    if (browser === "chromium") {
      await assert.rejects(a("importOf", "read", entries), ({ code, message }) => {
        assert.equal(code, "locked");
        assert.match(message, /has a file of the log read open: close it/);
        return true;
      });
      assert.equal(await a("open", "read"), "nothing to repair");
      assert.deepEqual(await a("numbers"), []);
      await a("close");
      await b("closeReader");
    }
    assert.deepEqual(await a("importOf", "read", entries), ["app.jsonl"]);
    await a("open", "read");
    await a("append", 1);
    await a("close");
    await a("open", "read");
    assert.deepEqual(await a("numbers"), [0, 1]);
    await a("close");
    if (browser !== "chromium") await b("closeReader");
  });

  test("a reader that was there before the log sees nothing of an import until it has ended", { timeout: 60_000 }, async () => {
    const { reads, written, sum } = await worker("a")("readAmidImport", "imported", false);
    assert.equal(written.length, 4);
    assert.deepEqual(reads, [[], [], written.slice(0, 3), written]);
    assert.equal(sum, 6);
  });

  test("a reader of an empty log sees only beginnings of what is imported into it", { timeout: 60_000 }, async () => {
    const reading = worker("a")("readAmidImport", "filled", true);
    // There a log that is read is not imported into.
    if (browser === "chromium") return assert.rejects(reading, { code: "locked" });
    const { reads, written, sum } = await reading;
    assert.deepEqual(reads, [[], written.slice(0, 2), written.slice(0, 3), written]);
    assert.equal(sum, 6);
  });

  test("an import that did not end is no log, and can be done again", { timeout: 60_000 }, async () => {
    const a = worker("a");
    await a("leaveUnfinished", "half");
    for (const action of ["open", "exported"]) {
      await assert.rejects(a(action, "half"), /an import into half has not ended: wait for it, or import again/);
    }
    const line = '{"type":"a","data":{"n":0},"ts":1}\n';
    const entries = [["app.jsonl", line], ["views/.x", "no"], ["other.txt", "no"]];
    assert.deepEqual(await a("importOf", "half", entries), ["app.jsonl"]);
    assert.deepEqual(await a("exported", "half"), { "app.jsonl": line });
    await a("open", "half");
    await a("append", 1);
    assert.deepEqual(await a("numbers"), [0, 1]);
    await a("close");
  });

  // The last one, since no other log is left.
  if (browser === "chromium") {
    test("a writer whose files are removed says so, closes, and opens anew", { timeout: 60_000 }, async () => {
      const a = worker("of the removed");
      await a("open", "removed");
      await a("append", 0);
      await page.clear();
      const goesOn = async () => {
        for (let next = 1; next < 100_000; next += 1) await a("append", next);
      };
      await assert.rejects(goesOn(), { code: "storage", message: /the files of removed were removed/ });
      await a("close");
      await a("open", "removed");
      await a("append", 0);
      await a("close");
      await a("open", "removed");
      assert.deepEqual(await a("numbers"), [0]);
      await a("close");
    });
  }
}

test("a private window of Firefox is refused, never kept in memory", { timeout: 60_000 }, async () => {
  const extraPrefsFirefox = { "browser.privatebrowsing.autostart": true };
  const page = await openPage("firefox", { extraPrefsFirefox });
  try {
    await assert.rejects(page.worker("a")("open", "private"), { code: "unsupported" });
  } finally {
    await page.close();
  }
});
