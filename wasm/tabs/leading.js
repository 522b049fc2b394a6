// The answering half of the protocol (see requests.js): the tab that holds the lock and the files.

import { DurabilityUnknownError } from "../js/errors.js";
import { messageOf } from "./messages.js";

export class Leading {
  #log;
  #post;
  #over = false;

  /**
   * @param {string} epoch an id that no other leader has
   * @param {{ position: number, apply(request: object): any, sync(): void }} log
   * @param {(message: object, direct: boolean) => void} post to all tabs, or to the page of this
   */
  constructor(epoch, log, post) {
    this.epoch = epoch;
    this.#log = log;
    this.#post = post;
    for (const direct of [true, false]) this.#tell("leads", {}, direct);
  }

  /**
   * @param {any} message of any tab
   * @param {boolean} [direct] whether it came from the page of this one
   */
  hear(message, direct = false) {
    if (this.#over) return;
    const { t, epoch, from: to, turn, probe } = message;
    if (!["hello", "ask", "go"].includes(t)) return;
    // Who believes in another leader heard that one's last words after the first ones of this.
    if (epoch !== this.epoch) this.#tell("leads", { to, probe });
    else if (t === "ask") this.#tell("ready", { to, turn });
    else if (t === "go") {
      const results = done(this.#log, message.requests);
      this.#tell("done", { to, turn, results }, direct);
      if (direct) this.#tell("grown");
    }
  }

  /** Whatever is not answered by now is not done any more. */
  end() {
    this.#over = true;
    for (const direct of [true, false]) this.#tell("leaves", {}, direct);
  }

  #tell(t, fields = {}, direct = false) {
    const { position } = this.#log;
    this.#post({ t, epoch: this.epoch, position, ...fields }, direct);
  }
}

/** The results of requests, all of them durable with one sync. */
function done(log, requests) {
  const results = requests.map((request) => {
    try {
      return { result: log.apply(request) };
    } catch (error) {
      return { error: messageOf(error) };
    }
  });
  try {
    log.sync();
    return results;
  } catch (error) {
    return results.map((result) => inDoubt(result, error) ?? result);
  }
}

/** What became of an append whose sync failed. */
function inDoubt({ result }, error) {
  const position = result?.[0]?.position;
  if (position === undefined) return undefined;
  const message =
    `the event is written at position ${position}, and whether it is durable is unknown: ` +
    error.message;
  return { error: messageOf(new DurabilityUnknownError(message, { position }, error)) };
}
