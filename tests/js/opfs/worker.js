// What the tests of the OPFS do in a dedicated worker: a message names an action and gives its
// arguments; the answer is its result, or what it threw.

import { EventLog, EventReader } from "/wasm/package/js/index.js";
import { memoryFiles } from "/wasm/package/hosts/memory-files.js";
import { exportDirectory, importDirectory, opfsHost } from "/wasm/package/hosts/opfs.js";
import { instantiate } from "../conformance/module/conformance.js";
import { runConformance } from "../conformance/run.js";

const sum = { initial: 0, reduce: (state, { data }) => state + data.n };
const views = { sum };

/** @type {EventLog} */
let log;
/** @type {EventReader} */
let reader;
const importing = {};
/** @type {FileSystemSyncAccessHandle} */
let handle;

const event = (n) => ({ type: "counted", data: { n }, ts: n, id: `id ${n}` });

const directory = async (name) => {
  const root = await navigator.storage.getDirectory();
  return (await root.getDirectoryHandle("eventfold", { create: true })).getDirectoryHandle(name, {
    create: true,
  });
};

const texts = (files) =>
  Object.fromEntries([...files].map(([path, bytes]) => [path, String.fromCharCode(...bytes)]));

/** Appends, rotates and saves: something in each file. */
function live(log) {
  for (let n = 0; n < 500; n += 1) log.append(event(n), { durability: "buffered" });
  log.rotate();
  for (let n = 500; n < 900; n += 1) log.append(event(n), { durability: "buffered" });
  log.view("sum");
  log.save();
}

