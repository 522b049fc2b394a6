// Views: states folded over the events by reducers in JavaScript.

import { BadArgumentError, CorruptError, ReducerError } from "./errors.js";
import { checkWhole, describe, reasonOf } from "./given.js";
import { json } from "./line.js";
import { call } from "./module.js";
import { structuredClone } from "./runtime.js";
import { Scan } from "./scan.js";

const MAX_VERSION = 0xffffffff;

/** Checks what a program gave as views, but for what the module knows of names. */
export function checkViews(views) {
  // A Map or an array would be taken for an object without views.
  if (views === null || typeof views !== "object" || Symbol.iterator in views) {
    throw new BadArgumentError("views are given as { name: { initial, reduce(state, event) } }");
  }
  const files = new Set();
  for (const [name, definition] of Object.entries(views)) {
    checkDefinition(name, definition);
    checkWhole(name);
    // On some systems those that differ in case only are one file.
    const file = name.toLowerCase();
    if (files.has(file)) {
      throw new BadArgumentError(`the view name ${JSON.stringify(name)} is the name of another view too`);
    }
    files.add(file);
  }
}

/** What a view has folded, and what of it is saved, whoever reads the events for it. */
export class FoldedView {
  #name;
  #definition;
  /** A state, its position and the hash of the last line folded; `undefined` until loaded. */
  fold;
  /** Position of the snapshot. */
  saved = 0;

  constructor(name, definition) {
    this.#name = name;
    this.#definition = definition;
    /** That of the reducer. */
    this.version = definition.version ?? 0;
  }

  /** Takes the snapshot that there is: the state as JSON, its position and its hash. */
  load(snapshot) {
    if (!snapshot) {
      this.fold = this.unfolded();
      return;
    }
    const [state, position, hash] = snapshot;
    this.saved = position;
    this.fold = { state: JSON.parse(state), position, hash };
  }

  /** A fold over nothing yet. */
  unfolded() {
    return { state: structuredClone(this.#definition.initial), position: 0, hash: undefined };
  }

  /** Folds a batch into `fold`, up to `position`, where the line of this `hash` ends. */
  add(fold, batch, position, hash) {
    // A reducer may work in place: when it fails, what it left is not to be seen.
    this.fold = undefined;
    for (let index = 0; index < batch.length; index++) {
      fold.state = reduced(this.#name, this.#definition.reduce, fold.state, batch.event(index));
    }
    fold.position = position;
    fold.hash = hash;
    this.fold = fold;
  }

  /** What a fold from the first event came to, since events that were folded are gone. */
  replace(fold) {
    this.fold = fold;
    this.saved = 0;
  }

  /** What is to be saved as a snapshot: nothing, where it is no further than the last one. */
  unsaved() {
    if (!this.fold || this.fold.position === this.saved) return undefined;
    const { version } = this;
    const { state, position, hash } = this.fold;
    return { state: json(`the state of view ${JSON.stringify(this.#name)}`, state), position, hash, version };
  }
}

export class View {
  #session;
  #name;
  #folded;

  /** @param {import("./session.js").Session} session */
  constructor(session, name, definition) {
    this.#session = session;
    this.#name = name;
    this.#folded = new FoldedView(name, definition);
  }

  /** The state up to the last event. */
  state() {
    return this.#session.hold(() => {
      const { glue, files } = this.#session;
      const folded = this.#folded;
      if (!folded.fold) folded.load(call(() => glue.loadSnapshot(files, this.#name, folded.version)));
      try {
        this.#goOn(folded.fold);
      } catch (error) {
        if (!isDiverged(error)) throw error;
        const anew = folded.unfolded();
        this.#goOn(anew);
        folded.replace(anew);
      }
      return folded.fold.state;
    });
  }

  /** Saves the state as a snapshot, where it is further than the last one. */
  save(writer) {
    const snapshot = this.#folded.unsaved();
    if (!snapshot) return;
    const { state, position, hash, version } = snapshot;
    this.#session.run(() => writer.save(this.#name, state, position, hash, version));
    this.#folded.saved = position;
  }

  #goOn(fold) {
    const scan = new Scan(this.#session, fold.position, fold.hash);
    try {
      for (let batch; (batch = scan.next()); ) {
        this.#folded.add(fold, batch, batch.places[2 * batch.length - 1], scan.hash);
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
  const { version = 0 } = definition;
  if (!Number.isInteger(version) || version < 0 || version > MAX_VERSION) {
    throw new BadArgumentError(
      `the view ${JSON.stringify(name)} has the version ${describe(version)}: it takes a whole number from 0 to ${MAX_VERSION}`,
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

/**
 * Whether the events that were folded are no longer in the log: they were seen before they were
 * durable, and others, or none, took their place. A position of its own a fold never gets wrong.
 */
export function isDiverged(error) {
  return error.code === "bad-position";
}

function reduced(name, reduce, state, event) {
  let what = "returned nothing";
  let cause;
  try {
    const next = reduce(state, event);
    // At once: folding on over it, the reducer would reject more promises, which nobody handles.
    if (typeof next?.then === "function") what = "returned a promise";
    else if (next !== undefined) return next;
  } catch (error) {
    // The event's, which no reducer can help.
    if (error instanceof CorruptError) throw error;
    what = `failed: ${reasonOf(error)}`;
    cause = error;
  }
  const { position } = event;
  throw new ReducerError(
    `the reducer of view ${JSON.stringify(name)} ${what}, on the event at position ${position}`,
    { view: name, position },
    cause,
  );
}
