// Views in a page: its worker reads, the page folds, the tab that leads saves.

import { FoldedView, isDiverged } from "../js/view.js";
import { Stream } from "./stream.js";

export class TabView {
  #link;
  #name;
  #folded;
  #last = Promise.resolve();

  /** @param {import("./link.js").Link} link */
  constructor(link, name, definition) {
    this.#link = link;
    this.#name = name;
    this.#folded = new FoldedView(name, definition);
  }

  /** The state up to the last event that there is. */
  state() {
    return this.#alone(async () => {
      const folded = this.#folded;
      if (!folded.fold) folded.load(await this.#link.call("snapshot", { view: this.#name, version: folded.version }));
      try {
        await this.#goOn(folded.fold);
      } catch (error) {
        if (!isDiverged(error)) throw error;
        const anew = folded.unfolded();
        await this.#goOn(anew);
        folded.replace(anew);
      }
      return folded.fold.state;
    });
  }

  /** Saves the state by `request`, where it is further than the last snapshot. */
  async save(request) {
    const snapshot = await this.#alone(() => this.#folded.unsaved());
    if (!snapshot) return;
    // However long that takes, the view can be read.
    await request({ op: "save", view: this.#name, ...snapshot });
    this.#folded.saved = snapshot.position;
  }

  #alone(work) {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }

  async #goOn(fold) {
    const stream = new Stream(this.#link, fold.position, fold.hash);
    try {
      for (let batch; (batch = await stream.next()); ) {
        this.#folded.add(fold, batch, stream.position, stream.hash);
      }
    } finally {
      stream.close();
    }
  }
}
