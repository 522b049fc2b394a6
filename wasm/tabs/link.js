// A tab's worker, as its page sees it. The page may end it at any moment and begin another; calls
// that were not answered are then made again, so they only ever ask for what is stored.

import { UnsupportedError } from "../js/errors.js";
import { describe, reasonOf } from "../js/given.js";
import { errorOf } from "./messages.js";

/** How long a worker may take to load, in milliseconds. */
const PATIENCE = 30_000;

export class Link {
  #make;
  #start;
  #hear;
  /** @type {Worker | undefined} */
  #worker;
  /** Whether it listens. */
  #ready = false;
  /** @type {Promise<void> | undefined} settles when a worker, this or a later one, has begun */
  #starting;
  /** @type {Error | undefined} why there is none, and none to come */
  #failed;
  #calls = new Map();
  #count = 0;

  /**
   * @param {() => Worker} make
   * @param {object} start what each worker is told first
   * @param {(message: any) => void} hear takes what is no answer to a call
   */
  constructor(make, start, hear) {
    this.#make = make;
    this.#start = start;
    this.#hear = hear;
  }

  /** Begins a worker, if there is none; resolves when it can read the log. */
  async begin() {
    if (this.#worker) return;
    this.#failed = undefined;
    let worker;
    try {
      worker = this.#make();
      if (typeof worker?.terminate !== "function") throw new TypeError(`${describe(worker)} is none`);
    } catch (error) {
      throw notStarted(reasonOf(error), error);
    }
    this.#worker = worker;
    const failed = new Promise((_, fail) => {
      const refuse = (reason) => fail(notStarted(reason));
      worker.onmessage = ({ data }) => {
        if (this.#ready || data?.ready) this.#heard(data);
        else refuse("its script is another one");
      };
      worker.onerror = (event) => {
        event.preventDefault();
        refuse(event.message ?? "it could not be loaded");
      };
      setTimeout(() => {
        if (worker === this.#worker && !this.#ready) refuse("it says nothing");
      }, PATIENCE);
    });
    this.#starting ??= this.call("start", this.#start).finally(() => (this.#starting = undefined));
    await Promise.race([this.#starting, failed]);
  }

  get alive() {
    return this.#worker !== undefined;
  }

  /** Ends the worker at once, in the middle of what it does. */
  end() {
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#ready = false;
  }

  /** Ends the worker; until there is another, calls fail with `error`. */
  close(error) {
    this.end();
    this.#failed = error;
    for (const { reject } of this.#calls.values()) reject(error);
    this.#calls.clear();
  }

  /** Asks the worker, or the next one. */
  call(t, fields = {}) {
    if (this.#failed) return Promise.reject(this.#failed);
    const id = (this.#count += 1);
    const message = { ...fields, t, id };
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { message, resolve, reject });
      if (this.#ready) this.#worker.postMessage(message);
    });
  }

  /** Tells the leader in this tab's worker; it is lost if there is none. */
  toLeader(message) {
    this.#worker?.postMessage({ t: "to leader", message });
  }

  #heard(data) {
    const { ready, id, result, error } = data;
    if (ready) {
      this.#ready = true;
      const messages = [...this.#calls.values()].map(({ message }) => message);
      messages.sort((a, b) => (b.t === "start") - (a.t === "start"));
      for (const message of messages) this.#worker.postMessage(message);
      return;
    }
    if (id === undefined) return this.#hear(data);
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    if (error) call?.reject(errorOf(error));
    else call?.resolve(result);
  }
}

function notStarted(reason, cause) {
  return new UnsupportedError(
    `the worker of the log did not start (${reason}): give one that your bundler knows as ` +
      "`worker` to TabLog.open",
    {},
    cause,
  );
}
