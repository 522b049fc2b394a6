// What the crate 0.2.0 saved of its views, which a rotation here makes wrong for it.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import { memoryFiles } from "../../wasm/package/hosts/memory-files.js";
import { nodeHost } from "../../wasm/package/hosts/node.js";
import { EventLog, StorageError } from "../../wasm/package/js/index.js";
import { quickDir } from "./support/dirs.js";

const LINE = '{"type":"a","data":1,"ts":1}\n';
const OLD = '{"state":1,"offset":29,"hash":"0123456789abcdef"}';
const views = { sum: { initial: 0, reduce: (sum, { data }) => sum + data } };

/** A directory as 0.2.0 leaves it. */
function oldDir(t) {
  const dir = quickDir(t);
  mkdirSync(join(dir, "views", "folder.snapshot.json"), { recursive: true });
  writeFileSync(join(dir, "app.jsonl"), LINE);
  for (const name of ["old.snapshot.json", "größe.snapshot.json", "notes.txt"]) {
    writeFileSync(join(dir, "views", name), OLD);
  }
  const has = (name) => existsSync(join(dir, "views", name));
  return { dir, left: () => ["old.snapshot.json", "größe.snapshot.json"].filter(has), has };
}

test("a rotation removes them, and nothing else", async (t) => {
  const { dir, left, has } = oldDir(t);
  const log = await EventLog.open(nodeHost(dir), { views });
  assert.equal(log.view("sum"), 1);
  log.save();
  assert.equal(left().length, 2);
  log.rotate();
  assert.deepEqual(left(), []);
  for (const name of ["sum.snapshot.json", "notes.txt", "folder.snapshot.json"]) assert.ok(has(name));
  // An empty log is not rotated.
  writeFileSync(join(dir, "views/old.snapshot.json"), OLD);
  log.rotate();
  assert.equal(left().length, 1);
  await log.close();
  assert.match(readFileSync(join(dir, "views/sum.snapshot.json"), "utf8"), /^{"state":1,/);
});

test("so does a rotation by maxLogSize", async (t) => {
  const { dir, left } = oldDir(t);
  const log = await EventLog.open(nodeHost(dir), { maxLogSize: 1 });
  log.append({ type: "a", data: 2 });
  assert.deepEqual(left(), []);
  assert.deepEqual(Array.from(log.read(), ({ data }) => data), [1, 2]);
  await log.close();
});

test("without the lock nothing is removed", async (t) => {
  const { dir, left } = oldDir(t);
  const log = await EventLog.open(nodeHost(dir, { lock: "none" }));
  assert.throws(() => log.rotate(), { code: "unsupported", message: /without lock: "none"/ });
  assert.equal(left().length, 2);
  await log.close();
});

test("a size limit is refused without the lock, and the directory stays free", async (t) => {
  const { dir } = oldDir(t);
  await assert.rejects(EventLog.open(nodeHost(dir, { lock: "none" }), { maxLogSize: 1000 }), {
    code: "unsupported",
    message: /without the lock.*without maxLogSize/,
  });
  await (await EventLog.open(nodeHost(dir))).close();
});

test("a host that cannot say which there are rotates nothing", async () => {
  const bad = [
    () => 5,
    () => [1],
    () => {
      throw new Error("no such luck");
    },
  ];
  for (const snapshots of bad) {
    const files = { ...memoryFiles(), snapshots };
    const log = await EventLog.open({ name: "bad", durability: "none", open: () => files });
    log.append({ type: "a", data: 1 });
    assert.throws(() => log.rotate(), StorageError);
    assert.equal(files.len("archive.jsonl.zst"), 0);
    assert.equal([...log.read()].length, 1);
    await log.close();
  }
});
