// The host over IndexedDB, in real pages.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { launch, serveSources } from "./support/browsers.js";
import { ran } from "./support/proof.js";
import { suite } from "./support/suite.js";

/** How often a page, and a whole browser, is killed in the midst of its work. */
const CRASHES = 4;
const KILLS = { chromium: 2, firefox: 1 };

/** How many states of a log a page sees while another works on it. */
const STATES = 20;

let server;
before(async () => (server = await serveSources()));
after(() => server.close());

for (const browserName of ["chromium", "firefox"]) {
  describe(browserName, () => {
    let browser;
    before(async () => (browser = await launch(browserName)));
    after(() => browser.close());
    const newPage = () => pageOf(browser);

    test("it conforms, and what is stored is what each case left", async () => {
      const start = performance.now();
      const page = await newPage();
      const { passed, failed, compared } = await page.ask("conformance");
      assert.deepEqual(failed, []);
      assert.equal(passed.length, suite().count);
      assert.ok(compared > 20, `only ${compared} files were compared`);
      await page.close();
      ran(`conformance: IndexedDB, ${browserName}`, passed.length, performance.now() - start);
    });

    test("a log lives on it", async () => {
      const page = await newPage();
      assert.equal(await page.ask("lives"), 17);
      await page.close();
    });

    test("what is durable, and what a log that was closed held, is there in another page", async () => {
      const [first, second] = [await newPage(), await newPage()];
      assert.equal(await first.ask("openAs", "log", "kept", "write"), "opened");
      await first.ask("append", "log", "one\n");
      assert.equal(await first.ask("durable", "log"), "durable");
      assert.equal(await second.ask("openAs", "log", "kept", "read"), "opened");
      assert.equal(await second.ask("read", "log"), "one\n");
      await first.ask("append", "log", "two\n");
      assert.equal(await first.ask("close", "log"), "closed");
      assert.equal(await second.ask("openAs", "log", "kept", "write"), "opened");
      assert.equal(await second.ask("read", "log"), "one\ntwo\n");
      await Promise.all([first.close(), second.close()]);
    });

    test("a second writer is refused, in the same page and in another, until the first is gone", async () => {
      const [first, second] = [await newPage(), await newPage()];
      // That is another log.
      assert.equal(await first.ask("holdInOpfs", "locked"), "held");
      assert.equal(await first.ask("openAs", "log", "locked", "write"), "opened");
      for (const page of [first, second]) {
        const { code, message } = await page.ask("openAs", "other", "locked", "write");
        assert.equal(code, "locked");
        assert.match(message, /another writer holds the lock on locked/);
      }
      assert.equal(await second.ask("openAs", "other", "another log", "write"), "opened");
      await first.ask("close", "log");
      assert.equal(await second.ask("openAs", "log", "locked", "write"), "opened");
      // As a person who presses reload does.
      await second.load();
      assert.equal(await second.ask("openAs", "log", "locked", "write"), "opened");
      await second.close();
      assert.equal(await first.ask("openAs", "log", "locked", "write"), "opened");
      await first.close();
    });

    test("a writer whose lock was stolen says so, and overwrites nothing of the next one", async () => {
      const [first, second] = [await newPage(), await newPage()];
      for (const handle of ["stolen", "closed"]) {
        await first.ask("openAs", handle, handle, "write");
        await first.ask("append", handle, "one\n");
        assert.equal(await first.ask("durable", handle), "durable");
        await second.ask("steal", handle);
        assert.equal(await second.ask("openAs", handle, handle, "write"), "opened");
        await second.ask("append", handle, "two\n");
        assert.equal(await second.ask("durable", handle), "durable");
      }
      const refused = await first.ask("refusal", "stolen");
      assert.equal(refused.code, "locked");
      assert.match(refused.message, /lock on stolen.*open the log again/);
      assert.equal((await first.ask("append", "stolen", "three\n")).code, "locked");
      assert.equal((await first.ask("durable", "stolen")).code, "locked");
      assert.equal(await first.ask("close", "stolen"), "closed");
      // Where no call told it before.
      assert.equal((await first.ask("close", "closed")).code, "locked");
      assert.equal((await first.ask("openAs", "stolen", "stolen", "write")).code, "locked");

      await second.ask("append", "stolen", "four\n");
      assert.equal(await second.ask("close", "stolen"), "closed");
      assert.equal(await first.ask("openAs", "stolen", "stolen", "write"), "opened");
      assert.equal(await first.ask("read", "stolen"), "one\ntwo\nfour\n");
      await first.ask("append", "stolen", "five\n");
      assert.equal(await first.ask("close", "stolen"), "closed");
      await second.ask("openAs", "stolen", "stolen", "read");
      assert.equal(await second.ask("read", "stolen"), "one\ntwo\nfour\nfive\n");
      await Promise.all([first.close(), second.close()]);
    });

    test("a log that nobody holds opens in a page that is busy", async () => {
      const page = await newPage();
      assert.equal(await page.ask("openBusy", "log", "busy"), "opened");
      assert.equal((await page.ask("openBusy", "other", "busy")).code, "locked");
      await page.close();
    });

    test("a reader sees what a writer stored that ended before it told anybody", async () => {
      const [writer, reader] = [await newPage(), await newPage()];
      await writer.ask("mute");
      await writer.ask("appendOne", "untold", 1);
      await reader.ask("follow", "untold");
      await reader.ask("openAs", "log", "untold", "read");
      await writer.ask("appendOne", "untold", 2);
      assert.deepEqual(await reader.ask("readRefreshed"), [1, 2]);
      assert.equal(await reader.ask("refresh", "log"), true);
      assert.equal(await reader.ask("refresh", "log"), false);
      await writer.ask("appendOne", "untold", 3);
      assert.deepEqual(await reader.ask("tailOf", 3), [1, 2, 3]);
      await Promise.all([writer.close(), reader.close()]);
    });

    test("a reader sees what the writer of another page did since", async () => {
      const [writer, reader] = [await newPage(), await newPage()];
      await writer.ask("openAs", "log", "followed", "write");
      await reader.ask("openAs", "log", "followed", "read");
      assert.equal(await reader.ask("read", "log"), "");
      // Longer than a block, and none of it the same.
      let text = "";
      for (const line of ["one\n", "x".repeat(40_000), "three\n", "y".repeat(70_000)]) {
        await writer.ask("append", "log", line);
        text += line;
        assert.equal(await reader.ask("waitFor", "log", text), text);
      }
      await Promise.all([writer.close(), reader.close()]);
    });

    test("whatever moment another page looks, it sees whole operations only", async () => {
      const [writer, reader] = [await newPage(), await newPage()];
      await writer.ask("operateOn", "looked at");
      const seen = await reader.ask("lookOften", "looked at", STATES);
      assert.ok(seen.every((operations) => operations >= 0), `${seen}`);
      assert.deepEqual(seen, seen.toSorted((a, b) => a - b));
      await Promise.all([writer.close(), reader.close()]);
    });

    test("a log whose database another page deletes lets go of it and says so", async () => {
      const [first, second] = [await newPage(), await newPage()];
      await first.ask("openAs", "log", "deleted", "write");
      await first.ask("openAs", "reader", "deleted", "read");
      await first.ask("append", "log", "one\n");
      await second.ask("deleteDatabase", "deleted");
      const { code, message } = await first.ask("append", "log", "two\n");
      assert.equal(code, "storage");
      assert.match(message, /the log deleted was let go: another page/);
      assert.equal((await first.ask("refresh", "reader")).code, "storage");
      assert.equal((await first.ask("read", "reader")).code, "storage");
      assert.equal(await first.ask("close", "log"), "closed");
      assert.equal(await first.ask("openAs", "log", "deleted", "write"), "opened");
      assert.equal(await first.ask("read", "log"), "");
      await Promise.all([first.close(), second.close()]);
    });

    test("a page without IndexedDB is told the way out", async () => {
      const page = await newPage();
      await page.evaluate(() => {
        Object.defineProperty(globalThis, "indexedDB", { value: undefined });
      });
      const { code, message } = await page.ask("openAs", "log", "none", "write");
      assert.equal(code, "unsupported");
      assert.match(message, /private window.*memoryHost\(\)/);
      await page.close();
    });

    test("a page without Web Locks is told the way out", async () => {
      const page = await newPage();
      await page.evaluate(() => Object.defineProperty(navigator, "locks", { value: undefined }));
      const { code, message } = await page.ask("openAs", "log", "none", "write");
      assert.equal(code, "unsupported");
      assert.match(message, /https or from localhost/);
      await page.close();
    });

    test("a browser that is killed leaves what was durable, and whole operations only", async () => {
      const start = performance.now();
      for (let kill = 0; kill < KILLS[browserName]; kill += 1) {
        const userDataDir = mkdtempSync(join(tmpdir(), "profile-"));
        try {
          const doomed = await launch(browserName, { userDataDir });
          const process = doomed.process();
          const durable = await workFor(await pageOf(doomed), 150 + kill * 130);
          const ended = new Promise((resolve) => process.once("exit", resolve));
          process.kill("SIGKILL");
          await ended;
          const next = await launch(browserName, { userDataDir });
          await inspect(await pageOf(next), durable);
          await next.close();
        } finally {
          rmSync(userDataDir, { recursive: true, force: true, maxRetries: 20 });
        }
      }
      ran(`IndexedDB, ${browserName} killed`, KILLS[browserName], performance.now() - start);
    });

    if (browserName !== "chromium") return;

    test("a page that crashes leaves what was durable, and whole operations only", async () => {
      const start = performance.now();
      for (let crash = 0; crash < CRASHES; crash += 1) {
        const page = await newPage();
        const durable = await workFor(page, 60 + crash * 70);
        const devtools = await page.createCDPSession();
        const crashed = new Promise((resolve) => page.once("error", resolve));
        devtools.send("Page.crash").catch(() => {});
        await crashed;
        const next = await newPage();
        await inspect(next, durable);
        await next.ask("deleteDatabase", "crashed");
        await Promise.all([page.close(), next.close()]);
      }
      ran("IndexedDB, page crashed", CRASHES, performance.now() - start);
    });

    test("a full quota is told by the next call, and what came before it is kept", async () => {
      const { page, setQuota, close } = await pageWithQuota(browser);
      await setQuota(2_000_000);
      await page.ask("openAs", "log", "full", "write");
      await page.ask("append", "log", "before\n");
      assert.equal(await page.ask("durable", "log"), "durable");
      assert.equal(await page.ask("append", "log", "z".repeat(5_000_000)), "appended");
      const { code, cause } = await page.ask("durable", "log");
      assert.equal(code, "storage");
      assert.match(cause, /QuotaExceededError/);
      // Also once there would be room again: an event may not be stored without those before it.
      await setQuota(100_000_000);
      assert.equal((await page.ask("append", "log", "after\n")).code, "storage");
      assert.equal(await page.ask("close", "log"), "closed");
      assert.equal(await page.ask("openAs", "log", "full", "write"), "opened");
      assert.equal(await page.ask("read", "log"), "before\n");
      await page.ask("append", "log", "again\n");
      assert.equal(await page.ask("close", "log"), "closed");
      await page.ask("openAs", "log", "full", "read");
      assert.equal(await page.ask("read", "log"), "before\nagain\n");
      await close();
    });

    test("a failure that no call has told yet is told by closing", async () => {
      const { page, setQuota, close } = await pageWithQuota(browser);
      await setQuota(2_000_000);
      await page.ask("openAs", "log", "full", "write");
      await page.ask("append", "log", "z".repeat(5_000_000));
      assert.equal((await page.ask("close", "log")).code, "storage");
      await setQuota(100_000_000);
      assert.equal(await page.ask("openAs", "log", "full", "write"), "opened");
      assert.equal(await page.ask("read", "log"), "");
      await close();
    });
  });
}

