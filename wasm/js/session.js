// What a log and its readers hold open, and who may use it when.

import { ClosedError, EventfoldError, ReentrantError, StorageError } from "./errors.js";
import { reasonOf } from "./given.js";
import { call } from "./module.js";
import { OpenScans } from "./scan.js";
import { Wakes } from "./wakes.js";

export class Session {
  #busy = false;
  #wakes = new Wakes();
  #tails = 0;
  #unwatch;
  #letGo;

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
    this.scans = new OpenScans();
  }

  /** One use at a time: a host or a reducer that comes back in the middle of one is refused. */
  check() {
    if (this.closed) throw new ClosedError(`${this.name} is closed: open it again`);
    if (this.#busy) {
      throw new ReentrantError(
        `${this.name} is used by its host or a reducer in the middle of a call: do it after that`,
      );
    }
  }

  /** Does what nothing else may come in the middle of. */
  hold(work, argument) {
    this.check();
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
    this.#wakes.wake();
  }

  /**
   * Has the host tell of changes as long as there are tails, since a watch keeps the program from
   * ending; answers what a tail calls that ends.
   */
  watch() {
    try {
      if (!this.closed) this.#unwatch ??= this.files.watch?.(() => this.notify());
    } catch (error) {
      throw this.#refused("cannot be watched", error);
    }
    this.#tails += 1;
    return () => {
      this.#tails -= 1;
      if (this.#tails === 0) this.#endWatch();
    };
  }

  #endWatch() {
    const unwatch = this.#unwatch;
    this.#unwatch = undefined;
    try {
      unwatch?.();
    } catch (error) {
      throw this.#refused("is watched still", error);
    }
  }

  /** Resolves when there may be more to read: at the latest after a second. */
  async changed(signal) {
    const more = this.#wakes.next(signal);
    await more.promise;
    more.forget();
    if (!this.closed) await this.refresh();
  }

  /** Goes to the log as it is now. */
  async refresh() {
    try {
      await this.#asked("cannot be read as it is now", () => this.files.refresh?.());
    } catch (error) {
      // Who closed it in the meantime reads no more.
      if (!this.closed) throw error;
    }
  }

  /** Closing again waits for the same. */
  async close() {
    if (!this.closed) {
      this.check();
      this.closed = true;
      this.scans.free();
      this.notify();
      this.#letGo = this.#letHostGo();
    }
    await this.#letGo;
  }

  async #letHostGo() {
    try {
      this.#endWatch();
    } finally {
      await this.#asked("is closed, but its host failed to let it go", () => this.files.close());
    }
  }

  async #asked(what, work) {
    try {
      return await work();
    } catch (error) {
      throw this.#refused(what, error);
    }
  }

  /** What the host refuses with is an error of the package. */
  #refused(what, error) {
    if (error instanceof EventfoldError) return error;
    return new StorageError(`${this.name} ${what}: ${reasonOf(error)}`, {}, error);
  }
}
