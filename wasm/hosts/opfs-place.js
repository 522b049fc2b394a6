// Where a log lives in the origin private file system (OPFS): `eventfold/<name>/`, with the same
// files in it as in a directory of a native log.

import { BadArgumentError, EventfoldError, StorageError, UnsupportedError } from "../js/errors.js";
import { checkWhole, describe, reasonOf } from "../js/given.js";

export const LOG = "app.jsonl";
export const ARCHIVE = "archive.jsonl.zst";
export const TORN = "torn.bin";
/** A snapshot on its way into its own file; see opfs-files.js. */
export const SPARE = "snapshot.new";
/** There while an import is under way: what lies beside it is not yet a log. */
export const IMPORTING = "import.unfinished";

const VIEW = /^views\/([^/\\]+)\.snapshot\.json$/;

export const snapshotOf = (view) => `views/${view}.snapshot.json`;

/** The name of the view whose snapshot this is, if it is one. */
export const viewOf = (path) => VIEW.exec(path)?.[1];

/** Whether a log has a file of this path, and it may be carried elsewhere. */
export const isLogFile = (path) => [LOG, ARCHIVE, TORN].includes(path) || VIEW.test(path);

/** The Web Lock that the writer holds. */
export const lockOf = (name) => `eventfold:${name}`;

/** What gives it. */
export function locksFor(name) {
  const { locks } = globalThis.navigator ?? {};
  if (locks) return locks;
  throw new UnsupportedError(
    `${name} cannot be kept from a second writer: this browser has no Web Locks, or the page ` +
      "is not from https or localhost",
  );
}

export function checkName(name) {
  if (typeof name === "string" && /^[^./\\\p{Cc}][^/\\\p{Cc}]{0,99}$/u.test(name)) return checkWhole(name);
  throw new BadArgumentError(
    `${describe(name)} is no name for a log: it takes 1 to 100 characters, the first of ` +
      "them no dot, and none of them a slash, a backslash or a control character",
  );
}

/** Does what asks the browser for files of a log: what it refuses with becomes a `StorageError`. */
export async function attempt(action, name, act) {
  try {
    return await act();
  } catch (error) {
    if (error instanceof EventfoldError) throw error;
    throw new StorageError(`cannot ${action} ${name}: ${reasonOf(error)}`, {}, error);
  }
}

const isMissing = (error) => error?.name === "NotFoundError";

/**
 * The log's directory; without `create`, `undefined` when there is none.
 *
 * @param {string} name
 * @param {boolean} create
 * @returns {Promise<FileSystemDirectoryHandle | undefined>}
 */
export async function directoryOf(name, create) {
  let root;
  try {
    root = await globalThis.navigator?.storage?.getDirectory?.();
  } catch (cause) {
    throw new UnsupportedError(
      `this browser refuses its private file system (OPFS) here, so ${name} would not be kept: ` +
        "leave private browsing, or allow this site to store data",
      {},
      cause,
    );
  }
  if (!root) {
    throw new UnsupportedError(
      `there is no private file system (OPFS) here, so ${name} would not be kept: it takes a ` +
        "current browser and a page from https or localhost",
    );
  }
  return attempt("open the directory of", name, async () => {
    try {
      const logs = await root.getDirectoryHandle("eventfold", { create });
      return await logs.getDirectoryHandle(name, { create });
    } catch (error) {
      if (!create && isMissing(error)) return undefined;
      throw error;
    }
  });
}

/**
 * The file's handle; without `create`, `undefined` when there is none.
 *
 * @param {FileSystemDirectoryHandle} directory
 * @param {string} path
 * @param {boolean} create
 * @returns {Promise<FileSystemFileHandle | undefined>}
 */
export async function fileOf(directory, path, create) {
  const parts = path.split("/");
  try {
    let folder = directory;
    for (const part of parts.slice(0, -1)) {
      folder = await folder.getDirectoryHandle(part, { create });
    }
    return await folder.getFileHandle(parts.at(-1), { create });
  } catch (error) {
    if (!create && isMissing(error)) return undefined;
    throw error;
  }
}

/**
 * The file's handle for a reader, `undefined` when there is none, or only what an import has written
 * so far: that is no log yet, and an open handle would keep the import from ending.
 */
export async function fileToRead(name, path) {
  const directory = await directoryOf(name, false);
  const file = directory && (await fileOf(directory, path, false));
  // Asked last: a file that was there before the import began is not of the import.
  return file && !(await fileOf(directory, IMPORTING, false)) ? file : undefined;
}

/** As `directoryOf`, for what opens a log: refuses what an import has not yet made one. */
export async function directoryToOpen(name, create) {
  const directory = await directoryOf(name, create);
  if (!directory || !(await fileOf(directory, IMPORTING, false))) return directory;
  throw new StorageError(`an import into ${name} has not ended: wait for it, or import again`, {
    file: IMPORTING,
  });
}

/** The paths of the snapshots that there are. */
export async function snapshotsIn(directory) {
  const paths = [];
  try {
    const folder = await directory.getDirectoryHandle("views");
    for await (const [name, { kind }] of folder.entries()) {
      const path = `views/${name}`;
      if (kind === "file" && VIEW.test(path)) paths.push(path);
    }
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  return paths.sort();
}

const PIECE = 1 << 20;
// So often a file that does not change is tried again.
const LOOKS = 10;

/**
 * The first `length` bytes of a file that may be appended to meanwhile; fewer if it was cut.
 *
 * @param {() => Promise<File | undefined>} take gives the file as it is now: Chromium reads no
 *   `File` that was taken before the file changed
 * @param {number} length
 */
export async function bytesOf(take, length) {
  const bytes = new Uint8Array(length);
  let [at, size, unchanged] = [0, 0, 0];
  while (at < length) {
    const end = Math.min(at + PIECE, length);
    const file = await take();
    if (!file || file.size < end) return bytes.subarray(0, at);
    unchanged = file.size === size ? unchanged + 1 : 0;
    size = file.size;
    try {
      const piece = new Uint8Array(await file.slice(at, end).arrayBuffer());
      // Firefox gives the bytes of now, which are fewer in a file that was cut since it was taken.
      if (piece.length < end - at) throw new Error("the file became shorter while it was read");
      bytes.set(piece, at);
      [at, unchanged] = [end, 0];
    } catch (error) {
      if (unchanged > LOOKS) throw error;
    }
  }
  return bytes;
}
