// Pages that webpack and Vite bundle, in Chromium.

import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, describe, test } from "node:test";

import { assertOutcome, consumer, MODULE } from "./support/consumer.js";
import { outcomeOf, serveFolder } from "./support/page.js";

/** Over the module from a file, in memory, and in IndexedDB; and what the page's tab did. */
async function assertPage(origin) {
  const outcome = await outcomeOf(origin);
  assertOutcome(outcome, 3);
  assert.match(outcome, /\{"positions":\[0,36\],"count":2\}/);
}

async function assertServed(dir) {
  const server = await serveFolder(dir);
  try {
    await assertPage(server.origin);
  } finally {
    await server.stop();
  }
}

describe("webpack", () => {
  let project;
  before(async () => {
    project = await consumer("webpack");
    await project.run([project.bin("webpack"), "--stats=errors-warnings"]);
  });
  const dist = (name) => join(project.dir, "dist", name);

  test("a page", async () => {
    copyFileSync(join(project.dir, "index.html"), dist("index.html"));
    await assertServed(join(project.dir, "dist"));
  });

  test("a program for Node", async () => {
    const log = mkdtempSync(join(tmpdir(), "eventfold-"));
    try {
      assertOutcome(await project.run([process.execPath, dist("directory.cjs"), log]));
    } finally {
      rmSync(log, { recursive: true });
    }
  });

  test("errors alone come without the module", async () => {
    assert.equal(await project.run([process.execPath, dist("errors.js")]), "true\n");
    assert.doesNotMatch(readFileSync(dist("errors.js"), "utf8"), MODULE);
    assert.match(readFileSync(dist("main.js"), "utf8"), MODULE);
  });
});

describe("Vite", () => {
  let project;
  before(async () => (project = await consumer("vite")));

  test("a page that is built", async () => {
    await project.run([project.bin("vite"), "build", "--logLevel", "warn"]);
    await assertServed(join(project.dir, "dist"));
  });

  test("a page that is developed", async () => {
    const command = [project.bin("vite"), "--host", "127.0.0.1", "--port", "0", "--force"];
    await project.serve(command, { ready: /(http:\/\/127\.0\.0\.1:\d+)/ }, assertPage);
  });
});
