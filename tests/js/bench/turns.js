// Works measured in turns, A B A B, so that what else the machine does hits all alike.

const median = (times) => times.toSorted((a, b) => a - b)[times.length >> 1];

/**
 * @param {string} work what is done, for the table
 * @param {Record<string, () => Promise<number> | number>} contestants ours first, then the limit,
 * then peers; each does the work once and answers in milliseconds
 * @param {number} rounds
 */
export async function inTurns(work, contestants, rounds = 7) {
  const times = Object.fromEntries(Object.keys(contestants).map((name) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const [name, once] of Object.entries(contestants)) {
      const took = await once();
      // The first round is for the compiler and the caches.
      if (round > 0) times[name].push(took);
    }
  }
  const [ours] = Object.values(times);
  for (const [name, measured] of Object.entries(times)) {
    const [low, high] = [Math.min(...measured), Math.max(...measured)];
    const ms = median(measured);
    console.log(
      [
        work.padEnd(34),
        name.padEnd(28),
        `${ms.toFixed(1)} ms`.padStart(11),
        `(${low.toFixed(1)}–${high.toFixed(1)})`.padStart(18),
        // How many times as fast as this one we are, in the median of the turns.
        median(measured.map((took, turn) => took / ours[turn])).toFixed(2).padStart(7),
      ].join(" "),
    );
  }
}

export async function timed(work) {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

export function head() {
  console.log(
    ["work".padEnd(34), "by".padEnd(28), "median".padStart(11), "spread".padStart(18), "/ ours".padStart(7)].join(" "),
  );
}
