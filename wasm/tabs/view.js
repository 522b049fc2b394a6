// Views in a page: the worker reads, the page folds, the tab that leads saves.

import { BadArgumentError } from "../js/errors.js";
import { json } from "../js/line.js";
import { Stream } from "./stream.js";

export class TabView {
  #link;
  #name;
  #definition;
  #fold;
  #saved = 0;
  #last = Promise.resolve();

  constructor(link, name, definition) {
    if (typeof definition?.reduce !== "function" || definition.initial === undefined) {
      throw new BadArgumentError(
        `the view ${JSON.stringify(name)} is not { initial, reduce(state, event) }`,
      );
    }
    this.#link = link;
    this.#name = name;
    this.#definition = definition;
  }

  /** The state up to the last event that is there when the folding gets to the end. */
  state() {
    const done = this.#last.then(() => this.#refreshed());
    this.#last = done.catch(() => {});
    return done;
  }
}
