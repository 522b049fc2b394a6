// A log's files in the OPFS for a reader, in the best way that there is.

import { SHARES, liveFiles } from "./opfs-live.js";
import { TORN, snapshotOf } from "./opfs-place.js";
import { takenFiles } from "./opfs-taken.js";

/**
 * @param {string} name
 * @param {string[]} views whose snapshots are read
 * @param {{ hold?: boolean }} [options] see `takenFiles`
 */
export async function filesToRead(name, views, options) {
  const others = [TORN, ...views.map(snapshotOf)];
  if (!SHARES) return takenFiles(name, others, options);
  try {
    return await liveFiles(name, others);
  } catch (error) {
    if (error.name !== "NoModificationAllowedError") throw error;
    // Something that shares its handles with nobody has a file open.
    return takenFiles(name, others, options);
  }
}
