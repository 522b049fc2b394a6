// Reading beside a writer that appends and rotates at any moment, where a browser gives a `File` for
// each look: the private file system is simulated, as Firefox has it and as Chromium does.

import assert from "node:assert/strict";
import { before, test } from "node:test";

import { memoryFiles } from "../../wasm/package/hosts/memory-files.js";
import { takenFiles } from "../../wasm/package/hosts/opfs-taken.js";
import "../../wasm/package/js/index.js";
import { load } from "../../wasm/package/js/module.js";
import { inlined } from "../../wasm/package/js/inlined.js";
import { append } from "../../wasm/package/js/writer.js";
// The writer has a module of its own: it works while the reader's is in the middle of a call.
import * as writing from "../../wasm/package/module/eventfold.js?of the writer";
import { Reading } from "../../wasm/package/tabs/reading.js";
import { Stream } from "../../wasm/package/tabs/stream.js";
import { TabView } from "../../wasm/package/tabs/view.js";
import { ran } from "./support/proof.js";
import { randomly } from "./support/random.js";

const text = new TextDecoder();
let glue;
before(async () => {
  glue = await load();
  writing.initSync({ module: new WebAssembly.Module(await inlined()) });
});

/** The log's files, and a browser's view of them in which each look may be interrupted. */
class Disk {
  constructor(strict) {
    this.strict = strict;
    this.versions = new Map();
    this.meanwhile = () => {};
    const files = memoryFiles();
    const changing = (method) => (path, data) => {
      this.versions.set(path, this.version(path) + 1);
      return files[method](path, data);
    };
    const [append, truncate, replace] = ["append", "truncate", "replace"].map(changing);
    this.files = { ...files, append, truncate, replace };
  }

  version(path) {
    return this.versions.get(path) ?? 0;
  }

  /** What `navigator.storage` is to the reader. */
  get storage() {
    const missing = () => Object.assign(new Error("no such file"), { name: "NotFoundError" });
    const folder = (prefix) => ({
      getDirectoryHandle: async (name) =>
        folder(prefix === undefined || name === "log" ? "" : `${prefix}${name}/`),
      getFileHandle: async (name) => {
        if (!this.versions.has(prefix + name)) throw missing();
        return { getFile: async () => this.taken(prefix + name) };
      },
    });
    return { getDirectory: async () => folder(undefined) };
  }

  taken(path) {
    this.meanwhile();
    const { size, version } = { size: this.files.len(path), version: this.version(path) };
    const slice = (from, to) => {
      const bytes = () => this.bytes(path, version, from, to);
      return { bytes, arrayBuffer: async () => bytes() };
    };
    return { size, slice };
  }

  bytes(path, version, from, to) {
    this.meanwhile();
    const changed = this.version(path) !== version;
    if ((changed && this.strict) || this.files.len(path) < to) {
      throw Object.assign(new Error("changed since"), { name: "NotReadableError" });
    }
    const bytes = new Uint8Array(to - from);
    this.files.readAt(path, from, bytes);
    return bytes.buffer;
  }
}

globalThis.FileReaderSync = class {
  readAsArrayBuffer = (slice) => slice.bytes();
};

/** A writer of 0, 1, 2, … that does a little of anything at each `act`. */
class Beside {
  count = 0;
  rotations = 0;

  constructor(seed, strict) {
    this.random = randomly(seed);
    this.disk = new Disk(strict);
    const value = { storage: this.disk.storage };
    Object.defineProperty(globalThis, "navigator", { value, configurable: true });
    this.writer = new writing.RawWriter(this.disk.files, true);
    this.act();
  }

  act() {
    const { random, writer } = this;
    if (random.chance(0.3)) {
      writer.rotate();
      this.rotations += 1;
    }
    const length = random.chance(0.2) ? 60 : random.below(4);
    for (let end = this.count + length; this.count < end; this.count += 1) {
      append(writing, writer, [`{"type":"n","data":${this.count},"ts":0}`], false);
    }
  }

  /** Lets it act at any look from now on, first `calm` times not. */
  interrupt(calm) {
    let looks = 0;
    this.disk.meanwhile = () => {
      looks += 1;
      if (looks > calm && this.random.chance(0.4) && this.count < 2000) this.act();
    };
  }

