// Lines on their way from a tab's worker into its page.

import { Batch } from "../js/event.js";
import { checkPosition } from "../js/given.js";

let streams = 0;

export class Stream {
  #link;
  #id = (streams += 1);
  #types = [];
  #after;

  /**
   * @param {import("./link.js").Link} link
   * @param {number} position
   * @param {string} [after] hash of the line that is to be before it
   */
  constructor(link, position, after) {
    checkPosition(position);
    this.#link = link;
    /** Where the next line starts. */
    this.position = position;
    /** The hash of the last line handed out. */
    this.hash = undefined;
    this.#after = after;
  }

  /** The next lines, or `undefined` when there are none yet. */
  async next() {
    const { position } = this;
    const after = this.#after;
    const answer = await this.#link.call("next", { stream: this.#id, position, after });
    if (answer.fresh) this.#types = [];
    if (!answer.bytes) return undefined;
    this.#after = undefined;
    this.#types.push(...answer.types);
    this.position = answer.places.at(-1);
    this.hash = answer.hash;
    return new Batch(answer.bytes, answer.places, answer.spans, this.#types, () => answer.flaws);
  }

  close() {
    this.#link.call("drop", { stream: this.#id }).catch(() => {});
  }
}
