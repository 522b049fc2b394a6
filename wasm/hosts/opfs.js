// A log in the origin private file system (OPFS), for dedicated workers.

import { LockedError, StorageError, UnsupportedError } from "../js/errors.js";
import { checkSignal, optionsOf } from "../js/given.js";
import { closeAll, filesOver, settleSpare } from "./opfs-files.js";
import { SHARED } from "./opfs-live.js";
import {
  ARCHIVE,
  LOG,
  SPARE,
  TORN,
  attempt,
  checkName,
  directoryToOpen,
  fileOf,
  lockOf,
  locksFor,
  snapshotOf,
  snapshotsIn,
} from "./opfs-place.js";
import { filesToRead } from "./opfs-read.js";

export { exportDirectory, importDirectory } from "./opfs-copy.js";

// The handle of a tab that died was free within 64 ms when measured; a slow machine gets more.
const PATIENCE = 3000;

/** How often a writer looks whether its files are still there, in milliseconds. */
const LOOK = 1000;

/**
 * @param {string} name
 * @param {{ wait?: boolean, signal?: AbortSignal }} [options]
 * @returns {import("./host").Host}
 */
export function opfsHost(name, options) {
  checkName(name);
  const { wait = false, signal } = optionsOf(options);
  checkSignal(signal);
  return {
    name,
    durability: "synced",
    open(access, { views = [], onLost } = {}) {
      if (access === "read") return openForReading(name, views);
      return openForWriting(name, views, { wait, signal, onLost });
    },
  };
}

async function openForReading(name, views) {
  if (typeof FileReaderSync === "undefined") throw inNoWorker(name);
  return attempt("read", name, async () => {
    await directoryToOpen(name, false);
    return filesToRead(name, views, { hold: true });
  });
}

async function openForWriting(name, views, options) {
  if (!globalThis.FileSystemFileHandle?.prototype.createSyncAccessHandle) throw inNoWorker(name);
  // The lock first: who has it knows that an open handle is that of a dying tab.
  const lock = await takeLock(name, options);
  return attempt("open", name, () => openLocked(name, views, lock, options.onLost));
}

async function openLocked(name, views, lock, onLost) {
  const handles = new Map();
  let spare;
  try {
    const directory = await directoryToOpen(name, true);
    // No reader opens this one, so it can be this writer's alone: a lock that cannot be stolen.
    spare = await openHandle(directory, SPARE, name);
    const snapshots = new Set([...views.map(snapshotOf), ...(await snapshotsIn(directory))]);
    for (const path of [LOG, ARCHIVE, TORN, ...snapshots]) {
      handles.set(path, await openHandle(directory, path, name, SHARED));
    }
    settleSpare(handles, spare);
    const files = filesOver(handles, spare, () => {
      stopLooking();
      return lock.release();
    });
    const lose = (reason, removed) => {
      stopLooking();
      files.lose(reason, removed);
      onLost?.(reason);
    };
    const stopLooking = whenRemoved(directory, () => {
      const text = `the files of ${name} were removed, as by clearing the site's data: open it again`;
      lose(new StorageError(text), true);
    });
    lock.lost(lose);
    return files;
  } catch (error) {
    closeAll([...handles.values(), ...(spare ? [spare] : [])]);
    await lock.release();
    throw error;
  }
}

/**
 * Calls `removed` when the log is no longer there, and answers what ends the looking. Clearing the
 * site's data takes it away: in Chromium the handles live on, and what is written to them is lost.
 */
function whenRemoved(directory, removed) {
  const looking = setInterval(async () => {
    if (!(await fileOf(directory, LOG, false).catch(() => true))) removed();
  }, LOOK);
  return () => clearInterval(looking);
}

/** Resolves when the lock is held. */
function takeLock(name, { wait, signal }) {
  const locks = locksFor(name);
  const options = wait ? { signal: signal ?? undefined } : { ifAvailable: true };
  return new Promise((held, failed) => {
    const ended = locks.request(lockOf(name), options, (lock) => {
      // Nobody waits for it any more.
      if (options.signal?.aborted) return undefined;
      if (!lock) {
        throw new LockedError(
          `another tab or worker writes to ${name}: close it, or read without writing`,
          { path: name },
        );
      }
      return new Promise((release) => {
        held({
          release() {
            release();
            return ended.catch(() => {});
          },
          lost(callback) {
            ended.catch((cause) =>
              callback(new LockedError(`the lock on ${name} was stolen`, { path: name }, cause)),
            );
          },
        });
      });
    });
    // After `held` these settle nothing any more. Chromium does not hear by itself of a signal in
    // the moment after the first request in a worker.
    ended.catch(failed);
    options.signal?.addEventListener("abort", () => failed(signal.reason), { once: true });
  });
}

async function openHandle(directory, path, name, mode) {
  const file = await fileOf(directory, path, true);
  const end = performance.now() + PATIENCE;
  for (let pause = 4; ; pause = Math.min(2 * pause, 100)) {
    try {
      return await file.createSyncAccessHandle(mode);
    } catch (error) {
      if (error.name !== "NoModificationAllowedError") throw error;
      if (performance.now() > end) {
        throw new LockedError(
          `${path} of ${name} is held open by something that does not hold the lock on the log`,
          { path: name },
          error,
        );
      }
    }
    await new Promise((later) => setTimeout(later, pause));
  }
}

function inNoWorker(name) {
  return new UnsupportedError(
    `${name} can only be opened in a dedicated worker, since only there are files synchronous; ` +
      "eventfold/tabs brings one for the page",
  );
}