  rest() {
    this.disk.meanwhile = () => {};
  }
}

const LOST = '{"type":"n","data":"lost","ts":0}\n';
const INSTEAD = '{"type":"n","data":"new!","ts":0}\n';
const bytesOf = (lines) => new TextEncoder().encode(lines);
const dataOf = (bytes) => text.decode(bytes).trimEnd().split("\n").map((line) => JSON.parse(line).data);
const numbers = (count) => Array.from({ length: count }, (_, n) => n);

/** Starts from the end again and again. */
async function last(seed, strict) {
  const beside = new Beside(seed, strict);
  const reading = new Reading(glue, await takenFiles("log", []));
  for (let round = 0; round < 15; round += 1) {
    beside.act();
    const before = beside.count;
    const lines = beside.random.below(10);
    beside.interrupt(beside.random.below(6));
    const start = await reading.startOfLast(lines);
    beside.rest();
    const { bytes } = await reading.next(round, start);
    const [first = beside.count] = bytes ? dataOf(bytes) : [];
    assert.ok(first >= before - lines && first <= beside.count, `seed ${seed}: ${first} for ${lines} of ${before}`);
  }
  return beside.rotations;
}

async function follow(seed, strict) {
  const beside = new Beside(seed, strict);
  const reading = new Reading(glue, await takenFiles("log", []));
  const seen = [];
  let stream = 0;
  let position = 0;
  let hash;
  const look = async () => {
    // Now and then as a view that goes on: another stream, behind the line that was its last.
    const anew = beside.random.chance(0.5);
    if (anew) await reading.drop(stream++);
    const { bytes, places, hash: last } = await reading.next(stream, position, anew ? hash : undefined);
    if (!bytes) return false;
    seen.push(...dataOf(bytes));
    assert.equal(places[0], position, `seed ${seed}: a gap or an overlap`);
    position = places.at(-1);
    hash = last;
    return true;
  };
  for (let round = 0; round < 15; round += 1) {
    beside.interrupt(beside.random.below(6));
    await look();
    beside.act();
  }
  beside.rest();
  while (await look());
  assert.deepEqual(seen, numbers(beside.count), `seed ${seed}`);
  assert.equal(position, beside.writer.end());
  return beside.rotations;
}

for (const [what, count] of Object.entries({ "as many bytes": 1, more: 2, none: 0 })) {
  test(`a view whose last events gave way to ${what} folds the log anew`, async () => {
    const { disk, writer } = new Beside(1, true);
    writer.rotate();
    const reading = new Reading(glue, await takenFiles("log", []));
    const calls = { next: ({ stream, position, after }) => reading.next(stream, position, after), drop() {}, snapshot() {} };
    const link = { call: async (name, fields) => calls[name](fields) };
    const list = { initial: [], reduce: (seen, { data }) => [...seen, data] };
    const view = new TabView(link, "list", list);
    const kept = await view.state();
    const end = disk.files.len("app.jsonl");
    disk.files.append("app.jsonl", bytesOf(LOST));
    assert.deepEqual(await view.state(), [...kept, "lost"]);
    disk.files.truncate("app.jsonl", end);
    disk.files.append("app.jsonl", bytesOf(INSTEAD.repeat(count)));
    assert.deepEqual(await view.state(), [...kept, ...Array(count).fill("new!")]);
    assert.deepEqual(await view.state(), await new TabView(link, "list", list).state());
  });
}

test("a read that fails leaves a view as it was, and what is folded is not read again", async () => {
  const { disk, writer } = new Beside(1, true);
  const reading = new Reading(glue, await takenFiles("log", []));
  let failing = false;
  const calls = {
    next({ stream, position, after }) {
      if (failing) throw new Error("once");
      return reading.next(stream, position, after);
    },
    drop() {},
    snapshot() {},
  };
  let folded = 0;
  const link = { call: async (name, fields) => calls[name](fields) };
  const view = new TabView(link, "count", { initial: 0, reduce: (count) => ((folded += 1), count + 1) });
  const count = await view.state();
  append(writing, writer, ['{"type":"n","data":"more","ts":0}'], false);
  failing = true;
  await assert.rejects(view.state(), /once/);
  failing = false;
  assert.equal(await view.state(), count + 1);
  assert.equal(folded, count + 1);
});

