// A log's files in a directory, for Node, Deno and Bun. Step by step what native/src/store.rs does.

import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { BadArgumentError, EventfoldError, StorageError } from "../js/errors.js";
import { describe, optionsOf } from "../js/given.js";
import { lockLog, placeOf } from "./node-lock.js";

const LOG = "app.jsonl";
const TORN = "torn.bin";
const SNAPSHOT = /^(.+)\.snapshot\.json$/;

/** @returns {import("./host").Host} */
export function nodeHost(dir, options) {
  const { lock = "flock" } = optionsOf(options);
  if (lock !== "flock" && lock !== "none") {
    throw new BadArgumentError(`lock is ${String(lock)}, it can be "flock" or "none"`);
  }
  // Absolute, so that a program that goes elsewhere stays with its log.
  const name = resolve(pathOf(dir));
  return {
    name,
    durability: "synced",
    open: (access) => (access === "read" ? openToRead(name) : openToWrite(name, lock)),
  };
}

function pathOf(dir) {
  if (typeof dir === "string") return dir;
  if (!(dir instanceof URL)) {
    throw new BadArgumentError(`the directory is ${describe(dir)}, it must be a path or a file URL`);
  }
  try {
    return fileURLToPath(dir);
  } catch (error) {
    throw new BadArgumentError(`the directory is ${dir}: ${error.message}`, {}, error);
  }
}

/** @returns {import("./host").SourceFiles} */
function openToRead(dir) {
  // A log that is not there is not an empty one.
  attempt("read a log in", dir, () => {
    if (!fs.statSync(dir).isDirectory()) throw new Error("it is not a directory");
  });
  return sourceFiles(dir);
}

/** @returns {import("./host").Files} */
function openToWrite(dir, lock) {
  const path = join(dir, LOG);
  makeDir(dir);
  const { fd, unlock } =
    lock === "flock"
      ? attempt("open and lock", path, () => lockLog(dir, path))
      : { fd: attempt("open", path, () => fs.openSync(path, "a+")), unlock: undefined };
  return files(dir, fd, unlock);
}

/**
 * The reading half. Each read opens its file anew, so that one that comes later or is replaced is
 * the one that is read.
 */
function sourceFiles(dir) {
  return {
    len(file) {
      const path = join(dir, file);
      const found = fs.statSync(path, { throwIfNoEntry: false });
      if (found && !found.isFile()) {
        // A pipe would be waited for, a device read without end.
        throw new Error(`${path} is not a regular file`);
      }
      return found?.size ?? 0;
    },

    readAt(file, offset, into) {
      const read = (fd) => readFull(fd, offset, into);
      return present(() => withOpen(join(dir, file), "r", read)) ?? 0;
    },

    watch(changed) {
      let watcher;
      try {
        watcher = fs.watch(dir, () => changed());
        watcher.on("error", () => watcher.close());
      } catch {
        // The system has no watch left to give. Who waits looks again by itself after a while.
      }
      return () => watcher?.close();
    },

    close() {},
  };
}

/**
 * @param {number} fd the log, open for reading and appending
 * @param {(() => void) | undefined} unlock what gives the lock back, if there is one
 */