const actions = {
  async conformance() {
    const url = new URL("../conformance/module/conformance.wasm", import.meta.url);
    const module = new WebAssembly.Module(await (await fetch(url)).arrayBuffer());
    const { passed, failed } = await runConformance({
      module,
      instantiate,
      makePlace: (number) =>
        opfsHost(`place-${number}`).open("write", { views: ["a", "b", "view", "sum"] }),
    });
    return { passed: passed.length, failed, count: instantiate(module).cases().length };
  },

  async open(name, options) {
    log = await EventLog.open(opfsHost(name, options), { views });
    return log.recovery.text;
  },

  append: (n) => log.append(event(n)).position,
  rotate: () => log.rotate(),
  close: () => log.close(),
  numbers: () => [...log.read()].map(({ data }) => data.n),

  async openReader(name) {
    reader = await EventReader.open(opfsHost(name));
  },
  closeReader: () => reader.close(),

  /** Whether a log can be removed once a reader that saw it come is closed. */
  async refreshTwiceAndClose(name) {
    const reader = await EventReader.open(opfsHost(name));
    const writer = await EventLog.open(opfsHost(name));
    writer.append(event(0));
    await writer.close();
    await Promise.all([reader.refresh(), reader.refresh()]);
    const numbers = [...reader.read()].map(({ data }) => data.n);
    await reader.close();
    const root = await navigator.storage.getDirectory();
    await (await root.getDirectoryHandle("eventfold")).removeEntry(name, { recursive: true });
    return numbers;
  },

  async openAndAbort(name) {
    await EventLog.open(opfsHost(name, { wait: true, signal: AbortSignal.timeout(50) }));
  },

  /** Opens with a signal that is aborted in the moment after the waiting has begun. */
  async openAndAbortAtOnce(name) {
    const waiting = new AbortController();
    const opening = opfsHost(name, { wait: true, signal: waiting.signal }).open("write");
    waiting.abort();
    await opening;
  },

  async grab(name) {
    const file = await (await directory(name)).getFileHandle("app.jsonl", { create: true });
    handle = await file.createSyncAccessHandle();
  },
  letGo: () => handle.close(),

  async lockIsHeld(name) {
    const { held } = await navigator.locks.query();
    return held.some((lock) => lock.name === `eventfold:${name}`);
  },

  steal(name) {
    return new Promise((stolen) => {
      navigator.locks.request(`eventfold:${name}`, { steal: true }, () => stolen());
    });
  },

  /** What a reader makes of a log on which a writer works beside it. */
  async readBeside(name) {
    const writer = await EventLog.open(opfsHost(name));
    const host = opfsHost(name);
    const files = await host.open("read");
    const reader = await EventReader.open({ name, durability: "synced", open: () => files });
    const counts = [];
    const look = () => counts.push([...reader.read()].length);
    look();
    for (let n = 0; n < 10; n += 1) writer.append(event(n));
    look();
    const changed = await files.refresh();
    look();
    const same = await files.refresh();
    const current = await files.stillCurrent();
    writer.rotate();
    const rotated = await files.stillCurrent();
    for (let n = 0; n < 200; n += 1) writer.append(event(n));
    look();
    await files.refresh();
    look();
    await writer.close();
    return { counts, changed, same, current, rotated };
  },

  /** What a view of a reader is, of which a shorter snapshot was saved since that was opened. */
  async viewShortened(name) {
    const writer = await EventLog.open(opfsHost(name), { views });
    const add = (n) => {
      writer.append({ ...event(1), data: { n } });
      writer.save();
    };
    add(1_000_000);
    const reader = await EventReader.open(opfsHost(name), { views });
    add(-1_000_000);
    const before = reader.view("sum");
    await reader.refresh();
    const after = reader.view("sum");
    await reader.close();
    await writer.close();
    return { before, after };
  },

  /**
   * What a reader reads of a log that a rotation empties in the midst of its refresh, before it
   * seals the archive.
   */
  async emptiedAmidRefresh(name) {
    const writer = await EventLog.open(opfsHost(`${name} before`));
    writer.appendBatch([0, 1, 2].map(event));
    const log = (await exportDirectory(`${name} before`)).get("app.jsonl");
    writer.rotate();
    await writer.close();
    const archive = (await exportDirectory(`${name} before`)).get("archive.jsonl.zst");
    // The seal is the last of the frames that zstd skips.
    const skips = (_, at) => (archive[at] & 0xf0) === 0x50 && archive[at + 1] === 0x2a && archive[at + 2] === 0x4d && archive[at + 3] === 0x18;
    const unsealed = archive.subarray(0, archive.findLastIndex(skips));
    await importDirectory(name, [["app.jsonl", log], ["archive.jsonl.zst", unsealed]]);
    const files = await opfsHost(name).open("write");
    const reader = await EventReader.open(opfsHost(name));
    const { prototype } = FileSystemFileHandle;
    const { getFile } = prototype;
    let looks = 0;
    prototype.getFile = async function () {
      const file = await getFile.call(this);
      // The first is for the length, the second for the bytes.
      if (this.name === "app.jsonl" && (looks += 1) === 2) files.truncate("app.jsonl", 0);
      return file;
    };
    await reader.refresh();
    prototype.getFile = getFile;
    const numbers = [...reader.read()].map(({ data }) => data.n);
    await reader.close();
    await files.close();
    return numbers;
  },

  /** What is exported of a log whose view is saved in the midst of that: where the log and the view end. */
  async exportAmidSaving(name) {
    const writer = await EventLog.open(opfsHost(name), { views });
    const add = (n) => {
      writer.append(event(n));
      writer.save();
    };
    add(0);
    const { prototype } = FileSystemFileHandle;
    const { getFile } = prototype;
    let looks = 0;
    prototype.getFile = function () {
      // By the third the bytes were read.
      if (this.name === "app.jsonl" && (looks += 1) === 3) add(1);
      return getFile.call(this);
    };
    const exported = await exportDirectory(name);
    prototype.getFile = getFile;
    await writer.close();
    const { position } = JSON.parse(texts(exported)["views/sum.snapshot.json"]);
    return { looks, log: exported.get("app.jsonl").length, view: position };
  },

  /**
   * What a reader that was opened before reads at each file that an import writes, of which the log
   * is given before its archive; then after it, and when another has appended.
   */
  async readAmidImport(name, isThere) {
    if (isThere) await (await EventLog.open(opfsHost(name))).close();
    const before = await EventLog.open(opfsHost(`${name} before`));
    before.appendBatch([0, 1].map(event));
    before.rotate();
    before.append(event(2));
    await before.close();
    const files = await exportDirectory(`${name} before`);
    const reader = await EventReader.open(opfsHost(name), { views });
    const reads = [];
    const read = async () => {
      await reader.refresh();
      reads.push([...reader.read()].map(({ position, data }) => `${data.n} at ${position}`));
    };
    const { prototype } = FileSystemFileHandle;
    const { createWritable } = prototype;
    prototype.createWritable = async function () {
      if (this.name !== "import.unfinished") await read();
      return createWritable.call(this);
    };
    try {
      await importDirectory(name, ["app.jsonl", "archive.jsonl.zst"].map((path) => [path, files.get(path)]));
    } finally {
      prototype.createWritable = createWritable;
    }
    await read();
    const writer = await EventLog.open(opfsHost(name), { views });
    writer.append(event(3));
    const written = [...writer.read()].map(({ position, data }) => `${data.n} at ${position}`);
    await writer.close();
    await read();
    const sum = reader.view("sum");
    await reader.close();
    return { reads, written, sum };
  },

  /** How many events a reader has after two refreshes at once, of which the first is slow. */
  async refreshAtOnce(name) {
    const writer = await EventLog.open(opfsHost(name));
    const reader = await EventReader.open(opfsHost(name));
    const { prototype } = FileSystemFileHandle;
    const { getFile } = prototype;
    writer.append(event(0));
    const taken = new Promise((told) => {
      prototype.getFile = async function () {
        const file = await getFile.call(this);
        if (this.name !== "app.jsonl") return file;
        prototype.getFile = getFile;
        told();
        await new Promise((later) => setTimeout(later, 300));
        return file;
      };
    });
    const first = reader.refresh();
    // Where the reader takes no files there is nothing to wait for.
    await Promise.race([taken, first]);
    writer.append(event(1));
    await Promise.all([first, reader.refresh()]);
    prototype.getFile = getFile;
    const count = [...reader.read()].length;
    await reader.close();
    await writer.close();
    return count;
  },

  /** A reader's tail, and what it reads after a refresh, while a writer appends and rotates. */
  async tailBeside(name, count) {
    const writer = await EventLog.open(opfsHost(name));
    const reader = await EventReader.open(opfsHost(name));
    const tailed = [];
    const tailing = (async () => {
      for await (const { data } of reader.tail()) if (tailed.push(data.n) === count) return;
    })();
    for (let n = 0; n < count; n += 1) {
      writer.append(event(n));
      if (n % 7 === 3) writer.rotate();
      if (n % 50 === 0) await new Promise((later) => setTimeout(later, 30));
    }
    await tailing;
    await reader.refresh();
    const read = [...reader.read()].map(({ data }) => data.n);
    await reader.close();
    await writer.close();
    return { tailed, read };
  },

  /** The same life of a log in the OPFS and in memory, and the bytes that it leaves. */
  async liveTwice(name) {
    const opfs = await EventLog.open(opfsHost(name), { views });
    live(opfs);
    await opfs.close();
    const files = memoryFiles();
    const inMemory = await EventLog.open({ name, durability: "none", open: () => files }, { views });
    live(inMemory);
    const expected = {};
    for (const path of ["app.jsonl", "archive.jsonl.zst", "torn.bin", "views/sum.snapshot.json"]) {
      const bytes = new Uint8Array(files.len(path));
      files.readAt(path, 0, bytes);
      if (bytes.length > 0) expected[path] = String.fromCharCode(...bytes);
    }
    return { exported: texts(await exportDirectory(name)), expected };
  },

  async carry(from, to, way) {
    const exported = await exportDirectory(from);
    const sources = {
      entries: () => exported,
      directory: () => directory(from),
      chosen: () =>
        [...exported].map(([path, bytes]) => {
          const file = new File([bytes], path.split("/").at(-1));
          return Object.defineProperty(file, "webkitRelativePath", { value: `folder/${path}` });
        }),
    };
    const paths = await importDirectory(to, await sources[way]());
    const again = await exportDirectory(to);
    return { paths, same: JSON.stringify(texts(again)) === JSON.stringify(texts(exported)) };
  },

  async importOf(name, entries) {
    const blobs = entries.map(([path, bytes]) => [
      path,
      typeof bytes === "string" ? bytes : Uint8Array.from(bytes),
    ]);
    return importDirectory(name, blobs);
  },

  /** Begins an import, and stops before the log's own file until `endImport`. */
  async beginImport(name, entries) {
    const { prototype } = FileSystemFileHandle;
    const { createWritable } = prototype;
    await new Promise((begun) => {
      prototype.createWritable = async function () {
        if (this.name === "app.jsonl") await new Promise((goOn) => begun((importing.goOn = goOn)));
        return createWritable.call(this);
      };
      importing.ended = actions.importOf(name, entries);
    });
    prototype.createWritable = createWritable;
  },

  endImport() {
    importing.goOn();
    return importing.ended;
  },

  /** What an import says of what is none, and without Web Locks. */
  async misuseImport() {
    const codes = [];
    const tell = (from) => importDirectory("misused", from).catch(({ code }) => codes.push(code));
    for (const from of [undefined, 5, [5], [new Blob([])]]) await tell(from);
    for (const content of [undefined, null, 5, {}, new Map()]) await tell([["app.jsonl", content]]);
    Object.defineProperty(navigator, "locks", { value: undefined, configurable: true });
    await tell([["app.jsonl", ""]]);
    delete navigator.locks;
    return codes;
  },

  /** What each use says where a file, or a directory, is in the way of one of the log's. */
  async useWhatIsInTheWay() {
    const root = await navigator.storage.getDirectory();
    const logs = await root.getDirectoryHandle("eventfold", { create: true });
    await logs.getFileHandle("a file", { create: true });
    const directory = await logs.getDirectoryHandle("a directory", { create: true });
    await directory.getDirectoryHandle("app.jsonl", { create: true });
    const errors = [];
    const uses = [
      (name) => EventLog.open(opfsHost(name)),
      (name) => EventReader.open(opfsHost(name)),
      (name) => exportDirectory(name),
      (name) => importDirectory(name, [["app.jsonl", ""]]),
    ];
    for (const name of ["a file", "a directory"]) {
      for (const use of uses) {
        await use(name).catch(({ code, message, cause }) => errors.push({ code, message, cause: cause?.name }));
      }
    }
    const { held } = await navigator.locks.query();
    return { errors, held };
  },

  async exported(name) {
    return texts(await exportDirectory(name));
  },

  async leaveUnfinished(name) {
    await (await directory(name)).getFileHandle("import.unfinished", { create: true });
  },
};

addEventListener("message", async ({ data: { action, args }, ports: [answer] }) => {
  try {
    answer.postMessage({ result: await actions[action](...args) });
  } catch (error) {
    const { name, code, message } = error;
    answer.postMessage({ error: { name, code, message } });
  }
});
