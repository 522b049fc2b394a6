// A log after something that went wrong.

import assert from "node:assert/strict";

import { EventLog } from "../../../wasm/package/js/index.js";

export const good = { type: "good", data: 1, ts: 1 };

/** The log still takes an event, and another opening reads the same. */
export async function assertWhole(host, log, expected) {
  log.append({ ...good, data: "last" });
  await log.close();
  const again = await EventLog.open(host);
  assert.deepEqual([...again.read()].map((event) => event.data), [...expected, "last"]);
  await again.close();
}
