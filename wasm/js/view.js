// Views: states folded over the events by reducers in JavaScript.

import { BadArgumentError, ReducerError } from "./errors.js";
import { json } from "./line.js";
import { call } from "./module.js";
import { structuredClone } from "./runtime.js";
import { Scan } from "./session.js";

/** Checks what a program gave as views, before anything is opened. */
export function checkViews(glue, views) {
  for (const [name, definition] of Object.entries(views)) {
    call(() => glue.checkViewName(name));
    checkDefinition(name, definition);
  }
}

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
      const fold = (this.#fold ??= this.#load());
      // A reducer may work in place: when it fails, what it left is not to be seen.
      this.#fold = undefined;
      this.#refresh(fold);
      this.#fold = fold;
      return fold.state;
    });
  }

  /** Position after the last event folded. */
  get position() {
    return this.#fold?.position ?? this.#saved;
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
    if (!saved) return { state: structuredClone(this.#definition.initial), position: 0 };
    const [state, position, hash] = saved;
    this.#saved = position;
    return { state: JSON.parse(state), position, hash };
  }

  #refresh(fold) {
    const scan = new Scan(this.#session, fold.position);
    try {
      for (let batch; (batch = scan.next()); ) {
        foldBatch(this.#name, this.#definition, fold, batch);
        fold.position = batch.places[2 * batch.length - 1];
        fold.hash = scan.hash;
      }
    } finally {
      scan.free();
    }
  }
}

export function checkDefinition(name, definition) {
  if (typeof definition?.reduce === "function" && definition.initial !== undefined) return;
  throw new BadArgumentError(
    `the view ${JSON.stringify(name)} is not { initial, reduce(state, event) }`,
  );
}

/** Folds a batch's events into `fold.state`. */
export function foldBatch(name, { reduce }, fold, batch) {
  for (let index = 0; index < batch.length; index++) {
    fold.state = reduced(name, reduce, fold.state, batch.event(index));
  }
}

function reduced(name, reduce, state, event) {
  let next;
  let cause;
  try {
    next = reduce(state, event);
  } catch (error) {
    if (error?.code === "corrupt") throw error;
    cause = error;
  }
  if (next !== undefined) return next;
  const { position } = event;
  const what = cause ? `failed: ${cause.message ?? cause}` : "returned nothing";
  throw new ReducerError(
    `the reducer of view ${JSON.stringify(name)} ${what}, on the event at position ${position}`,
    { view: name, position },
    cause,
  );
}
