// Makes module/conformance.{js,wasm} beside this file out of what
//   cargo build -p eventfold-tests --example conformance --target wasm32-unknown-unknown
// built (`build_conformance` in tests/checks/lib.sh does both). The glue is wrapped into a function,
// so that each call gives an instance of its own: one in which a case panicked is of no more use.

import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "../../..");

const metadata = ["metadata", "--format-version=1", "--locked"];
const { packages, target_directory: target } = JSON.parse(
  execFileSync("cargo", metadata, { cwd: root, maxBuffer: 1 << 28 }),
);

// As need_wasm_runner of tests/checks/lib.sh installs it.
const bindgen = () => {
  const { version } = packages.find(({ name }) => name === "wasm-bindgen");
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  return join(cache, "eventfold", `wasm-bindgen-${version}`, "bin/wasm-bindgen");
};

const temp = mkdtempSync(join(tmpdir(), "conformance-"));
try {
  execFileSync(bindgen(), [
    ...["--target", "web", "--no-typescript", "--out-dir", temp],
    join(target, "wasm32-unknown-unknown/debug/examples/conformance.wasm"),
  ]);
  const { buildSync } = createRequire(join(root, "wasm/package.json"))("esbuild");
  buildSync({
    entryPoints: [join(temp, "conformance.js")],
    outfile: join(here, "module/conformance.js"),
    bundle: true,
    format: "iife",
    globalName: "glue",
    // Only the way of loading that is not used here asks for the module's address.
    logOverride: { "empty-import-meta": "silent" },
    banner: { js: "export function instantiate(module) {" },
    footer: { js: "glue.initSync({ module });\nreturn glue;\n}" },
  });
  copyFileSync(join(temp, "conformance_bg.wasm"), join(here, "module/conformance.wasm"));
} finally {
  rmSync(temp, { recursive: true });
}
