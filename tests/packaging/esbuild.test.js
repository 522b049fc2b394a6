// Bundles of esbuild: for each kind of script and platform one that runs, and what a bundle leaves
// out.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { assertOutcome, consumer, MODULE } from "./support/consumer.js";

let project;
let out;
before(async () => {
  project = await consumer("esbuild");
  out = mkdtempSync(join(tmpdir(), "eventfold-"));
});
after(() => rmSync(out, { recursive: true }));

/** Bundles an entry and returns where the bundle is. */
async function bundle(entry, ...options) {
  const outfile = join(out, `${entry}-${options.join("")}.cjs`.replaceAll(/[^\w.]+/g, "-"));
  const file = options.includes("--format=esm") ? outfile.replace(/cjs$/, "mjs") : outfile;
  const command = [project.bin("esbuild"), entry, "--bundle", `--outfile=${file}`, ...options];
  await project.run([...command, "--log-level=warning"]);
  return file;
}

describe("a bundle runs", () => {
  for (const [entry, ...options] of [
    ["main.js", "--platform=browser", "--format=iife"],
    ["main.js", "--platform=browser", "--format=iife", "--minify"],
    ["main.js", "--platform=neutral", "--format=esm"],
    ["main.js", "--platform=node", "--format=cjs"],
    ["directory.js", "--platform=node", "--format=esm"],
    ["directory.js", "--platform=node", "--format=cjs"],
    ["slim.js", "--platform=browser", "--target=es2022", "--loader:.wasm=binary"],
  ]) {
    test(`${entry} ${options.join(" ")}`, async () => {
      const file = await bundle(entry, ...options);
      assertOutcome(await project.run([process.execPath, file, join(out, "log")]));
      rmSync(join(out, "log"), { recursive: true, force: true });
    });
  }
});

test("a bundle that uses errors only is without the module", async () => {
  const options = ["--format=iife", "--minify"];
  const file = await bundle("errors.js", ...options);
  assert.equal(await project.run([process.execPath, file]), "true\n");
  assert.doesNotMatch(readFileSync(file, "utf8"), MODULE);
  assert.match(readFileSync(await bundle("main.js", ...options), "utf8"), MODULE);
});
