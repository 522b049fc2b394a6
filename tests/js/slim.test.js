// The slim entry with its own module, which stores what it rotates and does not compress it.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import { nodeHost } from "../../wasm/package/hosts/node.js";
import * as slim from "../../wasm/package/js/slim.js";
import { quickDir } from "./support/dirs.js";

slim.init(readFileSync(new URL("../../wasm/package/module/slim.wasm", import.meta.url)));

const numbers = (from) => Array.from({ length: 20_000 }, (_, n) => ({ type: "n", data: from + n, ts: 1 }));

/** The same with the default entry, in a process of its own: a program has one module. */
function compressing(dir, work) {
  const entry = (file) => new URL(`../../wasm/package/${file}`, import.meta.url);
  const program = `
    import { EventLog } from ${JSON.stringify(entry("js/index.js"))};
    import { nodeHost } from ${JSON.stringify(entry("hosts/node.js"))};
    const log = await EventLog.open(nodeHost(${JSON.stringify(dir)}));
    ${work}
    await log.close();`;
  return execFileSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
}

test("a log rotated in turns by both modules reads whole by each, and by zstd", async (t) => {
  const dir = quickDir(t);
  const archive = join(dir, "archive.jsonl.zst");
  const log = await slim.EventLog.open(nodeHost(dir));
  log.appendBatch(numbers(0), { durability: "buffered" });
  const stored = log.rotate();
  assert.ok(stored.archived >= stored.bytes);
  await log.close();

  compressing(dir, `
    const numbers = ${numbers};
    log.appendBatch(numbers(20_000), { durability: "buffered" });
    log.rotate();`);
  assert.ok(statSync(archive).size - stored.archived < stored.archived / 4);

  const again = await slim.EventLog.open(nodeHost(dir));
  again.appendBatch(numbers(40_000), { durability: "buffered" });
  again.rotate();
  const read = Array.from(again.read(), ({ data }) => data);
  assert.deepEqual(read, Array.from({ length: 60_000 }, (_, n) => n));
  assert.equal([...again.read(stored.bytes)].length, 40_000);
  await again.close();

  const elsewhere = compressing(dir, "console.log([...log.read()].length);");
  assert.equal(Number(elsewhere), 60_000);
  const text = execFileSync("zstd", ["-dcq", archive], { encoding: "utf8", maxBuffer: 1 << 28 });
  assert.deepEqual(text.trimEnd().split("\n").map((line) => JSON.parse(line).data), read);
});
