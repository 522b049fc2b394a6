// A project that depends on the package: one of the folders of consumers/.

import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

import { pack, root } from "./package.js";
import { legible, run, serve } from "./run.js";

const { transformSync } = createRequire(join(root, "wasm/package.json"))("esbuild");

/** What `program.js` answers, wherever it runs. */
export const OUTCOME =
  '{"second":"locked","bytes":192,"hash":"e3bdefe9028eb2b8","positions":[0,64,128,192],' +
  '"read":{"ada":6,"bob":9},"folded":{"ada":6,"bob":9},"disposable":true,"text":"nothing to repair"}';

/** How what is gzipped starts in base64, which tells that a script holds the module. */
export const MODULE = /H4sIAAAA/;

let tarball;

/**
 * Installs the package into a project as npm does, with the program that the project runs.
 * @param {string} name the folder in consumers/
 */
export async function consumer(name) {
  const dir = join(root, "tests/packaging/consumers", name);
  tarball ??= pack();
  await install(name, dir);
  const program = readFileSync(join(root, "tests/packaging/program.js"), "utf8");
  for (const file of ["program.js", "program.mjs"]) writeFileSync(join(dir, file), program);
  writeFileSync(join(dir, "program.cjs"), transformSync(program, { format: "cjs" }).code);

  return {
    dir,
    bin: (tool) => join(dir, "node_modules/.bin", tool),
    run: (command, options) => run(name, command, { cwd: dir, ...options }),
    serve: (command, options, act) => serve(name, command, { cwd: dir, ...options }, act),
  };
}

async function install(name, dir) {
  const stamp = join(dir, "node_modules/eventfold/.tarball");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === tarball.sha256) return;
  const args = ["install", "--no-save", "--offline", "--ignore-scripts", "--no-audit", "--no-fund"];
  await run(name, ["npm", ...args, tarball.path], { cwd: dir });
  writeFileSync(stamp, tarball.sha256);
}

/** Fails unless the program ran `times` times and came to what it comes to everywhere. */
export function assertOutcome(output, times = 1) {
  const found = output.match(/\{"second":.*?"text":".*?"\}/g) ?? [];
  assert.deepEqual(found, Array(times).fill(OUTCOME), `it said:\n\n${legible(output)}`);
}
