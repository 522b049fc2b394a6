// A log's files in the OPFS for a reader, where browsers let several handles be open on one file:
// then it sees the bytes of now, as a reader of native files does.

import { ARCHIVE, LOG, fileToRead } from "./opfs-place.js";

/** Whether handles can be shared. A browser that ignores the mode would lock the writer out. */
export const SHARES = "mode" in (globalThis.FileSystemSyncAccessHandle?.prototype ?? {});

/** How handles are opened that others may open too; what it says is that nobody is kept away. */
export const SHARED = SHARES ? { mode: "readwrite-unsafe" } : undefined;

/**
 * @param {string} name
 * @param {string[]} others paths of the files beside the log and its archive
 * @returns {Promise<import("./opfs").OpfsSourceFiles>}
 */
export async function liveFiles(name, others) {
  /** @type {Map<string, FileSystemSyncAccessHandle>} */
  const handles = new Map();
  let lengths = "";
  let closed = false;
  let last = Promise.resolve();

  const open = async (path) => {
    if (handles.has(path) || closed) return;
    const file = await fileToRead(name, path);
    const handle = await file?.createSyncAccessHandle(SHARED);
    if (closed) handle?.close();
    else if (handle) handles.set(path, handle);
  };

  // One after the other: of two handles on one file, one would never be closed.
  const openAll = (paths) => {
    const opened = last.then(async () => {
      for (const path of paths) await open(path);
    });
    last = opened.catch(() => {});
    return opened;
  };

  const files = {
    len: (path) => handles.get(path)?.getSize() ?? 0,
    readAt: (path, offset, into) => handles.get(path)?.read(into, { at: offset }) ?? 0,

    async refresh(paths = []) {
      await openAll([...paths, LOG, ARCHIVE]);
      const before = lengths;
      lengths = [LOG, ARCHIVE].map(files.len).join();
      return before !== lengths;
    },

    // The log's readers see for themselves what a writer does meanwhile.
    stillCurrent: async () => true,

    close() {
      closed = true;
      for (const handle of handles.values()) handle.close();
      handles.clear();
    },
  };

  try {
    await files.refresh(others);
  } catch (error) {
    files.close();
    throw error;
  }
  return files;
}
