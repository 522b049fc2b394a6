// The database of one log. Its files lie there in blocks, and each has a head, which tells a reader
// what is new since it looked. A transaction takes a file from one state that it had to another,
// so the stored log is at any time the log as it was at some moment.

import { StorageError, UnsupportedError } from "../js/errors.js";

/** Small enough that an append into it is cheap, large enough that a log is loaded fast. */
const BLOCK = 16 << 10;

/**
 * @param {string} name
 */
export async function openDatabase(name) {
  const db = await connect(name);
  /**
   * What is stored of each file: its length, and how often something was taken off it.
   * @type {Map<string, { length: number, cuts: number }>}
   */
  const heads = new Map();
  /**
   * From where on each file differs from what is stored.
   * @type {Map<string, number>}
   */
  const dirty = new Map();
  const headOf = (file) => heads.get(file) ?? { length: 0, cuts: 0 };

  return {
    close: () => db.close(),

    /** Calls `lost` when the browser, or another page through it, wants the database back. */
    lost(lost) {
      const because = (reason) => lost(new StorageError(`the log ${name} was let go: ${reason}`));
      db.onversionchange = () => because("another page deletes its database or makes it anew");
      db.onclose = () => because("the browser closed its database");
    },

    isDirty: () => dirty.size > 0,

    /** From `from` on the file is another than what is stored; `cut` if it was more than added to. */
    touch(file, from, cut) {
      dirty.set(file, Math.min(from, dirty.get(file) ?? Infinity));
      const { length, cuts } = headOf(file);
      if (cut) heads.set(file, { length, cuts: cuts + 1 });
    },

    /** Takes `mirror` from what it was loaded with to what is stored now; says if that is another. */
    async load(mirror) {
      const transaction = db.transaction(["blocks", "heads"]);
      const [blocks, stored] = ["blocks", "heads"].map((store) => transaction.objectStore(store));
      const [files, found] = await Promise.all([
        answered(stored.getAllKeys()),
        answered(stored.getAll()),
      ]);
      const changed = files
        .map((file, at) => ({ file, head: found[at], known: headOf(file) }))
        .filter(({ head, known }) => head.cuts !== known.cuts || head.length !== known.length)
        .map(({ file, head, known }) => {
          const first = head.cuts === known.cuts ? Math.floor(known.length / BLOCK) : 0;
          return { file, head, first, bytes: answered(blocks.getAll(rangeOf(file, first))) };
        });
      const all = await Promise.all(changed.map(({ bytes }) => bytes));
      changed.forEach(({ file, head, first }, at) => {
        mirror.truncate(file, first * BLOCK);
        for (const bytes of all[at]) mirror.append(file, bytes);
        if (mirror.len(file) !== head.length) {
          const found = `${mirror.len(file)} of ${head.length} bytes`;
          throw new StorageError(`the database of the log ${name} is damaged: ${file} has ${found}`);
        }
        heads.set(file, head);
      });
      return changed.length > 0;
    },

    /** Stores what is dirty of `mirror`, all of it or nothing. */
    async store(mirror, durability) {
      const transaction = db.transaction(["blocks", "heads"], "readwrite", { durability });
      const done = completed(transaction);
      try {
        for (const [file, from] of dirty) put(transaction, mirror, file, from);
        // A transaction without a write would have nothing to wait for.
        if (durability === "strict") transaction.objectStore("blocks").put(0, []);
        transaction.commit();
      } catch (error) {
        done.catch(() => {});
        transaction.abort();
        throw error;
      }
      dirty.clear();
      await done;
    },
  };

  function put(transaction, mirror, file, from) {
    const [blocks, stored] = ["blocks", "heads"].map((store) => transaction.objectStore(store));
    const length = mirror.len(file);
    const first = Math.floor(from / BLOCK);
    blocks.delete(rangeOf(file, first));
    for (let block = first; block * BLOCK < length; block += 1) {
      const bytes = new Uint8Array(Math.min(BLOCK, length - block * BLOCK));
      mirror.readAt(file, block * BLOCK, bytes);
      blocks.put(bytes, [file, block]);
    }
    const head = { ...headOf(file), length };
    stored.put(head, file);
    heads.set(file, head);
  }
}

/** The blocks of a file from this one on. */
function rangeOf(file, first) {
  return IDBKeyRange.bound([file, first], [file, Infinity]);
}

function connect(name) {
  return new Promise((opened, refused) => {
    const unsupported = (cause) => {
      refused(
        new UnsupportedError(
          `there is no IndexedDB for the log ${name} here (${cause.message}): a private window ` +
            "may have none. Use one that is not, or memoryHost() if the log may go with the page",
          {},
          cause,
        ),
      );
    };
    let request;
    try {
      request = indexedDB.open(`eventfold:${name}`, 1);
    } catch (cause) {
      unsupported(cause);
      return;
    }
    request.onupgradeneeded = () => {
      request.result.createObjectStore("blocks");
      request.result.createObjectStore("heads");
    };
    request.onsuccess = () => opened(request.result);
    request.onerror = () => {
      const { error } = request;
      if (error.name === "VersionError") {
        const message = `the log ${name} was stored by a newer version of this package; use that`;
        refused(new StorageError(message, {}, error));
      } else if (error.name === "QuotaExceededError") {
        refused(new StorageError(`there is no room for the log ${name}: ${error.message}`, {}, error));
      } else {
        unsupported(error);
      }
    };
  });
}

function answered(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function completed(transaction) {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new Error("the browser aborted it"));
  });
}
