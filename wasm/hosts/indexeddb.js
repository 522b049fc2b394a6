// A log's files in memory, stored behind in IndexedDB.

import { memoryFiles } from "./memory-files.js";
import { BadArgumentError, LockedError, StorageError, UnsupportedError } from "../js/errors.js";
import { checkWhole } from "../js/given.js";
import { openDatabase } from "./indexeddb-database.js";

/** How long the lock of a page that is gone is waited for. */
const PATIENCE_MS = 250;

/** @returns {import("./host").Host} */
export function indexedDbHost(name) {
  if (typeof name !== "string" || name === "") {
    throw new BadArgumentError("the log's name must be a string that is not empty");
  }
  checkWhole(name);
  return {
    name,
    durability: "relaxed",

    async open(access) {
      if (access === "read") return openToRead(name);
      const lock = await takeLock(name);
      try {
        return await openToWrite(name, lock);
      } catch (error) {
        await lock.release();
        throw error;
      }
    },
  };
}

/**
 * Takes the lock, which goes with the page: for one that was left or crashed just now that takes
 * the browser a moment.
 */
async function takeLock(name) {
  const { locks } = globalThis.navigator ?? {};
  if (!locks) {
    throw new UnsupportedError(
      "this page has no Web Locks, without which two pages could write to one log: serve it over " +
        "https or from localhost",
    );
  }
  try {
    // At first without the signal, which in a busy page comes before a lock that is free.
    return (
      (await requested(locks, name, { ifAvailable: true })) ??
      (await requested(locks, name, { signal: AbortSignal.timeout(PATIENCE_MS) }))
    );
  } catch (cause) {
    if (cause.name !== "TimeoutError") {
      throw new UnsupportedError(`this page may not use Web Locks: ${cause.message}`, {}, cause);
    }
    const message =
      `another writer holds the lock on ${name}, in this page or another; close it, or open ` +
      "the log for reading, which needs no lock";
    throw new LockedError(message, { path: name });
  }
}

/** Resolves once the lock is held; to nothing when it is not available. */
function requested(locks, name, options) {
  return new Promise((taken, refused) => {
    const held = locks.request(`eventfold-indexeddb:${name}`, options, (lock) => {
      if (!lock) return taken(undefined);
      return new Promise((release) => {
        taken({
          release: () => (release(), held.catch(() => {})),

          /** Calls `lost` when the lock is stolen. */
          lost: (lost) => void held.catch(lost),
        });
      });
    });
    // After `taken` this settles nothing any more.
    held.catch(refused);
  });
}

async function openToRead(name) {
  const database = await openDatabase(name);
  const mirror = memoryFiles();
  const watchers = new Set();
  const channel = channelOf(name);
  let failure;
  let closed = false;
  let refreshing;
  let again = false;
  /** How many looks found something new. */
  let changes = 0;

  const refresh = async () => {
    while (again && !closed) {
      again = false;
      if (await database.load(mirror)) changes += 1;
    }
  };

  /** Loads what is new, one look after the other. */
  const look = () => {
    again = true;
    return (refreshing ??= refresh().finally(() => (refreshing = undefined)));
  };

  const close = () => {
    closed = true;
    channel.close();
    database.close();
  };

  const failed = (error) => {
    if (!closed) failure ??= error;
  };

  // Listened to before the first look, so that nothing falls between the two.
  channel.onmessage = () => {
    look().then(() => watchers.forEach((watcher) => watcher()), failed);
  };
  database.lost((error) => {
    failed(error);
    database.close();
  });
  try {
    await look();
  } catch (error) {
    close();
    throw error;
  }

  const checked = (method) => (name, ...rest) => {
    if (failure) throw failure;
    return mirror[method](name, ...rest);
  };
  return {
    len: checked("len"),
    readAt: checked("readAt"),
    close,

    // A writer may end between storing and telling.
    async refresh() {
      const before = changes;
      await look().catch(failed);
      if (failure) throw failure;
      return changes > before;
    },

    watch(changed) {
      const watcher = () => changed();
      watchers.add(watcher);
      return () => void watchers.delete(watcher);
    },
  };
}

async function openToWrite(name, lock) {
  const database = await openDatabase(name);
  const mirror = memoryFiles();
  try {
    await database.load(mirror);
  } catch (error) {
    database.close();
    throw error;
  }
  const channel = channelOf(name);
  /** What waits for the next transaction, which has to be strict then. */
  let waiting = [];
  let storing;
  /** The first failure: after it nothing more is stored. */
  let failure;
  /** Why nothing more is taken. */
  let refusal;
  let told = false;

  const fail = (error) => {
    failure ??= error;
    refusal ??= error;
    waiting.splice(0).forEach(({ reject }) => reject(failure));
  };

  const check = () => {
    if (!refusal) return;
    told = true;
    throw refusal;
  };

  /** Stores what changed, one transaction after the other, until there is nothing left. */
  const store = async () => {
    while (!failure && (database.isDirty() || waiting.length > 0)) {
      const waited = waiting.splice(0);
      try {
        await database.store(mirror, waited.length > 0 ? "strict" : "relaxed");
        waited.forEach(({ resolve }) => resolve());
        channel.postMessage("stored");
      } catch (cause) {
        const text = `IndexedDB did not store the last of the log ${name}: ${cause.message}`;
        waiting.push(...waited);
        fail(new StorageError(`${text}; open it again to go on from what is stored`, {}, cause));
      }
    }
    storing = undefined;
  };

  // After all that the caller does now, so that it is stored together.
  const storeSoon = () => (storing ??= Promise.resolve().then(store));

  const changing = (method, start) => (file, given) => {
    check();
    const from = start(file, given);
    mirror[method](file, given);
    database.touch(file, from, method !== "append");
    storeSoon();
  };

  const durable = () =>
    new Promise((resolve, reject) => {
      check();
      waiting.push({ resolve, reject });
      storeSoon();
    });

  lock.lost((cause) => {
    const text = `the lock on ${name} was stolen: open the log again to go on from what is stored`;
    fail(new LockedError(text, { path: name }, cause));
  });
  database.lost((error) => {
    refusal ??= error;
    // What was done before is stored still, if the database waits for it.
    Promise.resolve(storing).finally(() => database.close());
  });

  return {
    len: mirror.len,
    readAt: mirror.readAt,
    append: changing("append", (file) => mirror.len(file)),
    truncate: changing("truncate", (file, length) => length),
    replace: changing("replace", () => 0),
    remove: changing("remove", () => 0),
    sync: check,
    durable,

    async close() {
      try {
        if (!refusal) await durable();
        else if (!told) throw refusal;
      } finally {
        channel.close();
        database.close();
        await lock.release();
      }
    },
  };
}

/** Over it a writer tells the readers of all pages that there is something new. */
function channelOf(name) {
  return new BroadcastChannel(`eventfold-indexeddb:${name}`);
}
