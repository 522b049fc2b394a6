// A log's directory into the OPFS and out of it again, byte for byte.

import { BadArgumentError, LockedError, StorageError } from "../js/errors.js";
import { describe } from "../js/given.js";
import {
  ARCHIVE,
  IMPORTING,
  LOG,
  SPARE,
  TORN,
  attempt,
  bytesOf,
  checkName,
  directoryOf,
  directoryToOpen,
  fileOf,
  isLogFile,
  lockOf,
  locksFor,
  snapshotsIn,
} from "./opfs-place.js";

/**
 * @param {string} name
 * @returns {Promise<Map<string, Uint8Array>>}
 */
export async function exportDirectory(name) {
  checkName(name);
  return attempt("export", name, async () => {
    const directory = await directoryToOpen(name, false);
    if (!directory) throw new StorageError(`there is no log ${name}`);
    for (;;) {
      const exported = await copyOf(directory);
      if (exported) return exported;
    }
  });
}

/** The files as they were at one moment; nothing if they changed in a way that matters. */
async function copyOf(directory) {
  const copy = new Map();
  const take = async (path) => (await fileOf(directory, path, false))?.getFile();
  const lengthOf = async (path) => (await take(path))?.size ?? 0;
  const read = async (path) => {
    const length = await lengthOf(path);
    const bytes = await bytesOf(() => take(path), length);
    // One that is empty reads like one that is not there; the log is always there.
    if (bytes.length > 0 || path === LOG) copy.set(path, bytes);
    return bytes.length < length ? -1 : length;
  };

  // What is read before the log knows of no later event.
  for (const path of await snapshotsIn(directory)) await read(path);
  const archive = await read(ARCHIVE);
  const log = await read(LOG);
  if (log < 0 || (await lengthOf(LOG)) < log) return undefined;
  if ((await lengthOf(ARCHIVE)) !== archive) return undefined;
  await read(TORN);
  return copy;
}

/**
 * @param {string} name
 * @param {FileSystemDirectoryHandle | Iterable<File | [string, BlobPart]>} from
 * @returns {Promise<string[]>}
 */
export async function importDirectory(name, from) {
  checkName(name);
  return attempt("import into", name, () => imported(name, from));
}

async function imported(name, from) {
  const entries = (await entriesOf(from)).filter(([path]) => isLogFile(path));
  if (!entries.some(([path]) => path === LOG || path === ARCHIVE)) {
    throw new BadArgumentError(`what is to be imported into ${name} holds no ${LOG}`);
  }
  for (const [path, bytes] of entries) {
    if (isContent(bytes)) continue;
    throw new BadArgumentError(
      `${path} is to be imported into ${name} from ${describe(bytes)}: it takes bytes, a Blob or text`,
    );
  }
  const paths = new Set(entries.map(([path]) => path));
  if (paths.size < entries.length) {
    throw new BadArgumentError(`what is to be imported into ${name} holds a file twice`);
  }
  // The log last: what is there before it is the beginning of the history, for whoever reads meanwhile.
  entries.sort(([one], [other]) => Number(one === LOG) - Number(other === LOG));
  return locksFor(name).request(lockOf(name), { ifAvailable: true }, async (lock) => {
    if (!lock) {
      throw new LockedError(`another tab or worker writes to ${name}: close it`, { path: name });
    }
    const directory = await directoryOf(name, true);
    try {
      await clear(directory, name);
      for (const [path, bytes] of entries) await write(directory, path, bytes);
    } catch (cause) {
      if (cause.name !== "NoModificationAllowedError") throw cause;
      const message = `a reader has a file of the log ${name} open: close it, and import again`;
      throw new LockedError(message, { path: name }, cause);
    }
    await directory.removeEntry(IMPORTING);
    return [...paths].sort();
  });
}

/** Leaves an empty directory that says that it is no log yet. */
async function clear(directory, name) {
  const unfinished = await fileOf(directory, IMPORTING, false);
  const old = [LOG, ARCHIVE, TORN, SPARE, ...(await snapshotsIn(directory))];
  for (const path of unfinished ? [] : old) {
    const file = await (await fileOf(directory, path, false))?.getFile();
    if (!file?.size) continue;
    throw new StorageError(`${name} holds a log already: import under another name`, {
      file: path,
    });
  }
  // Before it says so: a file that cannot be removed leaves the empty log as it was.
  for (const path of old) {
    const [file, ...folders] = path.split("/").reverse();
    const folder = folders.length ? await directory.getDirectoryHandle(folders[0]) : directory;
    try {
      await folder.removeEntry(file);
    } catch (error) {
      if (error.name !== "NotFoundError") throw error;
    }
  }
  await write(directory, IMPORTING, "");
}

async function write(directory, path, bytes) {
  const file = await fileOf(directory, path, true);
  const writable = await file.createWritable();
  try {
    await writable.write(bytes);
    await writable.close();
  } catch (error) {
    await writable.abort().catch(() => {});
    throw error;
  }
}

/** @returns {Promise<[path: string, bytes: BlobPart][]>} */
async function entriesOf(from) {
  if (typeof from?.getDirectoryHandle === "function") return filesIn(from, "");
  if (typeof from?.[Symbol.iterator] !== "function") throw noEntry(from);
  return [...from].map((entry) => {
    if (Array.isArray(entry)) return entry;
    if (typeof entry?.webkitRelativePath !== "string") throw noEntry(entry);
    // `webkitRelativePath` begins with the folder that was chosen.
    const [, ...rest] = entry.webkitRelativePath.split("/");
    return [rest.length ? rest.join("/") : entry.name, entry];
  });
}

/** The browser would take anything else for its text, or refuse it in the midst of the import. */
const isContent = (given) =>
  typeof given === "string" ||
  given instanceof Blob ||
  given instanceof ArrayBuffer ||
  ArrayBuffer.isView(given);

const noEntry = (given) =>
  new BadArgumentError(
    `${describe(given)} cannot be imported: it takes a directory's handle, the files of an input, or ` +
      "pairs of a path and bytes",
  );

async function filesIn(directory, prefix) {
  const entries = [];
  for await (const [name, handle] of directory.entries()) {
    if (handle.kind === "file") entries.push([prefix + name, await handle.getFile()]);
    else if (prefix === "" && name === "views") entries.push(...(await filesIn(handle, "views/")));
  }
  return entries;
}
