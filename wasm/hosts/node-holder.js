// Who holds the lock of a file, as far as Linux tells.

import * as fs from "node:fs";

/**
 * The process that holds a flock on the file that is open as `fd`; `undefined` where it cannot be
 * known, as for one outside of our container or on another machine.
 *
 * `/proc/locks` names the process that took the lock, which for a lock that was taken by flock(1)
 * is over: so the one that has the locked file open is looked for.
 * @returns {{ pid: number, program?: string } | undefined}
 */
export function holderOf(fd) {
  if (process.platform !== "linux") return undefined;
  try {
    const file = fs.fstatSync(fd, { bigint: true });
    const taker = takers(file).find((pid) => hasLocked(pid, file) ?? exists(pid));
    const pid = taker ?? processes().find((pid) => hasLocked(pid, file));
    if (pid === undefined) return undefined;
    const program = programOf(pid);
    return program ? { pid, program } : { pid };
  } catch {
    // Deno may not be allowed to look.
    return undefined;
  }
}

/** The processes that `/proc/locks` names for the file. */
function takers({ dev, ino }) {
  const hex = (number) => number.toString(16).padStart(2, "0");
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn);
  const minor = (dev & 0xffn) | ((dev >> 12n) & 0xffffff00n);
  const file = `${hex(major)}:${hex(minor)}:${ino}`;
  // "1: FLOCK  ADVISORY  WRITE 2001 08:01:7864554 0 EOF"
  return fs
    .readFileSync("/proc/locks", "utf8")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([, kind, , , , locked]) => kind === "FLOCK" && locked === file)
    .map(([, , , , pid]) => Number(pid))
    .filter((pid) => pid > 0);
}

function processes() {
  const names = fs.readdirSync("/proc").map(Number);
  return names.filter((pid) => pid > 0);
}

function exists(pid) {
  return fs.existsSync(`/proc/${pid}`);
}

/** Whether the process has the file open with a flock on it; `undefined` if we may not know. */
function hasLocked(pid, file) {
  let names;
  try {
    names = fs.readdirSync(`/proc/${pid}/fd`);
  } catch (error) {
    // One that is gone holds nothing.
    return error.code === "ENOENT" ? false : undefined;
  }
  return names.some((name) => {
    try {
      const there = fs.statSync(`/proc/${pid}/fd/${name}`, { bigint: true });
      if (there.ino !== file.ino || there.dev !== file.dev) return false;
      return /^lock:.*\bFLOCK\b/m.test(fs.readFileSync(`/proc/${pid}/fdinfo/${name}`, "utf8"));
    } catch {
      // Closed in the meantime.
      return false;
    }
  });
}

/** As `ps -o comm` prints it, safe to print on one line. */
function programOf(pid) {
  try {
    const name = fs.readFileSync(`/proc/${pid}/comm`, "utf8").trim();
    return name.replace(/\p{Cc}/gu, "\u{fffd}") || undefined;
  } catch {
    return undefined;
  }
}
