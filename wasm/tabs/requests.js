// The asking half of the protocol: what a tab wants done goes to the tab that leads, and is done
// once, or not at all, or nobody knows, which is then said.
//
// All tabs share a channel. The leader's messages carry its epoch, an id that it takes when it
// begins to lead; messages to it carry the epoch that they are for, and no other leader minds them.
//
//   hello          who leads?
//   leads          a leader has begun, or answers a hello
//   ask, ready     is the leader still there? yes
//   go, done       the requests themselves, and their results
//   leaves         the leader ends, and has not done what it has not answered
//   removed        its files are gone, which every tab has open: each begins a new worker
//
// A tab has one turn (ask, ready, go, done) at a time. Until its `go` is sent another leader can be
// asked instead. From then on only that leader's answer ends the waiting, or another leader, which
// shows that the first one is no more: a slow leader is waited for, and what one had not answered
// when it died is done or not. No clock decides anything.

import { ClosedError, LeaderLostError } from "../js/errors.js";
import { errorOf } from "./messages.js";

/** What one turn takes, and so what can become unknown at once. */
const MAX_REQUESTS = 256;
const MAX_LENGTH = 1 << 20;

export class Requests {
  #from;
  #post;
  #asked = new Set();
  #queue = [];
  /**
   * @type {undefined | {
   *   number: number, epoch: string, direct: boolean, gone: any[], position: number,
   *   missed?: { probe: number, gone: boolean },
   * }} `gone` is what the leader was told to do; `missed`, that its answer may have been missed
   */
  #turn;
  #turns = 0;
  #probe = 0;
  #closed = false;

  /**
   * @param {string} from an id of this tab
   * @param {(message: object, direct: boolean) => void} post to all, or to this tab's worker
   */
  constructor(from, post) {
    this.#from = from;
    this.#post = post;
    /** @type {string | undefined} the epoch of the leader, while one is known */
    this.epoch = undefined;
    /** @type {string | undefined} the epoch of this tab, while it leads: it needs not be asked */
    this.own = undefined;
    /** Where the log ended when a leader last spoke. */
    this.position = 0;
  }

  /**
   * Resolves to what the leader answers.
   * @param {{ op: string, lines?: string }} request
   */
  add(request) {
    if (this.#closed) {
      return Promise.reject(new ClosedError("the log is closed in this tab: open it again"));
    }
    const answer = new Promise((resolve, reject) => {
      this.#queue.push({ request, resolve, reject });
      this.#next();
    });
    this.#asked.add(answer);
    const answered = () => this.#asked.delete(answer);
    answer.then(answered, answered);
    return answer;
  }

  /** How much was asked for and is not answered. */
  get waiting() {
    return this.#asked.size;
  }

  /** Asks who leads; to be called also when this tab may have missed messages. */
  hello() {
    this.#probe += 1;
    if (this.#turn) this.#turn.missed = { probe: this.#probe, gone: this.#turn.gone.length > 0 };
    this.#post({ t: "hello", from: this.#from, probe: this.#probe }, false);
  }

  /**
   * Takes a leader's message. Those of this tab's own worker come `direct` and by the channel, and
   * only what came by the way that a turn took is in order with its answer.
   */
  hear(message, direct = false) {
    const { t, epoch, to, turn, position } = message;
    // The log of a new leader may be shorter: what the last one could not sync is gone.
    if (epoch === this.epoch ? position > this.position : t === "leads") this.position = position;
    if (t === "leads") this.#leads(message);
    else if (t === "leaves") this.#leaves(epoch, direct);
    else if (to === this.#from && turn === this.#turn?.number && epoch === this.#turn.epoch) {
      if (t === "ready") this.#ready(message);
      else if (t === "done") this.#done(message);
    }
  }

  /** The leader of this epoch is no more, and may have done what it did not answer. */
  lost(epoch) {
    this.#end(epoch);
    if (this.#turn?.epoch === epoch) this.#unanswered();
  }

  /** Rejects what no leader was told to do yet; with `op`, only requests of that kind. */
  refuse(error, op) {
    const isRefused = ({ request }) => op === undefined || request.op === op;
    const refused = this.#queue.filter(isRefused);
    this.#queue = this.#queue.filter((waiting) => !isRefused(waiting));
    for (const { reject } of refused) reject(error);
  }

  /** Takes no more; resolves when all is answered that was asked for. */
  close() {
    this.#closed = true;
    if (!this.epoch) {
      this.refuse(new ClosedError("the log was closed in this tab before any tab could write it"));
    }
    return Promise.allSettled(this.#asked);
  }

  #leads({ epoch, to, probe }) {
    const missed = this.#turn?.missed;
    if (epoch !== this.epoch) {
      this.epoch = epoch;
      // One leads at a time: the one that was asked is no more.
      if (this.#turn && this.#turn.epoch !== epoch) this.#unanswered();
    } else if (missed && to === this.#from && probe === missed.probe) {
      // A leader answers in the order in which it is asked: what is not here by now was missed.
      if (missed.gone === this.#turn.gone.length > 0) this.#unanswered();
    }
    this.#next();
  }

  #leaves(epoch, direct) {
    this.#end(epoch);
    if (this.#turn?.epoch !== epoch || this.#turn.direct !== direct) return;
    if (this.#turn.missed?.gone) return this.#unanswered();
    this.#queue.unshift(...this.#turn.gone);
    this.#turn = undefined;
  }

  #end(epoch) {
    if (this.epoch === epoch) this.epoch = undefined;
    if (this.own === epoch) this.own = undefined;
  }

  #unanswered() {
    const { gone, position } = this.#turn;
    this.#turn = undefined;
    for (const { reject } of gone) {
      reject(
        new LeaderLostError(
          "the tab that writes the log went away before it answered: what it was asked for is " +
            `done or not, and if it is, to be found at position ${position} or after it`,
          { position },
        ),
      );
    }
  }

  #next() {
    if (this.#turn || !this.epoch || this.#queue.length === 0) return;
    this.#turns += 1;
    const { epoch, position } = this;
    const turn = { number: this.#turns, epoch, direct: epoch === this.own, gone: [], position };
    this.#turn = turn;
    if (turn.direct) this.#go();
    else this.#post({ t: "ask", epoch, from: this.#from, turn: turn.number }, false);
  }

  #ready({ position }) {
    if (this.#turn.gone.length > 0) return;
    this.#turn.position = position;
    if (this.#queue.length > 0) this.#go();
    else this.#turn = undefined;
  }

  #go() {
    let count = 0;
    for (let length = 0; count < this.#queue.length && count < MAX_REQUESTS; count += 1) {
      length += this.#queue[count].request.lines?.length ?? 0;
      if (count > 0 && length > MAX_LENGTH) break;
    }
    const turn = this.#turn;
    turn.gone = this.#queue.splice(0, count);
    const requests = turn.gone.map(({ request }) => request);
    const { epoch, number, direct } = turn;
    this.#post({ t: "go", epoch, from: this.#from, turn: number, requests }, direct);
  }

  #done({ results }) {
    const { gone } = this.#turn;
    this.#turn = undefined;
    gone.forEach(({ resolve, reject }, index) => {
      const { error, result } = results[index];
      if (error) reject(errorOf(error));
      else resolve(result);
    });
    this.#next();
  }
}
