// The files of the host for Node, Deno and Bun: what the system may do to them.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

import { nodeHost } from "../../wasm/hosts/node.js";
import { EventLog, EventReader } from "../../wasm/package/js/index.js";
import { BadArgumentError, LockedError, StorageError, UnsupportedError } from "../../wasm/js/errors.js";
import { quickDir } from "./support/dirs.js";
import { withPath } from "./support/path.js";

const LOG = "app.jsonl";
const bytes = (text) => new TextEncoder().encode(text);
const contentOf = (files, file) => {
  const content = new Uint8Array(files.len(file));
  assert.equal(files.readAt(file, 0, content), content.length);
  return new TextDecoder().decode(content);
};
const openFiles = () => fs.readdirSync("/proc/self/fd").length;

/** Does `act` while functions of `node:fs` are replaced. */
function withFs(replaced, act) {
  const kept = {};
  for (const name of Object.keys(replaced)) kept[name] = fs[name];
  Object.assign(fs, replaced);
  syncBuiltinESMExports();
  try {
    return act(kept);
  } finally {
    Object.assign(fs, kept);
    syncBuiltinESMExports();
  }
}

test("a write that takes a part only, and one that is interrupted, are gone on with", (t) => {
  const files = nodeHost(quickDir(t)).open("write");
  const { writeSync } = fs;
  let calls = 0;
  withFs(
    {
      writeSync(fd, data, offset, length, ...rest) {
        calls += 1;
        if (calls % 3 === 0) throw Object.assign(new Error("EINTR"), { code: "EINTR" });
        return writeSync(fd, data, offset, Math.min(length, 4), ...rest);
      },
    },
    () => {
      files.append(LOG, bytes("a line of some length\n"));
      files.replace("views/sum.snapshot.json", bytes("a state of some length"));
    },
  );
  assert.ok(calls > 12, `${calls} calls`);
  assert.equal(contentOf(files, LOG), "a line of some length\n");
  assert.equal(contentOf(files, "views/sum.snapshot.json"), "a state of some length");
  files.close();
});

test("a read that gives a part only, and one that is interrupted, are gone on with", (t) => {
  const files = nodeHost(quickDir(t)).open("write");
  files.append(LOG, bytes("a line of some length\n"));
  const { readSync } = fs;
  let calls = 0;
  withFs(
    {
      readSync(fd, into, offset, length, position) {
        calls += 1;
        if (calls % 3 === 0) throw Object.assign(new Error("EINTR"), { code: "EINTR" });
        return readSync(fd, into, offset, Math.min(length, 4), position);
      },
    },
    () => assert.equal(contentOf(files, LOG), "a line of some length\n"),
  );
  assert.ok(calls > 6, `${calls} calls`);
  files.close();
});

test("a file system that takes nothing is an error and no endless loop", (t) => {
  const files = nodeHost(quickDir(t)).open("write");
  withFs({ writeSync: () => 0 }, () => {
    assert.throws(() => files.append(LOG, bytes("x")), /took no byte/);
  });
  files.close();
});

test("a snapshot whose writing failed leaves the one before", (t) => {
  const dir = quickDir(t);
  const files = nodeHost(dir).open("write");
  const file = "views/sum.snapshot.json";
  files.replace(file, bytes("before"));
  const broken = () => {
    throw new Error("EIO");
  };
  for (const method of ["writeSync", "fdatasyncSync", "renameSync"]) {
    withFs({ [method]: broken }, () => {
      assert.throws(() => files.replace(file, bytes("after")), /EIO/, method);
    });
    assert.equal(contentOf(files, file), "before", method);
  }
  files.replace(file, bytes("after"));
  assert.equal(contentOf(files, file), "after");
  assert.deepEqual(fs.readdirSync(join(dir, "views")), ["sum.snapshot.json"]);
  files.close();
});

test("no file stays open, whatever goes wrong", (t) => {
  const dir = quickDir(t);
  const host = nodeHost(join(dir, "log"));
  host.open("write").close();
  const before = openFiles();
  const broken = () => {
    throw new Error("EIO");
  };

  const writer = host.open("write");
  assert.throws(() => host.open("write"), LockedError);
  for (const method of ["fstatSync", "statSync"]) {
    withFs({ [method]: broken }, () => assert.throws(() => host.open("write")));
  }
  for (const method of ["readSync", "writeSync", "fdatasyncSync", "ftruncateSync"]) {
    withFs({ [method]: broken }, () => {
      assert.throws(() => {
        writer.append("archive.jsonl.zst", bytes("x"));
        writer.sync("archive.jsonl.zst");
        writer.readAt("archive.jsonl.zst", 0, new Uint8Array(9));
        writer.truncate("archive.jsonl.zst", 0);
      }, /EIO/, method);
    });
  }
  writer.close();
  withPath("/nowhere", () => assert.throws(() => host.open("write"), UnsupportedError));
  fs.writeFileSync(join(dir, "file"), "");
  assert.throws(() => nodeHost(join(dir, "file")).open("write"), StorageError);
  fs.mkdirSync(join(dir, "other", LOG), { recursive: true });
  assert.throws(() => nodeHost(join(dir, "other")).open("write"), StorageError);
  assert.equal(openFiles(), before);
  // And it can still be locked.
  host.open("write").close();
  assert.equal(openFiles(), before);
});

