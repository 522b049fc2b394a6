// The lock of the host for Node, Deno and Bun, by the programs that take it.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { delimiter, join } from "node:path";
import { test } from "node:test";
import { Worker } from "node:worker_threads";

import { nodeHost } from "../../wasm/hosts/node.js";
import { LockedError, StorageError, UnsupportedError } from "../../wasm/js/errors.js";
import { quickDir } from "./support/dirs.js";
import { withPath } from "./support/path.js";

const LOG = "app.jsonl";

test("perl locks where there is no flock(1), against those who have it", (t) => {
  const dir = quickDir(t);
  const onlyPerl = quickDir(t);
  const perl = process.env.PATH.split(delimiter).map((folder) => join(folder, "perl"));
  fs.symlinkSync(perl.find((path) => fs.existsSync(path)), join(onlyPerl, "perl"));
  const host = nodeHost(dir);
  const files = withPath(onlyPerl, () => host.open("write"));
  assert.throws(() => host.open("write"), LockedError);
  withPath(onlyPerl, () => assert.throws(() => host.open("write"), LockedError));
  assert.notEqual(spawnSync("flock", ["-n", join(dir, LOG), "true"]).status, 0);
  files.close();
  assert.equal(spawnSync("flock", ["-n", join(dir, LOG), "true"]).status, 0);
});

test("without a program that locks, opening is refused with the way out", (t) => {
  const dir = quickDir(t);
  withPath("/nowhere", () => {
    assert.throws(() => nodeHost(dir).open("write"), (error) => {
      assert.ok(error instanceof UnsupportedError);
      assert.match(error.message, /flock\(1\).*perl.*lock: "none"/);
      return true;
    });
    const files = nodeHost(dir, { lock: "none" }).open("write");
    assert.equal(files.exclusive, false);
    files.close();
  });
});

test("a program that fails to lock is not taken for a lock that is held", (t) => {
  const dir = quickDir(t);
  const broken = quickDir(t);
  const script = (text) => fs.writeFileSync(join(broken, "flock"), text, { mode: 0o755 });
  script('#!/bin/sh\necho "flock: 3: No locks available" >&2\nexit 1\n');
  withPath(broken, () => {
    assert.throws(() => nodeHost(dir).open("write"), (error) => {
      assert.ok(error instanceof StorageError);
      assert.match(error.message, /flock ended with 1: flock: 3: No locks available/);
      return true;
    });
  });
});

test("a lock let go is free at once while another thread makes children", async (t) => {
  const dir = quickDir(t);
  const worker = new Worker(
    `const { spawnSync } = require("node:child_process");
     const { parentPort } = require("node:worker_threads");
     parentPort.postMessage("ready");
     for (;;) spawnSync("true");`,
    { eval: true },
  );
  await new Promise((ready) => worker.once("message", ready));
  try {
    for (let round = 0; round < 60; round += 1) nodeHost(dir).open("write").close();
  } finally {
    await worker.terminate();
  }
});
