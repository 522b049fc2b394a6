// The events that the benchmarks use: those of wikipedia where the data is there, else the fixture.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** @returns {string} lines in the order of the log, each with a newline */
export function lines() {
  const data = `${root}/../shared/data/wikipedia-edits.jsonl.zst`;
  const text = existsSync(data)
    ? execFileSync("zstd", ["-dcq", data], { encoding: "utf8", maxBuffer: 1 << 28 })
    : readFileSync(`${root}/tests/fixtures/football-matches.jsonl`, "utf8").repeat(10);
  return text
    .trimEnd()
    .split("\n")
    .map((line) => {
      const { type, data, ts, id, actor, meta } = JSON.parse(line);
      return `${JSON.stringify({ type, data, ts, id, actor, meta })}\n`;
    })
    .join("");
}
