// A log's files in the OPFS for a reader, where the writer's handles keep others away: as `File`
// objects, which say how long each file was when they were taken. What is then read out of one is
// not bound to that moment: Firefox gives the bytes of now, Chromium throws once the file has
// changed. So it has to be seen afterwards whether the log was rotated in between.

import { ARCHIVE, LOG, bytesOf, fileToRead } from "./opfs-place.js";

/**
 * @param {string} name
 * @param {string[]} others paths of the files beside the log and its archive
 * @param {{ hold?: boolean }} [options] `hold` keeps the bytes of all files but the archive of each
 *   `refresh` in memory, so that a reader that cannot ask `stillCurrent` reads nothing else
 * @returns {Promise<import("./opfs").OpfsSourceFiles>}
 */
export async function takenFiles(name, others, { hold = false } = {}) {
  /** @type {Map<string, FileSystemFileHandle>} */
  const handles = new Map();
  /** @type {Map<string, File>} */
  const taken = new Map();
  /** @type {Map<string, Uint8Array>} */
  const held = new Map();
  const reader = new FileReaderSync();
  let last = Promise.resolve();

  /** The file as it is now, `undefined` when there is none. */
  const take = async (path) => {
    try {
      let handle = handles.get(path);
      if (!handle) {
        handle = await fileToRead(name, path);
        if (!handle) return undefined;
        handles.set(path, handle);
      }
      return await handle.getFile();
    } catch (error) {
      if (error.name !== "NotFoundError") throw error;
      handles.delete(path);
      return undefined;
    }
  };

  const lengthOf = (file) => file?.size ?? 0;

  const keep = (path, file) => {
    if (file) taken.set(path, file);
    else taken.delete(path);
  };

  /** Takes one of the others, which are replaced now and then: a `File` of before is no good then. */
  const takeAnew = async (path) => {
    const file = await take(path);
    keep(path, file);
    if (hold) held.set(path, await bytesOf(() => take(path), lengthOf(file)));
  };

  // The archive does not change between the two looks at it, so the log that was taken in
  // between is the one that follows it. What is taken before it knows of no later event.
  const takeAll = async (paths) => {
    const before = [ARCHIVE, LOG].map(files.len);
    for (const path of paths) await takeAnew(path);
    for (;;) {
      const archive = await take(ARCHIVE);
      const file = await take(LOG);
      const bytes = hold ? await bytesOf(() => take(LOG), lengthOf(file)) : undefined;
      if (bytes && bytes.length < lengthOf(file)) continue;
      if (lengthOf(await take(ARCHIVE)) !== lengthOf(archive)) continue;
      keep(ARCHIVE, archive);
      keep(LOG, file);
      if (bytes) held.set(LOG, bytes);
      return before[0] !== files.len(ARCHIVE) || before[1] !== files.len(LOG);
    }
  };

  const files = {
    len: (path) => held.get(path)?.length ?? lengthOf(taken.get(path)),

    readAt(path, offset, into) {
      const end = Math.min(files.len(path), offset + into.length);
      if (end <= offset) return 0;
      const bytes =
        held.get(path)?.subarray(offset, end) ??
        new Uint8Array(reader.readAsArrayBuffer(taken.get(path).slice(offset, end)));
      into.set(bytes);
      if (bytes.length < end - offset) throw new Error(`${path} became shorter while it was read`);
      return bytes.length;
    },

    // One after the other: what the slower of two took first would replace what the other took.
    refresh(paths = hold ? others : []) {
      const done = last.then(() => takeAll(paths));
      last = done.catch(() => {});
      return done;
    },

    // The log first: an archive that is as it was afterwards vouches for it.
    async stillCurrent() {
      const file = await take(LOG);
      if (lengthOf(file) < files.len(LOG)) return false;
      return lengthOf(await take(ARCHIVE)) === files.len(ARCHIVE);
    },

    close() {
      taken.clear();
      held.clear();
    },
  };

  await files.refresh(others);
  return files;
}