test("what is no regular file is refused instead of waited for", (t) => {
  const dir = quickDir(t);
  assert.equal(spawnSync("mkfifo", [join(dir, LOG)]).status, 0);
  const host = nodeHost(dir);
  assert.throws(() => host.open("write"), /open and lock .*app\.jsonl: it is not a regular file/);
  assert.throws(() => host.open("read").len(LOG), /not a regular file/);
});

test("a directory that the system refuses by ENOENT is an error, and no endless attempt", () => {
  const host = new URL("../../wasm/hosts/node.js", import.meta.url);
  const script = `import { nodeHost } from "${host}"; nodeHost("/proc/a/log").open("write");`;
  const args = ["--input-type=module", "-e", script];
  const { stderr } = spawnSync(process.execPath, args, { encoding: "utf8", timeout: 60_000 });
  assert.match(stderr, /StorageError: cannot make the directory \/proc\/a\/log: ENOENT/);
});

test("the directory is made, and its name is durable before the log is used", (t) => {
  const dir = quickDir(t);
  const synced = [];
  const { fsyncSync } = fs;
  withFs(
    {
      fsyncSync(fd) {
        synced.push(fs.readlinkSync(`/proc/self/fd/${fd}`));
        fsyncSync(fd);
      },
    },
    () => {
      const files = nodeHost(join(dir, "a/b")).open("write");
      assert.deepEqual(synced, [join(dir, "a"), dir]);
      // The names of the log and the archive, once each time that one may be new.
      files.append(LOG, bytes("x\n"));
      files.sync(LOG);
      files.sync(LOG);
      assert.deepEqual(synced.splice(2), [join(dir, "a/b")]);
      files.append("archive.jsonl.zst", bytes("x"));
      files.sync("archive.jsonl.zst");
      assert.deepEqual(synced.splice(2), [join(dir, "a/b")]);
      files.close();
    },
  );
});

test("a directory may be said as a file URL, and anything else is refused", (t) => {
  const dir = quickDir(t);
  const files = nodeHost(pathToFileURL(dir)).open("write");
  files.append(LOG, bytes("x\n"));
  files.close();
  assert.equal(fs.readFileSync(join(dir, LOG), "utf8"), "x\n");
  for (const given of [undefined, 5, null]) assert.throws(() => nodeHost(given), BadArgumentError);
  for (const url of ["https://host/dir", "file://host/dir"]) {
    assert.throws(() => nodeHost(new URL(url)), (error) => {
      assert.ok(error instanceof BadArgumentError);
      return error.message.startsWith(`the directory is ${url}: `);
    });
  }
  assert.throws(() => nodeHost(dir, { lock: "fcntl" }), /"flock" or "none"/);
});

test("reading makes nothing, and a log that is not there is not an empty one", (t) => {
  const dir = join(quickDir(t), "missing");
  assert.throws(() => nodeHost(dir).open("read"), /cannot read a log in .*missing: ENOENT/);
  assert.equal(fs.existsSync(dir), false);
});

test("a log replaced under its writer admits no second one and syncs nothing", (t) => {
  const dir = quickDir(t);
  const host = nodeHost(dir);
  const files = host.open("write");
  files.append(LOG, bytes("one\n"));
  fs.copyFileSync(join(dir, LOG), join(dir, "copy"));
  fs.renameSync(join(dir, "copy"), join(dir, LOG));
  assert.throws(() => host.open("write"), LockedError);
  files.append(LOG, bytes("two\n"));
  assert.throws(() => files.sync(LOG), /was replaced or removed while this writer held it/);
  files.close();
  const next = host.open("write");
  assert.equal(contentOf(next, LOG), "one\n");
  next.close();
});

