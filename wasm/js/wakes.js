// What wakes the tails of a log.

/** A tail looks again this often, in milliseconds, whatever it is told. */
const RECHECK = 1000;

export class Wakes {
  #wakes = new Set();

  /** There may be more to read. */
  wake() {
    for (const wake of this.#wakes) wake();
  }

  /**
   * Listens from now on: `promise` resolves when there may be more to read, at the latest after a
   * second, or when `signal` is aborted; `forget` ends it.
   */
  next(signal) {
    let wake;
    const promise = new Promise((resolve) => (wake = resolve));
    const timer = setTimeout(wake, RECHECK);
    this.#wakes.add(wake);
    signal?.addEventListener("abort", wake, { once: true });
    const forget = () => {
      clearTimeout(timer);
      this.#wakes.delete(wake);
      signal?.removeEventListener("abort", wake);
    };
    return { promise, forget };
  }
}
