// The programs of the readme, in a project that installed the package: in Node, Deno and Bun, in
// two tabs of Chromium, in a Durable Object of workerd.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { after, before, test } from "node:test";

import { launch, serveSources } from "../js/support/browsers.js";
import { workerOf } from "../js/support/workerd.js";
import { consumer } from "./support/consumer.js";
import { built, root } from "./support/package.js";
import { runtimes } from "./support/run.js";

/** A block whose first line is a comment with the name of a file. */
const BLOCK = /^```\w+\n((?:\/\/|<!--) (\S+)[^]*?)^```$/gm;

/** What a bundler does, for a page without one. */
const IMPORTS = `<script type="importmap">
  { "imports": { "eventfold/tabs": "../node_modules/eventfold/tabs/client.js" } }
</script>`;

let project;
let dir;
before(async () => {
  project = await consumer("node");
  dir = join(project.dir, "readme");
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir);
  const readme = readFileSync(join(built, "README.md"), "utf8");
  for (const [, text, name] of readme.matchAll(BLOCK)) writeFileSync(join(dir, name), text);
});
after(() => rmSync(dir, { recursive: true, force: true }));

for (const [name, command] of Object.entries(runtimes)) {
  test(`in a directory: ${name}`, async () => {
    rmSync(join(dir, "todos"), { recursive: true, force: true });
    const said = await project.run([...command, "main.js"], { cwd: dir });
    // Each runtime prints objects in a way of its own.
    assert.match(said, /^0 "?todo\.added"? \{\s*title: "|^0 todo\.added \{\s*title: '/);
    assert.match(said, /\{\s*["']?1["']?: ["']write["'],?\s*\}\n$/);
  });
}

test("in a browser: what one tab adds, both show, and a third that comes later", async () => {
  const index = join(dir, "index.html");
  writeFileSync(index, readFileSync(index, "utf8").replace("<script", `${IMPORTS}\n<script`));
  const server = await serveSources();
  const browser = await launch("chromium");
  try {
    const open = async () => {
      const page = await browser.newPage();
      await page.goto(`${server.origin}/${relative(root, index)}`);
      return page;
    };
    const shows = (page, titles) =>
      page.waitForFunction(
        (expected) =>
          [...document.querySelectorAll("li")].map((item) => item.textContent).join() === expected,
        { polling: 50 }, // a tab in the background draws no frames
        titles.join(),
      );
    const add = async (page, title) => {
      await page.bringToFront();
      await page.type("input", title);
      await page.click("button");
    };
    const [a, b] = [await open(), await open()];
    await add(a, "write");
    await shows(b, ["write"]);
    await add(b, "read");
    for (const page of [a, b, await open()]) await shows(page, ["write", "read"]);
  } finally {
    await browser.close();
    await server.close();
  }
});

test("in a Durable Object: what it answered is there when its process was killed", async () => {
  const worker = workerOf(join(dir, "worker.js"), [{ name: "Todos", binding: "TODOS", sql: true }]);
  try {
    const titles = async (ask, title) => Object.values(await ask(`/?title=${title}`));
    assert.deepEqual(await titles(await worker.start(), "write"), ["write"]);
    await worker.kill();
    assert.deepEqual(await titles(await worker.start(), "read"), ["write", "read"]);
  } finally {
    await worker.remove();
  }
});
