// What the log, and the tab that leads, do with the module's writer.

import { StorageError } from "./errors.js";
import { TextEncoder } from "./runtime.js";

const encoder = new TextEncoder();
/** @type {WebAssembly.Memory} the module's: a program has one */
let memory;

/** Appends lines, as the module's writer does it. */
export function append(glue, writer, text, synced) {
  memory ??= glue.moduleMemory();
  return writer.append(put(writer, text), synced);
}

/** Puts the lines where the module reads them, and answers how many bytes they take. */
function put(writer, text) {
  let length = 0;
  // Most text takes a byte or little more for each of its units, none takes more than three.
  for (let each = 1.1, rest = text; ; each = 3) {
    const room = length + Math.ceil(rest.length * each);
    const place = writer.room(room);
    const { read, written } = encoder.encodeInto(rest, new Uint8Array(memory.buffer, place + length, room - length));
    length += written;
    if (read === rest.length) return length;
    rest = rest.slice(read);
  }
}

/**
 * Rotates a full log. Of one that is not yet full a part is made ready, so that the append that
 * meets the rotation waits for little more than any other.
 */
export function makeRoom(writer, files, maxLogSize) {
  if (maxLogSize === Infinity) return;
  if (writer.logLen() >= maxLogSize) rotate(writer, files);
  else writer.prepareRotation();
}

/**
 * Moves the log's lines into the archive, after what the rotation makes wrong is removed: the
 * snapshots of 0.2.0.
 */
export function rotate(writer, files) {
  if (writer.logLen() > 0 && files.exclusive !== false) {
    for (const name of snapshotsIn(files)) writer.removeForeignSnapshot(name);
  }
  return writer.rotate();
}

/** The names of the views with a snapshot. */
function snapshotsIn(files) {
  try {
    const names = [...(files.snapshots?.() ?? [])];
    if (names.every((name) => typeof name === "string")) return names;
  } catch (error) {
    throw new StorageError(`cannot list the snapshots: ${error?.message ?? error}`, {}, error);
  }
  throw new StorageError("cannot list the snapshots: the host named one that is no text");
}
