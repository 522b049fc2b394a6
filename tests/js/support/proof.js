// What the suites report of themselves, as tests/src/proof.rs does for those in Rust.

import { appendFileSync } from "node:fs";

/** Says that a suite ran to its end over this many distinct cases without one that failed. */
export function ran(suite, cases, milliseconds) {
  console.log(`${suite}: ${cases} cases in ${(milliseconds / 1000).toFixed(1)} s`);
  const path = process.env.EVENTFOLD_PROOF;
  if (!path) return;
  appendFileSync(path, `${JSON.stringify({ suite, cases, seconds: milliseconds / 1000 })}\n`);
}
