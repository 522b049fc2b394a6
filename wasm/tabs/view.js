// Views in a page: its worker reads, the page folds, the tab that leads saves.

import { json } from "../js/line.js";
import { foldBatch, isDiverged, unfolded } from "../js/view.js";
import { Stream } from "./stream.js";

export class TabView {
  #link;
  #name;
  #definition;
  /** The state, its position and the hash of the last line folded; `undefined` until loaded. */
  #fold;
  /** Position of the snapshot. */
  #saved = 0;
  #last = Promise.resolve();

  /** @param {import("./link.js").Link} link */
  constructor(link, name, definition) {
    this.#link = link;
    this.#name = name;
    this.#definition = definition;
  }

  /** The state up to the last event that there is. */
  state() {
    return this.#alone(async () => {
      this.#fold ??= await this.#load();
      this.#fold = await this.#refreshed(this.#fold);
      return this.#fold.state;
    });
  }

  /** Saves the state by `request`, where it is further than the last snapshot. */
  async save(request) {
    const snapshot = await this.#alone(() => this.#unsaved());
    if (!snapshot) return;
    // However long that takes, the view can be read.
    await request({ op: "save", view: this.#name, ...snapshot });
    this.#saved = snapshot.position;
  }

  #unsaved() {
    if (!this.#fold || this.#fold.position === this.#saved) return undefined;
    const { state, position, hash } = this.#fold;
    return { state: json(`the state of view ${JSON.stringify(this.#name)}`, state), position, hash };
  }

  #alone(work) {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }

  async #load() {
    const saved = await this.#link.call("snapshot", { view: this.#name });
    if (!saved) return unfolded(this.#definition);
    const [state, position, hash] = saved;
    this.#saved = position;
    return { state: JSON.parse(state), position, hash };
  }

  async #refreshed(fold) {
    try {
      await this.#goOn(fold);
      return fold;
    } catch (error) {
      if (!isDiverged(error)) throw error;
      const anew = unfolded(this.#definition);
      await this.#goOn(anew);
      this.#saved = 0;
      return anew;
    }
  }

  async #goOn(fold) {
    const stream = new Stream(this.#link, fold.position, fold.hash);
    try {
      for (let batch; (batch = await stream.next()); ) {
        // A reducer may work in place: when it fails, what it left is not to be seen.
        this.#fold = undefined;
        foldBatch(this.#name, this.#definition, fold, batch);
        fold.position = stream.position;
        fold.hash = stream.hash;
        this.#fold = fold;
      }
    } finally {
      stream.close();
    }
  }
}
