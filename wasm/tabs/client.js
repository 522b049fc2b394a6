// A log in a page: its worker reads, and the one tab whose worker holds the log's lock writes.

import { ClosedError, UnsupportedError } from "../js/errors.js";
import { checkCount, checkFunction, checkMaxLogSize, checkSignal, endOf, optionsOf } from "../js/given.js";
import { lineOf, linesOf } from "../js/line.js";
import { checkViews, noView } from "../js/view.js";
import { Wakes } from "../js/wakes.js";
import { attempt, checkName, directoryToOpen } from "../hosts/opfs-place.js";
import { Link } from "./link.js";
import { channelOf, errorOf } from "./messages.js";
import { Requests } from "./requests.js";
import { Stream } from "./stream.js";
import { TabView } from "./view.js";

export * from "../js/errors.js";

// In this form bundlers see that there is a worker to bundle.
const ownWorker = () => new Worker(new URL("./worker.js", import.meta.url), { type: "module" });

export class TabLog {
  #name;
  #link;
  #channel;
  #requests;
  #views = new Map();
  #onRole;
  #wakes = new Wakes();
  #listeners = new AbortController();
  /** @type {Error | undefined} why this tab could not lead when it was its turn */
  #unable;
  /** Settles when every `save` so far has. */
  #saved = Promise.resolve();
  #closing;

  static async open(name, options) {
    checkName(name);
    const { views = {}, maxLogSize = Infinity, worker = ownWorker, onRole = () => {} } = optionsOf(options);
    checkMaxLogSize(maxLogSize);
    checkFunction("worker", worker);
    checkFunction("onRole", onRole);
    checkViews(views);
    needPage(name);
    // Also throws where the log would not be kept.
    await attempt("open", name, () => directoryToOpen(name, false));
    const log = new this(name, { views, maxLogSize, worker, onRole });
    try {
      await log.#link.begin();
    } catch (error) {
      log.#end();
      throw error;
    }
    log.#requests.hello();
    return log;
  }