/** A page with the functions of pages/indexeddb.js. */
async function pageOf(browser) {
  const page = await browser.newPage();
  page.load = () => page.goto(`${server.origin}/page`);
  page.ask = (name, ...given) =>
    page.evaluate(
      async (name, given) => (await import("/tests/js/pages/indexeddb.js"))[name](...given),
      name,
      given,
    );
  await page.load();
  return page;
}

/** A page in a private window, whose quota can be set. */
async function pageWithQuota(browser) {
  const context = await browser.createBrowserContext();
  const page = await pageOf(context);
  const devtools = await page.createCDPSession();
  const { origin } = server;
  return {
    page,
    setQuota: (quotaSize) => devtools.send("Storage.overrideQuotaForOrigin", { origin, quotaSize }),
    close: () => context.close(),
  };
}

/** Lets the page work; the function that is returned tells how many operations are durable. */
async function workFor(page, milliseconds) {
  let durable = 0;
  const first = new Promise((resolve) => {
    page.on("console", (message) => {
      const [word, number] = message.text().split(" ");
      if (word !== "durable") return;
      durable = Number(number);
      resolve();
    });
  });
  await page.ask("operateOn", "crashed");
  await first;
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  return () => durable;
}

async function inspect(page, durable) {
  const { operations, after } = await page.ask("inspect", "crashed");
  assert.ok(operations >= durable(), `${operations} are stored, ${durable()} were durable`);
  assert.equal(after, operations + 30, "what comes after the crash is stored as well");
}
