// What a log and its readers hold open, and who may use it when.

import { BadPositionError, ClosedError, ReentrantError } from "./errors.js";
import { Batch } from "./event.js";
import { call } from "./module.js";

/** About how many bytes of lines are handed out at once. */
const BATCH_LEN = 256 << 10;

/** A tail looks again this often, in milliseconds, whatever it is told. */
const RECHECK = 1000;

export class Session {
  #busy = false;
  #wakes = new Set();
  #unwatch;

  /**
   * @param {typeof import("../module/eventfold.js")} glue
   * @param {import("../hosts/host.js").Files} files
   * @param {string} name
   */
  constructor(glue, files, name) {
    this.glue = glue;
    this.files = files;
    this.name = name;
    this.closed = false;
  }

  /** One use at a time: a host or a reducer that comes back in the middle of one is refused. */
  hold(work, argument) {
    if (this.closed) throw new ClosedError(`${this.name} is closed: open it again`);
    if (this.#busy) {
      throw new ReentrantError(
        `${this.name} is used by its host or a reducer in the middle of a call: do it after that`,
      );
    }
    this.#busy = true;
    try {
      return work(argument);
    } finally {
      this.#busy = false;
    }
  }

  /** One call into the module. */
  run(work) {
    return this.hold(call, work);
  }

  /** Tells the tails that there may be more to read. */
  notify() {
    for (const wake of this.#wakes) wake();
  }

  /** Resolves when there may be more to read: at the latest after a second. */
  async changed(signal) {
    this.#unwatch ??= this.files.watch?.(() => this.notify()) ?? (() => {});
    let wake;
    let timer;
    await new Promise((resolve) => {
      wake = resolve;
      timer = setTimeout(resolve, RECHECK);
      this.#wakes.add(resolve);
      signal?.addEventListener("abort", resolve, { once: true });
    });
    clearTimeout(timer);
    this.#wakes.delete(wake);
    signal?.removeEventListener("abort", wake);
    if (!this.closed) await this.files.refresh?.();
  }

  async close() {
    if (this.closed) return;
    this.closed = true;
    this.#unwatch?.();
    this.notify();
    await this.files.close();
  }
}

/** Reads forward, a batch at a time. */
export class Scan {
  #raw;
  #types = [];

  /**
   * @param {Session} session
   * @param {number} position
   */
  constructor(session, position) {
    if (!Number.isSafeInteger(position) || position < 0) {
      throw new BadPositionError(
        `${String(position)} is not a position: it takes a whole number from 0 on, below 2^53`,
      );
    }
    this.#raw = call(() => new session.glue.RawScan(session.files, position));
  }

  /** The next lines, or `undefined` when there are none yet. For who holds the session. */
  next() {
    const raw = this.#raw;
    try {
      return call(() => {
        if (raw.next(BATCH_LEN) === 0) return undefined;
        this.#types.push(...raw.newTypes());
        return new Batch(raw.bytes(), raw.places(), raw.spans(), this.#types);
      });
    } catch (error) {
      if (error.code === "corrupt") error.nextPosition = raw.position();
      throw error;
    }
  }

  /** Hash of the last line handed out. */
  get hash() {
    return this.#raw.hash();
  }

  free() {
    this.#raw.free();
  }
}