  constructor(name, { views, maxLogSize, worker, onRole }) {
    this.#name = name;
    this.#onRole = onRole;
    const start = { name, views: Object.keys(views), maxLogSize };
    this.#link = new Link(worker, start, (message) => this.#hearWorker(message));
    for (const view of start.views) {
      this.#views.set(view, new TabView(this.#link, view, views[view]));
    }
    this.#channel = new BroadcastChannel(channelOf(name));
    this.#channel.onmessage = ({ data }) => this.#hear(data, false);
    this.#requests = new Requests(crypto.randomUUID(), (message, direct) => {
      if (direct) this.#link.toLeader(message);
      else this.#channel.postMessage(message);
    });
    this.#followPage();
  }

  get name() {
    return this.#name;
  }

  get role() {
    return this.#requests.own ? "leader" : "follower";
  }

  async append(event) {
    const [appended] = await this.#ask({ op: "append", lines: lineOf(event) });
    return appended;
  }

  async appendBatch(events) {
    const lines = linesOf(events);
    return lines.length ? this.#ask({ op: "append", lines: lines.join("\n") }) : [];
  }

  async appendIf(event, expected) {
    const end = endOf(expected);
    const [appended] = await this.#ask({ op: "append", lines: lineOf(event), expected: end });
    return appended;
  }

  end() {
    return this.#ask({ op: "end" });
  }

  rotate() {
    return this.#ask({ op: "rotate" });
  }

  async *read(position = 0) {
    const stream = this.#stream(position);
    try {
      // One batch is on its way while another is read.
      let next = stream.next();
      for (;;) {
        const batch = await next;
        if (!batch) return;
        next = stream.next();
        next.catch(() => {});
        for (let index = 0; index < batch.length; index += 1) {
          this.#usable();
          yield batch.event(index);
        }
      }
    } finally {
      stream.close();
    }
  }

  async *tail(options) {
    const { position = 0, signal } = optionsOf(options);
    checkSignal(signal);
    const stream = this.#stream(position);
    try {
      while (!this.#closing && !signal?.aborted) {
        const more = this.#wakes.next(signal);
        let batch;
        try {
          batch = await stream.next();
          if (!batch) await more.promise;
        } finally {
          more.forget();
        }
        for (let index = 0; index < (batch?.length ?? 0); index += 1) {
          if (this.#closing || signal?.aborted) return;
          yield batch.event(index);
        }
      }
    } catch (error) {
      if (!this.#closing) throw error;
    } finally {
      stream.close();
    }
  }

  async startOfLast(lines) {
    this.#usable();
    checkCount("lines", lines);
    return this.#link.call("startOfLast", { lines });
  }

  async view(name) {
    this.#usable();
    const view = this.#views.get(name);
    if (view) return view.state();
    throw noView(name, this.#views);
  }

  async save() {
    this.#usable();
    const saving = this.#saveAll((view) => view.state());
    this.#saved = this.#saved.then(() => saving);
    const [error] = await saving;
    if (error) throw error;
  }

  async status() {
    this.#usable();
    const { role } = this;
    const { epoch, position, waiting } = this.#requests;
    const sizes = await this.#link.call("sizes");
    return { role, leader: epoch, unable: this.#unable, position, waiting, ...sizes };
  }

  close() {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close() {
    this.#wakes.wake();
    this.#refuseSaving();
    await this.#saved;
    const errors = await this.#saveAll();
    await this.#requests.close();
    // A worker that fell away in the meantime, and came to no other, has left.
    if (this.#link.alive) await this.#link.call("leave").catch(() => {});
    this.#end();
    // A view that no tab saves costs another folding, and no more.
    const error = errors.find(({ code }) => code !== "unsupported" && code !== "closed");
    if (error) throw error;
  }

  /** While closing: a snapshot is not worth waiting for a tab that can write it. */
  #refuseSaving() {
    if (this.#requests.epoch) return;
    this.#requests.refuse(new ClosedError(`${this.#name} was closed before any tab could write it`), "save");
  }

  #end() {
    this.#listeners.abort();
    this.#channel.close();
    this.#link.close(new ClosedError(`${this.#name} was closed in this tab`));
  }

  /** What went wrong with each view that could not be saved, once `prepare` is done. */
  async #saveAll(prepare) {
    const errors = [];
    for (const view of this.#views.values()) {
      try {
        await prepare?.(view);
        await view.save((request) => this.#askToSave(request));
      } catch (error) {
        errors.push(error);
      }
    }
    return errors;
  }

  #usable() {
    if (this.#closing) throw new ClosedError(`${this.#name} is closed in this tab: open it again`);
  }

  #stream(position) {
    this.#usable();
    return new Stream(this.#link, position);
  }

  async #ask(request) {
    this.#usable();
    if (this.#unable && !this.#requests.epoch) throw this.#unable;
    return this.#requests.add(request);
  }

  /** Also while closing, which saves what is left and waits for what was being saved. */
  #askToSave(request) {
    if (!this.#closing) return this.#ask(request);
    const saved = this.#requests.add(request);
    this.#refuseSaving();
    return saved;
  }

  #hear(message, direct) {
    const { epoch, position, own } = this.#requests;
    if (direct && message.t === "leads") this.#requests.own = message.epoch;
    this.#requests.hear(message, direct);
    if (this.#closing) this.#refuseSaving();
    if (this.#requests.epoch !== epoch) this.#unable = undefined;
    if (this.#requests.position !== position) this.#wakes.wake();
    if (!own !== !this.#requests.own) this.#tellRole();
  }

  #hearWorker({ leader, unable, heard, anew }) {
    if (leader) return this.#hear(leader, true);
    if (unable) {
      // It had the lock, so whoever led before leads no more; another may by now.
      const { epoch } = this.#requests;
      if (epoch && (heard ?? epoch) === epoch) this.#requests.lost(epoch);
      this.#unable = errorOf(unable);
      if (!this.#requests.epoch) this.#requests.refuse(this.#unable);
      this.#requests.hello();
    }
    if (anew) {
      this.#sleep();
      this.#rise();
    }
  }

  /**
   * A page that is frozen, or kept for the way back, must neither hold the lock nor wait for it:
   * its worker would be given it and do nothing. It is ended at once, since nothing of it runs by
   * the time it would have heard a message.
   */
  #followPage() {
    const { signal } = this.#listeners;
    addEventListener("pagehide", ({ persisted }) => {
      // A page that ends takes its worker with it; until then that may say good-bye.
      if (persisted) this.#sleep();
      else this.#link.call("leave").catch(() => {});
    }, { signal });
    addEventListener("pageshow", ({ persisted }) => persisted && this.#rise(), { signal });
    document.addEventListener("freeze", () => this.#sleep(), { signal });
    document.addEventListener("resume", () => this.#rise(), { signal });
  }

  #sleep() {
    const { own } = this.#requests;
    this.#link.end();
    if (!own) return;
    this.#requests.lost(own);
    this.#tellRole();
  }

  /** Afterwards: what the program throws there must keep nothing from being done here. */
  #tellRole() {
    const { role } = this;
    queueMicrotask(() => this.#onRole(role));
  }

  #rise() {
    this.#link.begin().catch((error) => {
      this.#link.close(error);
      this.#unable = error;
      this.#requests.refuse(error);
    });
    // Messages do not wait for a page that was kept.
    this.#requests.hello();
    this.#wakes.wake();
  }
}

if (Symbol.asyncDispose) {
  Object.defineProperty(TabLog.prototype, Symbol.asyncDispose, {
    value() {
      return this.close();
    },
  });
}

function needPage(name) {
  const needed = [globalThis.Worker, globalThis.BroadcastChannel, globalThis.document];
  if (needed.includes(undefined)) {
    throw new UnsupportedError(`${name} takes a page of a browser: there are no workers here`);
  }
}
