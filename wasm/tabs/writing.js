// The log as the tab that leads writes it: requests of any tab, in their order.

import { UnsupportedError } from "../js/errors.js";
import { call, free } from "../js/module.js";
import { append, makeRoom, rotate } from "../js/writer.js";

/** After these the writer refuses to go on until the log is opened again. */
const ENDS = new Set(["poisoned", "durability-unknown", "panic"]);

export class Writing {
  #glue;
  #files;
  #writer;
  #maxLogSize;
  #views;

  /** @returns {Promise<Writing>} when the host gave its files to this writer */
  static async open(glue, host, options) {
    let onLost;
    const lost = new Promise((resolve) => (onLost = resolve));
    const files = await host.open("write", { views: options.views, onLost });
    try {
      return new this(glue, files, call(() => new glue.RawWriter(files, true)), options, lost);
    } catch (error) {
      await files.close();
      throw error;
    }
  }

  constructor(glue, files, writer, { views, maxLogSize }, lost) {
    this.#glue = glue;
    this.#files = files;
    this.#writer = writer;
    this.#maxLogSize = maxLogSize;
    this.#views = new Set([...views, ...(files.snapshots?.() ?? [])]);
    /** Where the log ends. */
    this.position = writer.end();
    /** Resolves to why, when the lock or the files are lost. */
    this.lost = lost;
    /** The code of the error after which this has to be opened again. */
    this.ended = undefined;
  }

  /** Does what a tab asks for; durable only after `sync`. */
  apply({ op, ...request }) {
    const work = {
      append: () => this.#append(request),
      rotate: () => this.#rotate(),
      save: () => this.#save(request),
      end: () => ({ position: this.#writer.end(), hash: this.#writer.lastHash() }),
    }[op];
    if (!work) throw new TypeError(`a tab of another version asks for ${op}`);
    return this.#tried(work);
  }

  sync() {
    this.#tried(() => this.#writer.sync());
  }

  async close() {
    free(this.#writer);
    await this.#files.close();
  }

  #tried(work) {
    try {
      return call(work);
    } catch (error) {
      if (ENDS.has(error.code)) this.ended ??= error.code;
      throw error;
    }
  }

  #append({ lines, expected }) {
    const writer = this.#writer;
    if (expected) writer.checkEnd(expected.position, expected.hash);
    makeRoom(this.#glue, writer, this.#files, this.#maxLogSize, [lines]);
    const appended = append(this.#glue, writer, [lines], false);
    this.position = writer.end();
    return appended.map((event) => event.toJSON());
  }

  #rotate() {
    const [bytes, archived] = rotate(this.#writer, this.#files);
    return { bytes, archived };
  }

  #save({ view, state, position, hash, version }) {
    if (!this.#views.has(view)) {
      throw new UnsupportedError(
        `the view ${JSON.stringify(view)} is not saved: the tab that leads was opened without it, so ` +
          "reload that tab",
      );
    }
    // A tab that closes may be behind: what others saved since is not to be folded again.
    const saved = this.#glue.loadSnapshot(this.#files, view, version);
    if (saved?.[1] > position) return;
    this.#writer.save(view, state, position, hash, version);
  }
}
