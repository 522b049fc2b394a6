// Events as they are read: a line that is taken apart when somebody asks.

import { CorruptError } from "./errors.js";
import { TextDecoder } from "./runtime.js";

/** Instead of a type's number: the line has to be parsed. As in `src/scan.rs`. */
const NO_TYPE = 0xffffffff;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Decoding a batch at once is the fastest way in browsers, a line at a time on the others.
 */
const DECODES_BATCHES = typeof globalThis.document === "object" || typeof globalThis.importScripts === "function";

/** Whole lines, as a scan hands them out. */
export class Batch {
  #findFlaws;
  /** @type {Map<number, string> | undefined} found when a line is first parsed */
  #flaws;

  /**
   * @param {Uint8Array} bytes the lines, each with its newline
   * @param {Float64Array} places for each line its position and the next line's
   * @param {Uint32Array} spans for each line its start and end in `bytes`, and its type's number
   * @param {string[]} types the types by number
   * @param {() => Map<number, string>} findFlaws what the module's `flaws` says of the lines
   */
  constructor(bytes, places, spans, types, findFlaws) {
    this.bytes = bytes;
    this.places = places;
    this.spans = spans;
    this.types = types;
    this.length = spans.length / 3;
    this.#findFlaws = findFlaws;
    /** @type {string[] | undefined} none where they are decoded one by one */
    this.lines = DECODES_BATCHES ? undefined : [];
  }

  /** @param {number} index */
  event(index) {
    return new LogEvent(this, index);
  }

  /**
   * Why the line is no event, other than that it is no JSON.
   * @param {number} index
   */
  flaw(index) {
    this.#flaws ??= this.#findFlaws();
    return this.#flaws.get(index);
  }

  /** @param {number} index */
  text(index) {
    this.lines ??= decoded(this.bytes);
    return (
      this.lines[index] ??
      decoder.decode(this.bytes.subarray(this.spans[3 * index], this.spans[3 * index + 1]))
    );
  }
}

/** All lines at once, or none: one that is not UTF-8 must not take the others with it. */
function decoded(bytes) {
  try {
    return decoder.decode(bytes).split("\n");
  } catch {
    return [];
  }
}

/** An event where it stands in the log. */
export class LogEvent {
  #batch;
  #index;
  #fields;

  constructor(batch, index) {
    this.#batch = batch;
    this.#index = index;
  }

  /** Where its line starts in the whole history, in bytes. */
  get position() {
    return this.#batch.places[2 * this.#index];
  }

  /** Where the next line starts: what to read from to go on after this event. */
  get nextPosition() {
    return this.#batch.places[2 * this.#index + 1];
  }

  get type() {
    const number = this.#batch.spans[3 * this.#index + 2];
    return number === NO_TYPE ? this.#parsed.type : this.#batch.types[number];
  }

  get data() {
    return this.#parsed.data;
  }

  get ts() {
    return this.#parsed.ts;
  }

  get id() {
    return this.#parsed.id;
  }

  get actor() {
    return this.#parsed.actor;
  }

  get meta() {
    return this.#parsed.meta;
  }

  /** What was appended. */
  toJSON() {
    return this.#parsed;
  }

  get #parsed() {
    return (this.#fields ??= parse(this.#batch, this.#index, this));
  }

  [Symbol.for("nodejs.util.inspect.custom")](_depth, options, inspect) {
    const { position } = this;
    let fields;
    try {
      fields = this.#parsed;
    } catch (error) {
      fields = { error };
    }
    return inspect({ position, ...fields }, options);
  }
}

function parse(batch, index, place) {
  const flaw = batch.flaw(index);
  if (flaw) throw corrupt(place, flaw);
  let event;
  try {
    event = JSON.parse(batch.text(index));
  } catch (error) {
    throw corrupt(place, error.message, error);
  }
  if (event.id === null) delete event.id;
  if (event.actor === null) delete event.actor;
  return event;
}

function corrupt({ position, nextPosition }, reason, cause) {
  const fields = { position, nextPosition };
  return new CorruptError(`corrupt at position ${position}: ${reason}`, fields, cause);
}
