import { BadArgumentError, UnsupportedError } from "./errors.js";
import { checkMaxLogSize, describe, endOf, optionsOf } from "./given.js";
import { lineOf, linesOf } from "./line.js";
import { call, free } from "./module.js";
import { EventReader, opened } from "./reader.js";
import { append, makeRoom, rotate } from "./writer.js";

export class EventLog extends EventReader {
  #writer;
  #maxLogSize;

  static async open(host, options) {
    const { maxLogSize = Infinity } = optionsOf(options);
    checkMaxLogSize(maxLogSize);
    const [session, views] = await opened(host, "write", options);
    try {
      const { glue, files } = session;
      if (files.exclusive === false && maxLogSize < Infinity) {
        throw new UnsupportedError(
          "cannot rotate at maxLogSize without the lock, since others may be writing: open it with the lock, or without maxLogSize",
        );
      }
      const writer = call(() => new glue.RawWriter(files, files.exclusive !== false));
      return new this(session, views, writer, maxLogSize);
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  constructor(session, views, writer, maxLogSize) {
    super(session, views);
    this.#writer = writer;
    this.#maxLogSize = maxLogSize;
    const [tornLogBytes, tornArchiveBytes, completedLine, rotation, adoptedBytes] = writer.recovery();
    this.recovery = {
      text: writer.recoveryText(),
      tornLogBytes,
      tornArchiveBytes,
      completedLine: completedLine === 1,
      rotation: [undefined, "finished", "undone", "kept"][rotation],
      adoptedBytes,
    };
  }

  append(event, options) {
    return this.#write([lineOf(event)], options)[0];
  }

  appendBatch(events, options) {
    return this.#write(linesOf(events), options);
  }

  appendIf(event, expected, options) {
    const end = endOf(expected);
    return this.#write([lineOf(event)], options, end)[0];
  }

  #write(lines, options, expected) {
    const { durability = "synced" } = optionsOf(options);
    if (durability !== "synced" && durability !== "buffered") {
      throw new BadArgumentError(`durability is "synced" or "buffered", not ${describe(durability)}`);
    }
    const appended = this._session.run(() => {
      const writer = this.#writer;
      const { glue, files } = this._session;
      if (expected) writer.checkEnd(expected.position, expected.hash);
      makeRoom(glue, writer, files, this.#maxLogSize, lines);
      return append(glue, writer, lines, durability === "synced");
    });
    this._session.notify();
    return appended;
  }

  end() {
    return this._session.run(() => ({
      position: this.#writer.end(),
      hash: this.#writer.lastHash(),
    }));
  }

  get logLength() {
    return this._session.run(() => this.#writer.logLen());
  }

  sync() {
    this._session.run(() => this.#writer.sync());
  }

  async durable() {
    this.sync();
    await this._session.files.durable?.();
  }

  rotate() {
    const [bytes, archived] = this._session.run(() => rotate(this.#writer, this._session.files));
    this._session.notify();
    return { bytes, archived };
  }

  save() {
    this.#saveAll((view) => view.state());
  }

  /** Saves each view that can be saved, and throws the first error of the others. */
  #saveAll(prepare) {
    const errors = [];
    for (const view of this._views) {
      try {
        prepare?.(view);
        view.save(this.#writer);
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }

  async close() {
    if (this._session.closed) return super.close();
    this._session.check();
    try {
      this.#saveAll();
    } finally {
      const closing = super.close();
      free(this.#writer);
      await closing;
    }
  }
}
