// Reading forward through the module, a batch of lines at a time.

import { Batch } from "./event.js";
import { checkPosition } from "./given.js";
import { call, free } from "./module.js";

/** About how many bytes of lines are handed out at once. */
const BATCH_LEN = 256 << 10;

/** How many scans of a log hold memory at a time. */
const MAX_OPEN = 8;

/**
 * The scans of a log that hold memory of the module, the one that was used last at the end.
 *
 * An iteration that a program left without ending it is freed when the garbage is collected, which
 * a loop without a turn of the event loop never lives to see. So the oldest has to make room.
 */
export class OpenScans {
  /** @type {Set<Scan>} */
  #scans = new Set();

  /** @param {Scan} scan */
  use(scan) {
    this.#scans.delete(scan);
    this.#scans.add(scan);
    const [oldest] = this.#scans;
    if (this.#scans.size > MAX_OPEN) oldest.free();
  }

  /** @param {Scan} scan */
  forget(scan) {
    this.#scans.delete(scan);
  }

  free() {
    for (const scan of this.#scans) scan.free();
  }
}

/** Reads forward. To be used by who holds the session. */
export class Scan {
  #session;
  #position;
  #after;
  #raw;
  #types;

  /**
   * @param {import("./session.js").Session} session
   * @param {number} position
   * @param {string} [after] hash of the line that is to be before it
   */
  constructor(session, position, after) {
    checkPosition(position);
    this.#session = session;
    this.#position = position;
    this.#after = after;
  }

  /** The next lines, or `undefined` when there are none yet. */
  next() {
    const raw = this.#open();
    const { glue } = this.#session;
    try {
      return call(() => {
        if (raw.next(BATCH_LEN, this.#after) === 0) return undefined;
        this.#after = undefined;
        this.#types.push(...raw.newTypes());
        const places = raw.places();
        // Not the module's, which may be behind damage that it has yet to tell.
        this.#position = places.at(-1);
        const [bytes, spans] = [raw.bytes(), raw.spans()];
        const findFlaws = () => call(() => glue.flaws(bytes, spans));
        return new Batch(bytes, places, spans, this.#types, findFlaws);
      });
    } catch (error) {
      if (error.code === "corrupt") this.#position = error.nextPosition = raw.position();
      throw error;
    }
  }

  /** Hash of the last line handed out. */
  get hash() {
    return call(() => this.#raw.hash());
  }

  /** Gives its memory back. Asked again, it goes on where it was. */
  free() {
    this.#session.scans.forget(this);
    free(this.#raw);
    this.#raw = undefined;
  }

  #open() {
    const { glue, files, scans } = this.#session;
    if (!this.#raw) {
      this.#raw = call(() => new glue.RawScan(files, this.#position));
      // The numbers of types start anew; batches of before keep theirs.
      this.#types = [];
    }
    scans.use(this);
    return this.#raw;
  }
}
