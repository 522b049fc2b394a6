// A log's files in the OPFS for its writer, over synchronous access handles that were all opened
// beforehand: none can be opened in the middle of a synchronous call.

import { viewOf } from "./opfs-place.js";

/**
 * @param {Map<string, FileSystemSyncAccessHandle>} handles by path; each is open
 * @param {FileSystemSyncAccessHandle} spare for `replace`
 * @param {() => Promise<void>} release gives the lock back
 * @returns {import("./host").Files & { lose(reason: Error, removed?: boolean): void }}
 */
export function filesOver(handles, spare, release) {
  // Asking a handle for its size is slow in Firefox.
  const lengths = new Map();
  for (const [path, handle] of handles) lengths.set(path, handle.getSize());
  /** @type {Error | undefined} why nothing works any more */
  let lost;

  const handleOf = (path) => {
    if (lost) throw lost;
    const handle = handles.get(path);
    if (handle) return handle;
    throw new Error(
      `${path} was not opened with the log: the views that save snapshots are named at opening`,
    );
  };

  /** Sets the length by what `change` did, also when it failed. */
  const measured = (path, change) => {
    const handle = handleOf(path);
    try {
      lengths.set(path, change(handle, lengths.get(path)));
    } catch (error) {
      // Not a number, which nobody takes for a length, if even that fails.
      lengths.set(path, NaN);
      lengths.set(path, handle.getSize());
      throw error;
    }
  };

  const files = {
    len(path) {
      if (lost) throw lost;
      return lengths.get(path) ?? 0;
    },

    readAt(path, offset, into) {
      if (!handles.has(path)) return 0;
      return readAll(handleOf(path), offset, into);
    },

    append(path, data) {
      measured(path, (handle, length) => {
        writeAll(handle, data, length, path);
        return length + data.length;
      });
    },

    truncate(path, length) {
      measured(path, (handle) => {
        handle.truncate(length);
        return length;
      });
    },

    sync(path) {
      handleOf(path).flush();
    },

    // There is no renaming in a synchronous call. The new bytes are durable in the spare file
    // before the file itself is touched; what a crash leaves of that is settled by `settleSpare`.
    replace(path, data) {
      const handle = handleOf(path);
      const old = new Uint8Array(files.len(path));
      readAll(handle, 0, old);
      fillSpare(spare, path, data);
      try {
        measured(path, () => overwrite(handle, data, path));
      } catch (error) {
        measured(path, () => overwrite(handle, old, path));
        emptySpare(spare);
        throw error;
      }
      try {
        spare.truncate(0);
      } catch {
        // A spare that stays, or that a power cut brings back, holds what the file holds.
      }
    },

    snapshots: () => [...handles.keys()].flatMap((path) => viewOf(path) ?? []),

    // An open file cannot be removed; an empty one reads the same.
    remove(path) {
      if (lost) throw lost;
      if (!handles.has(path)) return;
      // Else what is in it could come back after a power cut.
      emptySpare(spare);
      files.truncate(path, 0);
      files.sync(path);
    },

    close() {
      files.lose(new Error("the files are closed"));
      return release();
    },

    // Of files that are removed Chromium never closes a handle: the end of the worker frees it.
    lose(reason, removed = false) {
      if (!lost && !removed) closeAll([...handles.values(), spare]);
      lost ??= reason;
    },
  };
  return files;
}

export function closeAll(handles) {
  for (const handle of handles) handle.close();
}

/** Finishes what a crash left of a `replace`: a whole copy in the spare file wins. */
export function settleSpare(handles, spare) {
  const bytes = new Uint8Array(spare.getSize());
  if (bytes.length === 0) return;
  readAll(spare, 0, bytes);
  const { path, data } = readSpare(bytes) ?? {};
  const handle = handles.get(path);
  if (handle) overwrite(handle, data, path);
  emptySpare(spare);
}

/** @returns {{ path: string, data: Uint8Array } | undefined} the copy in the spare file */
function readSpare(bytes) {
  const end = bytes.indexOf(10);
  try {
    const head = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end)));
    const data = bytes.subarray(end + 1);
    if (data.length === head.bytes && crc32(data) === head.crc32) return { path: head.file, data };
  } catch {
    // Torn: the file itself was not touched yet.
  }
  return undefined;
}

function fillSpare(spare, path, data) {
  const head = { file: path, bytes: data.length, crc32: crc32(data) };
  const line = new TextEncoder().encode(`${JSON.stringify(head)}\n`);
  try {
    spare.truncate(0);
    writeAll(spare, line, 0, path);
    writeAll(spare, data, line.length, path);
    spare.flush();
  } catch (error) {
    spare.truncate(0);
    throw error;
  }
}

function emptySpare(spare) {
  spare.truncate(0);
  spare.flush();
}

/** @returns {number} the file's new length */
function overwrite(handle, data, path) {
  // Cut last: the room that the old bytes had is there for them if the new ones do not fit.
  writeAll(handle, data, 0, path);
  handle.truncate(data.length);
  handle.flush();
  return data.length;
}

function readAll(handle, offset, into) {
  let done = 0;
  while (done < into.length) {
    const count = handle.read(into.subarray(done), { at: offset + done });
    if (count === 0) break;
    done += count;
  }
  return done;
}

function writeAll(handle, data, offset, path) {
  const written = handle.write(data, { at: offset });
  if (written === data.length) return;
  throw new Error(
    `${path} took ${written} of ${data.length} bytes: the disk, or the site's share of it, is full`,
  );
}

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

function crc32(bytes) {
  let crc = ~0;
  for (const byte of bytes) crc = (crc >>> 8) ^ table[(crc ^ byte) & 255];
  return ~crc >>> 0;
}
