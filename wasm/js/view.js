// Views: states folded over the events by reducers in JavaScript.

import { BadArgumentError, CorruptError, ReducerError } from "./errors.js";
import { describe, reasonOf } from "./given.js";
import { json } from "./line.js";
import { call } from "./module.js";
import { structuredClone } from "./runtime.js";
import { Scan } from "./scan.js";

/** Checks what a program gave as views, but for what the module knows of names. */
export function checkViews(views) {
  // A Map or an array would be taken for an object without views.
  if (views === null || typeof views !== "object" || Symbol.iterator in views) {
    throw new BadArgumentError("views are given as { name: { initial, reduce(state, event) } }");
  }
  const files = new Set();
  for (const [name, definition] of Object.entries(views)) {
    checkDefinition(name, definition);
    const file = fileOf(name);
    if (files.has(file)) {
      throw new BadArgumentError(`the view name ${JSON.stringify(name)} is the name of another view too`);
    }
    files.add(file);
  }
}

/**
 * What names have in common that are one file: on some systems those that differ in case only, and
 * on all of them those that differ in halves of surrogate pairs only.
 */
const fileOf = (name) => name.replace(/\p{Surrogate}/gu, "\ufffd").toLowerCase();

export class View {
  #session;
  #name;
  #definition;
  /** The state, its position and the hash of the last line folded; `undefined` until loaded. */
  #fold;
  /** Position of the snapshot. */
  #saved = 0;

  /** @param {import("./session.js").Session} session */
  constructor(session, name, definition) {
    this.#session = session;
    this.#name = name;
    this.#definition = definition;
  }

  /** The state up to the last event. */
  state() {
    return this.#session.hold(() => {
      this.#fold ??= this.#load();
      this.#fold = this.#refreshed(this.#fold);
      return this.#fold.state;
    });
  }

  /** Saves the state as a snapshot, where it is further than the last one. */
  save(writer) {
    const fold = this.#fold;
    if (!fold || fold.position === this.#saved) return;
    const state = json(`the state of view ${JSON.stringify(this.#name)}`, fold.state);
    this.#session.run(() => writer.save(this.#name, state, fold.position, fold.hash));
    this.#saved = fold.position;
  }

  #load() {
    const { glue, files } = this.#session;
    const saved = call(() => glue.loadSnapshot(files, this.#name));
    if (!saved) return unfolded(this.#definition);
    const [state, position, hash] = saved;
    this.#saved = position;
    return { state: JSON.parse(state), position, hash };
  }

  #refreshed(fold) {
    try {
      this.#goOn(fold);
      return fold;
    } catch (error) {
      if (!isDiverged(error)) throw error;
      const anew = unfolded(this.#definition);
      this.#goOn(anew);
      this.#saved = 0;
      return anew;
    }
  }

  #goOn(fold) {
    const scan = new Scan(this.#session, fold.position, fold.hash);
    try {
      for (let batch; (batch = scan.next()); ) {
        // A reducer may work in place: when it fails, what it left is not to be seen.
        this.#fold = undefined;
        foldBatch(this.#name, this.#definition, fold, batch);
        fold.position = batch.places[2 * batch.length - 1];
        fold.hash = scan.hash;
        this.#fold = fold;
      }
    } finally {
      scan.free();
    }
  }
}

function checkDefinition(name, definition) {
  if (typeof definition?.reduce !== "function" || definition.initial === undefined) {
    throw new BadArgumentError(
      `the view ${JSON.stringify(name)} is not { initial, reduce(state, event) }`,
    );
  }
  try {
    structuredClone(definition.initial);
  } catch (error) {
    throw new BadArgumentError(
      `the view ${JSON.stringify(name)} has an initial state that cannot be copied: ${reasonOf(error)}`,
      {},
      error,
    );
  }
}

/** For a name that `open` was not given among these views. */
export function noView(name, views) {
  const names = [...views.keys()].map(describe).join(", ");
  return new BadArgumentError(
    `there is no view ${describe(name)}: the views given to open are ${names || "none"}`,
  );
}

export function unfolded({ initial }) {
  return { state: structuredClone(initial), position: 0, hash: undefined };
}

/**
 * Whether the events that were folded are no longer in the log: they were seen before they were
 * durable, and others, or none, took their place. A position of its own a fold never gets wrong.
 */
export function isDiverged(error) {
  return error.code === "bad-position";
}

/** Folds a batch's events into `fold.state`. */
export function foldBatch(name, { reduce }, fold, batch) {
  for (let index = 0; index < batch.length; index++) {
    fold.state = reduced(name, reduce, fold.state, batch.event(index));
  }
  // Once is enough: who returns a promise always does.
  if (typeof fold.state?.then !== "function") return;
  throw failure(name, "returned a promise", batch.event(batch.length - 1));
}

function reduced(name, reduce, state, event) {
  let what = "returned nothing";
  let cause;
  try {
    const next = reduce(state, event);
    if (next !== undefined) return next;
  } catch (error) {
    // The event's, which no reducer can help.
    if (error instanceof CorruptError) throw error;
    what = `failed: ${reasonOf(error)}`;
    cause = error;
  }
  throw failure(name, what, event, cause);
}

function failure(name, what, { position }, cause) {
  return new ReducerError(
    `the reducer of view ${JSON.stringify(name)} ${what}, on the event at position ${position}`,
    { view: name, position },
    cause,
  );
}
