// The writer's lock, the same that native/src/lock.rs takes: flock(2) on the log and, since that
// file may be replaced, on its directory. It belongs to the open file, so the system frees it when
// that is closed, however the process ended.

import { spawnSync } from "node:child_process";
import * as fs from "node:fs";

import { LockedError, UnsupportedError } from "../js/errors.js";
import { holderOf } from "./node-holder.js";

/** How often a log that is replaced under our hands is opened again. */
const ATTEMPTS = 16;

/** Where flock(1) and perl, which run as a process of their own, lock our open file. */
const PLATFORMS = ["linux", "darwin", "freebsd", "openbsd", "netbsd"];

/**
 * Opens the log at `path` in `dir` for reading and appending, creates it if missing, and locks it
 * without waiting. Afterwards `path` names the file that is returned.
 * @returns {{ fd: number, unlock: () => void }}
 */
export function lockLog(dir, path) {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const outer = openLocked(dir, "r", path);
    let inner;
    try {
      inner = outer && openLocked(path, "a+", path);
    } finally {
      if (!inner) outer?.close();
    }
    if (inner) return { fd: inner.fd, unlock: () => (inner.unlock(), outer.close()) };
  }
  throw new Error(
    `it was replaced or removed each of the ${ATTEMPTS} times it was opened; ` +
      "stop what keeps replacing it",
  );
}

/** Whether `path` names the open file; not, if it names nothing. */
function isAt(fd, path) {
  const there = fs.statSync(path, { bigint: true, throwIfNoEntry: false });
  return there !== undefined && isSame(fs.fstatSync(fd, { bigint: true }), there);
}

/**
 * Asks again and again whether `path` names the open file: with one call, since what an open file
 * is does not change. Only where its numbers are not exact as such, or say no, is all asked anew.
 */
export function placeOf(fd, path) {
  const { dev, ino } = fs.fstatSync(fd);
  const exact = Number.isSafeInteger(ino) && Number.isSafeInteger(dev);
  return {
    holds() {
      const there = exact && fs.statSync(path, { throwIfNoEntry: false });
      return (there?.ino === ino && there.dev === dev) || isAt(fd, path);
    },
  };
}

/**
 * Opens and locks what is at `path`; `undefined` when something else took its place meanwhile.
 * @param {"r" | "a+"} flags the first for the directory, the second for the log
 * @param {string} log what a contention is said to be about
 */
function openLocked(path, flags, log) {
  const fd = fs.openSync(path, flags);
  let unlock;
  const close = () => {
    unlock?.();
    fs.closeSync(fd);
  };
  try {
    // A pipe would be waited for, a device read without end.
    if (flags !== "r" && !fs.fstatSync(fd).isFile()) throw new Error("it is not a regular file");
    unlock = flags === "r" ? lockWherePossible(fd, path) : tryLock(fd, path, flags);
    // Asked after the lock, whatever its outcome: who holds a file that has left the path says
    // nothing about the file that is there now.
    if (isAt(fd, path)) {
      if (unlock) return { fd, unlock, close };
      throw lockedError(fd, log);
    }
  } catch (error) {
    close();
    throw error;
  }
  close();
}

function lockWherePossible(fd, path) {
  try {
    return tryLock(fd, path, "r");
  } catch (error) {
    if (error instanceof UnsupportedError) throw error;
    // Some network file systems lock no directory; the file's lock decides alone there.
    return () => {};
  }
}

function lockedError(fd, path) {
  const holder = holderOf(fd);
  const by = holder && (holder.program ? `${holder.program}, pid ${holder.pid}` : `pid ${holder.pid}`);
  return new LockedError(
    `another writer holds the lock on ${path}${by ? ` (held by ${by})` : ""}; ` +
      "close it, or open the log for reading, which needs no lock",
    { path, ...holder },
  );
}

const isSame = (a, b) => a.dev === b.dev && a.ino === b.ino;

/**
 * Takes the exclusive lock on the open file `fd`, which was opened at `path`.
 * @returns {(() => void) | undefined} what unlocks it; `undefined` when another open file has it
 */
function tryLock(fd, path, flags) {
  return globalThis.Deno?.FsFile ? tryLockByDeno(fd, path, flags) : tryLockByProgram(fd);
}

/** Locks a second open file beside ours: Deno locks none that it knows by its number. */
function tryLockByDeno(fd, path, flags) {
  const file = Deno.openSync(path, { read: true, write: flags !== "r" });
  let locked = false;
  try {
    // Not when another file has come between the two; the caller finds that out by itself.
    locked = isSame(fs.fstatSync(fd), file.statSync()) && file.tryLockSync(true);
  } finally {
    if (!locked) file.close();
  }
  if (!locked) return undefined;
  return () => {
    try {
      file.unlockSync();
    } finally {
      file.close();
    }
  };
}

const PERL =
  'open(my $file, "<&=", 3) or die "$!\\n"; exit 0 if flock($file, $ARGV[0]); ' +
  'exit 1 if $!{EWOULDBLOCK}; die "$!\\n"';

/** Programs that lock a file which they are given open. It stays locked when they have ended. */
const PROGRAMS = [
  { name: "flock", lock: ["-xn", "3"], unlock: ["-u", "3"] },
  // LOCK_EX | LOCK_NB, and LOCK_UN.
  { name: "perl", lock: ["-e", PERL, "6"], unlock: ["-e", PERL, "8"] },
];

function tryLockByProgram(fd) {
  const run = (name, args) =>
    spawnSync(name, args, { stdio: ["ignore", "ignore", "pipe", fd], encoding: "utf8" });

  for (const { name, lock, unlock } of PLATFORMS.includes(process.platform) ? PROGRAMS : []) {
    const { error, status, signal, stderr } = run(name, lock);
    if (error?.code === "ENOENT") continue;
    if (error) throw error;
    // The close that follows unlocks too, but not while another thread starts a process: that one
    // has our files until it runs its own program.
    if (status === 0) return () => void run(name, unlock);
    // Both end with 1 when the lock is held, and say something when it is anything else.
    if (status === 1 && stderr === "") return undefined;
    throw new Error(`${name} ended with ${signal ?? status}: ${stderr.trim()}`);
  }
  throw new UnsupportedError(
    "no lock can be taken here: Node and Bun need flock(1) of util-linux, or perl, on Linux, " +
      'macOS or BSD. Install one of them, or pass lock: "none" if nobody else may need the log ' +
      "repaired or rotated",
  );
}