test("what a crash left and what views save is written through no link", async (t) => {
  const dir = quickDir(t);
  const elsewhere = join(dir, "elsewhere");
  fs.mkdirSync(join(dir, "views"));
  fs.writeFileSync(elsewhere, "another's");
  for (const link of ["torn.bin", "views/n.snapshot.json.new"]) fs.symlinkSync(elsewhere, join(dir, link));
  fs.writeFileSync(join(dir, LOG), '{"type":');
  const views = { n: { initial: 0, reduce: (n) => n + 1 } };
  const log = await EventLog.open(nodeHost(dir), { views });
  log.append({ type: "a", data: 1 });
  log.view("n");
  await log.close();
  assert.equal(fs.readFileSync(elsewhere, "utf8"), "another's");
  assert.match(fs.readFileSync(join(dir, "torn.bin"), "utf8"), /{"type":\n$/);
  assert.match(fs.readFileSync(join(dir, "views/n.snapshot.json"), "utf8"), /^{"state":1,/);
  assert.deepEqual(fs.readdirSync(join(dir, "views")), ["n.snapshot.json"]);
});

for (const lock of ["flock", "none"]) {
  test(`a log moved away from under its writer (${lock}) loses nothing, and nothing is made where it was`, async (t) => {
    const parent = quickDir(t);
    const [dir, away] = ["log", "away"].map((name) => join(parent, name));
    const views = { n: { initial: 0, reduce: (n) => n + 1 } };
    const log = await EventLog.open(nodeHost(dir, { lock }), { views });
    log.append({ type: "a", data: 1 });
    log.view("n");
    fs.renameSync(dir, away);
    fs.mkdirSync(dir);
    const refused = ({ code }) => ["storage", "durability-unknown", "poisoned", "unsupported"].includes(code);
    assert.throws(() => log.save(), refused);
    assert.throws(() => log.rotate(), refused);
    await assert.rejects(log.close(), refused);
    assert.deepEqual(fs.readdirSync(dir), []);
    const again = await EventLog.open(nodeHost(away), { views });
    again.append({ type: "a", data: 2 });
    assert.equal(again.view("n"), 2);
    again.rotate();
    assert.deepEqual(Array.from(again.read(), ({ data }) => data), [1, 2]);
    await again.close();
  });
}

test("a rotation of a log that was moved away removes no snapshot of the one in its place", async (t) => {
  const parent = quickDir(t);
  const [dir, away] = ["log", "away"].map((name) => join(parent, name));
  const log = await EventLog.open(nodeHost(dir));
  log.append({ type: "a", data: 1 });
  fs.renameSync(dir, away);
  fs.mkdirSync(join(dir, "views"), { recursive: true });
  fs.writeFileSync(join(dir, LOG), '{"type":"a","data":1,"ts":1}\n');
  // As the crate 0.2.0 saves it.
  const snapshot = join(dir, "views/n.snapshot.json");
  fs.writeFileSync(snapshot, '{"state":1,"offset":29,"hash":"0123456789abcdef"}');
  assert.throws(() => log.rotate(), /was replaced or removed/);
  assert.ok(fs.existsSync(snapshot));
  await log.close();
});

test("a log replaced before its lock is left for the new one", (t) => {
  const dir = quickDir(t);
  const path = join(dir, LOG);
  fs.writeFileSync(path, "old\n");
  const { openSync } = fs;
  let opens = 0;
  const files = withFs(
    {
      openSync(opened, flags) {
        const fd = openSync(opened, flags);
        if (opened === path && (opens += 1) === 1) {
          fs.writeFileSync(join(dir, "fresh"), "new\n");
          fs.renameSync(join(dir, "fresh"), path);
        }
        return fd;
      },
    },
    () => nodeHost(dir).open("write"),
  );
  assert.equal(contentOf(files, LOG), "new\n");
  assert.throws(() => nodeHost(dir).open("write"), LockedError);
  files.close();
});

test("a log that keeps being replaced ends in an error", (t) => {
  const dir = quickDir(t);
  const path = join(dir, LOG);
  const { openSync } = fs;
  const before = openFiles();
  withFs(
    {
      openSync(opened, flags) {
        const fd = openSync(opened, flags);
        if (opened === path) fs.unlinkSync(path);
        return fd;
      },
    },
    () => assert.throws(() => nodeHost(dir).open("write"), /each of the 16 times/),
  );
  assert.equal(openFiles(), before);
});

test("the directory is watched while there are tails, so that a program ends that closes nothing", async (t) => {
  const dir = quickDir(t);
  const log = await EventLog.open(nodeHost(dir));
  const reader = await EventReader.open(nodeHost(dir));
  const isWatched = () => process.getActiveResourcesInfo().includes("FSEventWrap");
  for (let round = 0; round < 2; round += 1) {
    log.append({ type: "n", data: round });
    const tails = [reader.tail(), reader.tail()];
    for (const tail of tails) {
      await tail.next();
      assert.ok(isWatched());
    }
    for (const tail of tails) await tail.return();
    // Node closes it in the turn after this.
    for (let turn = 0; turn < 2; turn += 1) await new Promise(setImmediate);
    assert.ok(!isWatched());
  }
  const tail = reader.tail();
  await reader.close();
  assert.deepEqual(await tail.next(), { value: undefined, done: true });
  assert.ok(!isWatched());
  await log.close();
});
