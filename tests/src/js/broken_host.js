// Hosts that break their contract in one method, each on a log that is whole otherwise.

const broken = {
  throws() {
    throw new Error("quota exceeded");
  },
  promises: async () => 0,
  "answers NaN": () => NaN,
  "answers too much": () => 2 ** 60,
  "answers a fraction": () => 0.5,
  "answers below zero": () => -1,
  "answers text": () => "12",
};

/** The same host with one method that misbehaves; an unknown way makes it missing. */
export function breakHost(host, method, way) {
  return { ...host, [method]: broken[way] };
}
