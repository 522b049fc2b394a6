// What a crash or a failure leaves of a snapshot in the OPFS, over simulated access handles.

import assert from "node:assert/strict";
import { test } from "node:test";

import { filesOver, settleSpare } from "../../wasm/hosts/opfs-files.js";
import { ran } from "./support/proof.js";

const PATH = "views/sum.snapshot.json";
const OLD = Buffer.from("the old state, which is the longer one");
const NEW = Buffer.from("the new state");

class Crash extends Error {}

/** The calls of all handles, of which one can crash or fail, with a part of its work done. */
class Disk {
  constructor() {
    this.files = new Map();
    this.calls = 0;
    this.stopAt = Infinity;
    this.part = 0;
    this.fails = () => false;
  }

  handle(name) {
    if (!this.files.has(name)) this.files.set(name, { bytes: Buffer.alloc(0), durable: Buffer.alloc(0) });
    const file = this.files.get(name);
    const change = (work, all) => {
      this.calls += 1;
      if (this.calls >= this.stopAt) {
        if (this.calls === this.stopAt) work(Math.min(this.part, all));
        throw new Crash("the tab is gone");
      }
      if (this.fails(this.calls)) {
        work(Math.min(this.part, all));
        throw new Error("the quota is exceeded");
      }
      work(all);
      return all;
    };
    return {
      getSize: () => file.bytes.length,
      read: (into, { at }) => {
        const bytes = file.bytes.subarray(at, at + into.length);
        into.set(bytes);
        return bytes.length;
      },
      write: (data, { at }) =>
        change((count) => {
          const end = Math.max(file.bytes.length, count && at + count);
          const bytes = Buffer.alloc(end);
          file.bytes.copy(bytes);
          Buffer.from(data).copy(bytes, at, 0, count);
          file.bytes = bytes;
        }, data.length),
      truncate: (length) =>
        change((done) => {
          if (!done) return;
          const bytes = Buffer.alloc(length);
          file.bytes.copy(bytes);
          file.bytes = bytes;
        }, 1),
      flush: () => change((done) => done && (file.durable = file.bytes), 1),
      close() {},
    };
  }

  open() {
    const handles = new Map([[PATH, this.handle(PATH)]]);
    const spare = this.handle("spare");
    settleSpare(handles, spare);
    return filesOver(handles, spare, async () => {});
  }

  content() {
    return this.files.get(PATH).bytes;
  }

  /** What the next opening may find: of what was not flushed, anything. */
  powerCut(fate) {
    for (const [name, file] of this.files) {
      const kept = fate(name);
      if (kept === "lost") file.bytes = file.durable;
      if (kept === "torn" && file.bytes !== file.durable) {
        file.bytes = Buffer.from(file.bytes).fill(".", Math.max(0, file.bytes.length - 8));
      }
      file.durable = file.bytes;
    }
  }
}

const FATES = ["kept", "lost", "torn"].flatMap((own) =>
  ["kept", "lost", "torn"].map((spare) => (name) => (name === PATH ? own : spare)),
);

function prepared() {
  const disk = new Disk();
  const files = disk.open();
  files.replace(PATH, OLD);
  disk.powerCut(() => "kept");
  disk.calls = 0;
  return { disk, files };
}

test("a crash at any call of a replace leaves the old bytes or the new ones", () => {
  const began = performance.now();
  const seen = { [OLD]: 0, [NEW]: 0 };
  for (let stopAt = 1, crashed = true; crashed; stopAt += 1) {
    crashed = false;
    for (const part of [0, 1, 5, 12, 30, 100, 1000]) {
      for (const fate of FATES) {
        const { disk, files } = prepared();
        Object.assign(disk, { stopAt, part });
        try {
          files.replace(PATH, NEW);
        } catch (error) {
          assert.ok(error instanceof Crash);
          crashed = true;
        }
        disk.stopAt = Infinity;
        disk.powerCut(fate);
        disk.open();
        const content = disk.content().toString();
        assert.ok(content in seen, `after call ${stopAt}, part ${part}: ${content}`);
        seen[content] += 1;
        // And it goes on from there.
        disk.open().replace(PATH, OLD);
        assert.equal(`${disk.content()}`, `${OLD}`);
        disk.open();
        assert.equal(`${disk.content()}`, `${OLD}`);
      }
    }
  }
  assert.ok(seen[OLD] > 0 && seen[NEW] > 0, JSON.stringify(seen));
  ran("opfs-snapshot-crashes", seen[OLD] + seen[NEW], performance.now() - began);
});

test("a replace that fails once leaves the old bytes", () => {
  const count = { [OLD]: 0, [NEW]: 0 };
  for (let call = 1; call <= 12; call += 1) {
    for (const part of [0, 1, 5, 30, 100]) {
      const { disk, files } = prepared();
      Object.assign(disk, { fails: (at) => at === call, part });
      let expected = NEW;
      try {
        files.replace(PATH, NEW);
      } catch (error) {
        assert.match(error.message, /quota/);
        expected = OLD;
      }
      count[expected] += 1;
      assert.equal(files.len(PATH), expected.length);
      for (let opening = 0; opening < 2; opening += 1) {
        assert.equal(`${disk.content()}`, `${expected}`, `call ${call}, part ${part}`);
        disk.fails = () => false;
        disk.open();
      }
    }
  }
  assert.ok(count[OLD] > 20 && count[NEW] > 0, JSON.stringify(count));
});

test("a removed snapshot stays removed after any power cut", () => {
  for (const fate of FATES) {
    const { disk, files } = prepared();
    files.replace(PATH, NEW);
    files.remove(PATH);
    assert.equal(files.len(PATH), 0);
    disk.powerCut(fate);
    disk.open();
    assert.equal(disk.content().length, 0);
  }
});

test("an append that is cut short says so, and the length is what there is", () => {
  const { disk, files } = prepared();
  const handle = disk.handle("short");
  const write = handle.write;
  handle.write = (data, options) => write(data.subarray(0, 3), options);
  const short = filesOver(new Map([["app.jsonl", handle]]), disk.handle("spare"), async () => {});
  assert.throws(() => short.append("app.jsonl", Buffer.from("a line\n")), /took 3 of 7 bytes/);
  assert.equal(short.len("app.jsonl"), 3);
  short.truncate("app.jsonl", 0);
  assert.equal(short.len("app.jsonl"), 0);
  assert.throws(() => files.append("views/other.snapshot.json", NEW), /not opened with the log/);
});