function files(dir, fd, unlock) {
  const source = sourceFiles(dir);
  const log = join(dir, LOG);
  const place = unlock && placeOf(fd, log);
  /** Whether the names of the log and the archive may not be durable yet. */
  let namesUnsynced = true;

  /** What is changed beside a log that is no longer at its path is another log's, or nobody's. */
  const checkInPlace = () => {
    // Without the lock others may replace it.
    if (place ? place.holds() : fs.existsSync(log)) return;
    throw new Error(`${log} was replaced or removed while this writer held it`);
  };

  return {
    ...source,
    exclusive: unlock !== undefined,

    len: (file) => (file === LOG ? fs.fstatSync(fd).size : source.len(file)),

    readAt: (file, offset, into) =>
      file === LOG ? readFull(fd, offset, into) : source.readAt(file, offset, into),

    append(file, data) {
      if (file === LOG) return writeAll(fd, data);
      checkInPlace();
      namesUnsynced = true;
      const path = join(dir, file);
      // Nobody looks at it before a crash: a link would have bytes of the log written elsewhere.
      if (file === TORN && fs.lstatSync(path, { throwIfNoEntry: false })?.isFile() === false) fs.unlinkSync(path);
      withOpen(path, "a", (fd) => writeAll(fd, data));
    },

    truncate(file, length) {
      checkInPlace();
      // On the same descriptor, so that the lock lives on.
      if (file === LOG) return fs.ftruncateSync(fd, length);
      present(() => withOpen(join(dir, file), "r+", (fd) => fs.ftruncateSync(fd, length)));
    },

    sync(file) {
      if (file === LOG) {
        fs.fdatasyncSync(fd);
        // A file that is no longer where it was takes its events with it.
        checkInPlace();
      } else {
        present(() => withOpen(join(dir, file), "r+", (fd) => fs.fdatasyncSync(fd)));
      }
      if (namesUnsynced) {
        syncDir(dir);
        namesUnsynced = false;
      }
    },

    replace(file, data) {
      checkInPlace();
      const path = join(dir, file);
      // Without the lock others may be writing one at the same time.
      const fresh = unlock ? `${path}.new` : `${path}.${randomUUID()}.new`;
      fs.mkdirSync(dirname(path), { recursive: true });
      // One that a crash left, or a link by which it would be written elsewhere.
      present(() => fs.unlinkSync(fresh));
      try {
        withOpen(fresh, "wx", (fd) => {
          writeAll(fd, data);
          // A rename may reach the disk before the bytes do.
          fs.fdatasyncSync(fd);
        });
        fs.renameSync(fresh, path);
      } catch (error) {
        present(() => fs.unlinkSync(fresh));
        throw error;
      }
    },

    snapshots() {
      try {
        const found = fs.readdirSync(join(dir, "views"), { withFileTypes: true });
        return found.flatMap((file) => (file.isFile() && SNAPSHOT.exec(file.name)?.[1]) || []);
      } catch {
        // None, most often: there is no such directory.
        return [];
      }
    },

    remove(file) {
      checkInPlace();
      present(() => fs.unlinkSync(join(dir, file)));
    },

    close() {
      try {
        unlock?.();
      } finally {
        fs.closeSync(fd);
      }
    },
  };
}

function readFull(fd, offset, into) {
  let done = 0;
  while (done < into.length) {
    const n = uninterrupted(() => fs.readSync(fd, into, done, into.length - done, offset + done));
    if (n === 0) break;
    done += n;
  }
  return done;
}

function writeAll(fd, data) {
  let done = 0;
  while (done < data.length) {
    const n = uninterrupted(() => fs.writeSync(fd, data, done, data.length - done));
    if (n === 0) throw new Error("the file system took no byte and gave no reason");
    done += n;
  }
}

/** Does it again for as long as a signal comes in between. */
function uninterrupted(act) {
  for (;;) {
    try {
      return act();
    } catch (error) {
      // The second is what Deno calls it.
      if (error.code !== "EINTR" && error.name !== "Interrupted") throw error;
    }
  }
}

function withOpen(path, flags, act) {
  const fd = fs.openSync(path, flags);
  try {
    return act(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** What does not exist is `undefined`, not an error. */
function present(act) {
  try {
    return act();
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
  }
}

/** Another may have made it meanwhile. */
function unlessThere(make) {
  try {
    make();
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
  }
}

/** Makes the directory, and each name on the way to it durable. */
function makeDir(dir) {
  const missing = [];
  attempt("make the directory", dir, () => {
    for (let at = dir; !fs.existsSync(at) && at !== dirname(at); at = dirname(at)) missing.push(at);
    // Node's `recursive` by itself goes round for ever where a system refuses by ENOENT, as /proc.
    for (const path of missing.toReversed()) unlessThere(() => fs.mkdirSync(path));
    fs.mkdirSync(dir, { recursive: true });
  });
  for (const made of missing) {
    attempt("sync the directory", dirname(made), () => syncDir(dirname(made)));
  }
}

function syncDir(dir) {
  // Windows flushes no directory; a file's name there is durable with the file.
  if (process.platform !== "win32") withOpen(dir, "r", (fd) => fs.fsyncSync(fd));
}

function attempt(action, path, act) {
  try {
    return act();
  } catch (error) {
    if (error instanceof EventfoldError) throw error;
    throw new StorageError(`cannot ${action} ${path}: ${error.message}`, {}, error);
  }
}
