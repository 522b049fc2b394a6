// What the log, and the tab that leads, do with the module's writer.

import { StorageError } from "./errors.js";
import { reasonOf } from "./given.js";
import { free } from "./module.js";
import { TextEncoder } from "./runtime.js";

const NEWLINE = 10;

const encoder = new TextEncoder();
/** @type {WebAssembly.Memory} the module's: a program has one */
let memory;

/**
 * Appends lines, as the module's writer does it.
 *
 * @param {string[]} lines each without its newline; or several in one text, with newlines between
 * @returns {Appended[]}
 */
export function append(glue, writer, lines, synced) {
  memory ??= glue.moduleMemory();
  const told = writer.append(put(writer, lines), synced);
  const appended = [];
  // Three numbers for each line, and one more where the last one ends.
  for (let index = 0; 3 * index < told.length - 1; index += 1) appended.push(new Appended(told, index));
  return appended;
}

/** Where an appended event stands. */
class Appended {
  #told;
  #index;

  constructor(told, index) {
    this.position = told[index];
    this.nextPosition = told[index + 1];
    this.#told = told;
    this.#index = index;
  }

  /** The hash of its line: 16 hex digits. */
  get hash() {
    // Two numbers each, behind the positions.
    const at = (this.#told.length + 2) / 3 + 2 * this.#index;
    return hex(this.#told[at]) + hex(this.#told[at + 1]);
  }

  toJSON() {
    const { position, nextPosition, hash } = this;
    return { position, nextPosition, hash };
  }
}

const hex = (number) => number.toString(16).padStart(8, "0");

/** Puts the lines where the module reads them, and answers how many bytes they take. */
function put(writer, lines) {
  let units = lines.length;
  for (const line of lines) units += line.length;
  // Most text takes a byte or little more for each of its units, none takes more than three.
  let bytes = roomOf(writer, Math.ceil(1.1 * units));
  let length = 0;
  for (const line of lines) {
    let read = 0;
    for (;;) {
      const done = encoder.encodeInto(read === 0 ? line : line.slice(read), bytes.subarray(length));
      read += done.read;
      length += done.written;
      if (read === line.length && length < bytes.length) break;
      bytes = roomOf(writer, length + 3 * (units - read));
    }
    bytes[length++] = NEWLINE;
    units -= line.length + 1;
  }
  return length;
}

/** So many bytes of the module's memory, beginning with what was put there before. */
function roomOf(writer, length) {
  // First, since memory that grows has another buffer.
  const place = writer.room(length);
  return new Uint8Array(memory.buffer, place, length);
}

/**
 * Rotates a full log for these lines, unless they are refused. Of one that is not yet full a part is
 * made ready, so that the append that meets the rotation waits for little more than any other.
 */
export function makeRoom(glue, writer, files, maxLogSize, lines) {
  if (maxLogSize === Infinity) return;
  if (writer.logLen() < maxLogSize) return writer.prepareRotation(maxLogSize);
  const trial = new glue.RawWriter(NOWHERE, false);
  try {
    append(glue, trial, lines, false);
  } finally {
    free(trial);
  }
  rotate(writer, files);
}

/** Files that take everything and keep nothing. */
const NOWHERE = { len: () => 0, readAt: () => 0, append() {} };

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
    throw new StorageError(`cannot list the snapshots: ${reasonOf(error)}`, {}, error);
  }
  throw new StorageError("cannot list the snapshots: the host named one that is no text");
}