/** A log in memory, as a tab reads it where nothing changes meanwhile. */
function still() {
  const files = { ...memoryFiles(), refresh: async () => false, stillCurrent: async () => true };
  const reading = new Reading(glue, files);
  const calls = {
    next: ({ stream, position, after }) => reading.next(stream, position, after),
    drop: ({ stream }) => reading.drop(stream),
  };
  return { files, link: { call: async (name, fields) => calls[name](fields) } };
}

test("streams that are left half-way hold no memory, and go on where they were", async () => {
  const { files, link } = still();
  const writer = new writing.RawWriter(files, true);
  const text = "x".repeat(1000);
  const lines = numbers(1500).map((n) => `{"type":"t${n % 7}","data":[${n},"${text}"],"ts":0}`);
  append(writing, writer, lines, false);
  const memory = () => glue.moduleMemory().buffer.byteLength;
  const before = memory();
  const seen = Array.from({ length: 60 }, () => []);
  const streams = seen.map(() => new Stream(link, 0));
  const batches = [];
  for (let going = true; going; ) {
    going = false;
    for (const [n, stream] of streams.entries()) {
      const batch = await stream.next();
      if (!batch) continue;
      going = true;
      if (n === 59) batches.push(batch);
      for (let index = 0; index < batch.length; index += 1) seen[n].push(batch.event(index).type);
    }
  }
  assert.ok(memory() - before < 20 << 20, `${(memory() - before) >> 20} MiB more`);
  const types = lines.map((line) => JSON.parse(line).type);
  for (const one of seen) assert.deepEqual(one, types);
  // Types keep their names in what was handed out before.
  const all = batches.flatMap((batch) => numbers(batch.length).map((index) => batch.event(index).type));
  assert.deepEqual(all, types);
});

test("damage in the archive is told with where reading goes on", async () => {
  const { files, link } = still();
  const writer = new writing.RawWriter(files, true);
  const line = (n) => `{"type":"n","data":[${n},"${"x".repeat(5000)}"],"ts":0}`;
  append(writing, writer, [line(1)], false);
  writer.rotate();
  const [{ position: behind }] = append(writing, writer, [line(2)], false);
  const archive = new Uint8Array(files.len("archive.jsonl.zst"));
  files.readAt("archive.jsonl.zst", 0, archive);
  archive[90] ^= 1;
  files.replace("archive.jsonl.zst", archive);
  const broken = { code: "corrupt", position: 0, nextPosition: behind };
  await assert.rejects(new Stream(link, 0).next(), broken);
  append(writing, writer, [line(3)], false);
  const batch = await new Stream(link, behind).next();
  assert.deepEqual([0, 1].map((index) => batch.event(index).data[0]), [2, 3]);
});

/** What a reader that cannot wait sees of what was taken, whatever is done to the files since. */
async function hold(seed, strict) {
  const beside = new Beside(seed, strict);
  const files = await takenFiles("log", [], { hold: true });
  for (let round = 0; round < 15; round += 1) {
    beside.act();
    const before = beside.count;
    beside.interrupt(beside.random.below(4));
    await files.refresh();
    if (strict) beside.rest();
    const scan = new glue.RawScan(files, 0);
    const seen = [];
    while (scan.next(1)) seen.push(...dataOf(scan.bytes()));
    beside.rest();
    assert.ok(seen.length >= before, `seed ${seed}: ${seen.length} of ${before}`);
    assert.deepEqual(seen, numbers(seen.length), `seed ${seed}`);
  }
  return beside.rotations;
}

const ways = {
  follow: { run: follow, seeds: 60 },
  hold: { run: hold, seeds: 30 },
  "start from the end": { run: last, seeds: 30 },
};

for (const [browser, strict] of [["Firefox", false], ["Chromium", true]]) {
  for (const [what, { run, seeds }] of Object.entries(ways)) {
    test(`to ${what}, as in ${browser}: each event once and in order`, async (t) => {
      const began = performance.now();
      let rotations = 0;
      for (let seed = 1; seed <= seeds; seed += 1) rotations += await run(seed, strict);
      assert.ok(rotations > 300, `${rotations} rotations`);
      t.diagnostic(`${rotations} rotations`);
      ran(`tabs-reading: to ${what}, as in ${browser}`, seeds, performance.now() - began);
    });
  }
}
