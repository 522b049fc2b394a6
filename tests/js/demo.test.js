// The demo page, in two tabs of a real Chromium.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after, before } from "node:test";
import { fileURLToPath } from "node:url";

import { nodeHost } from "../../wasm/package/hosts/node.js";
import { EventReader } from "../../wasm/package/js/index.js";
import { launch } from "./support/browsers.js";

const serve = fileURLToPath(new URL("../../wasm/demo/serve.js", import.meta.url));
const files = mkdtempSync(join(tmpdir(), "eventfold-demo-"));
let browser;
let server;
let address;

before(async () => {
  server = spawn(process.execPath, [serve, "0"], { stdio: ["ignore", "pipe", "inherit"] });
  [address] = await new Promise((line) => server.stdout.once("data", (text) => line(String(text).split("\n"))));
  browser = await launch("chromium");
  const session = await browser.target().createCDPSession();
  await session.send("Browser.setDownloadBehavior", { behavior: "allow", downloadPath: files });
});

after(async () => {
  await browser?.close();
  server?.kill();
  rmSync(files, { recursive: true, force: true });
});

async function open({ width = 1000, scheme = "light" } = {}) {
  const page = await browser.newPage();
  page.errors = [];
  page.on("pageerror", (error) => page.errors.push(error.message));
  await page.setViewport({ width, height: 900 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await page.goto(address);
  await page.waitForFunction(() => document.getElementById("role").textContent !== "opening", { polling: 100 });
  return page;
}

const text = (page, id) => page.$eval(`#${id}`, (found) => found.textContent);
// A tab in the background paints nothing, so that is not what is waited for.
const becomes = (page, id, wanted) =>
  page.waitForFunction((id, wanted) => document.getElementById(id).textContent === wanted, { polling: 100 }, id, wanted);

/** As people do who have no mouse. */
async function press(page, id) {
  await page.bringToFront();
  for (let tabs = 0; tabs < 40; tabs++) {
    if ((await page.evaluate(() => document.activeElement.id)) === id) return page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
  }
  throw new Error(`no way to #${id} with the keyboard`);
}

test("two tabs share a log, the killed writer's place is taken, and a native program could go on", async () => {
  const first = await open();
  await becomes(first, "role", "writes");
  const second = await open();
  await becomes(second, "role", "follows");

  for (let batch = 1; batch <= 3; batch++) {
    await press(second, "batch");
    await becomes(second, "events", String(100 * batch));
  }
  await becomes(first, "events", "300");
  await press(first, "rotate");
  await becomes(first, "log-size", "0 B");
  assert.match(await text(first, "archive-size"), /KB$/);
  assert.ok((await first.$$("#teams .bar")).length > 5);
  assert.ok((await first.$$("#list li")).length > 50);

  await press(second, "kill");
  await becomes(second, "role", "writes");
  await becomes(first, "role", "follows");
  await press(first, "batch");
  await becomes(second, "events", "400");

  await second.type('#goal [name="team"]', "Iceland");
  await second.keyboard.press("Enter");
  await becomes(first, "events", "401");
  assert.match(await text(second, "status"), /A goal for Iceland, at position /);
  await first.waitForFunction(
    () => document.querySelector("#list li").textContent.includes("you scores for Iceland"),
    { polling: 100 },
  );

  await press(first, "export");
  const downloaded = join(files, "football.tar");
  while (!existsSync(downloaded)) await new Promise((later) => setTimeout(later, 50));
  execFileSync("tar", ["xf", downloaded, "-C", files]);
  assert.deepEqual(readdirSync(files).filter((name) => name.includes("jsonl")).sort(), ["app.jsonl", "archive.jsonl.zst"]);
  const reader = await EventReader.open(nodeHost(files));
  const events = [...reader.read()];
  assert.equal(events.length, 401);
  assert.equal(events.at(-1).data.team, "Iceland");
  await reader.close();

  const chooser = first.waitForFileChooser();
  await first.$eval("#import", (input) => input.click());
  await Promise.all([first.waitForNavigation(), (await chooser).accept([files])]);
  await becomes(first, "events", "401");
  assert.deepEqual([...first.errors, ...second.errors], []);
});

test("everything has a name, and fits a phone in the dark", async () => {
  const page = await open({ width: 360, scheme: "dark" });
  await page.type('#goal [name="team"]', "W".repeat(40));
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelector("#list li")?.textContent.includes("WWW"), { polling: 100 });
  const tree = await page.accessibility.snapshot();
  const controls = [];
  (function walk(node) {
    if (["button", "textbox", "spinbutton", "link"].includes(node.role)) controls.push(node);
    for (const child of node.children ?? []) walk(child);
  })(tree);
  assert.ok(controls.length >= 10, `${controls.length} controls`);
  assert.deepEqual(controls.filter(({ name }) => !name), []);
  const { wide, dark } = await page.evaluate(() => ({
    wide: document.documentElement.scrollWidth,
    dark: getComputedStyle(document.body).backgroundColor,
  }));
  assert.equal(wide, 360);
  assert.equal(dark, "rgb(20, 24, 27)");
  assert.deepEqual(page.errors, []);
});
