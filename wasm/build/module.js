// The wasm module: built, bound, made small, and inlined.

import { execFileSync } from "node:child_process";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

const root = new URL("../..", import.meta.url).pathname;
const TARGET = "wasm32-unknown-unknown";

/** The compiler: the module is the same bytes wherever it is built. */
const RUST = "1.95.0";

/**
 * The standard library is built along: without the text of panics, which nobody would see, the
 * module is a third smaller. Stable compilers take these flags when they are asked twice.
 */
const FLAGS = {
  RUSTC_BOOTSTRAP: "1",
  RUSTFLAGS: [
    "-Zunstable-options",
    "-Cpanic=immediate-abort",
    "-Zlocation-detail=none",
    "-Zfmt-debug=none",
    "-Ctarget-feature=+simd128",
    `--remap-path-prefix=${root}=.`,
    `--remap-path-prefix=${process.env.CARGO_HOME ?? join(homedir(), ".cargo")}=cargo`,
  ].join(" "),
};

/** What the module uses of WebAssembly; everything of 2021 and before. */
const FEATURES = [
  "--enable-bulk-memory",
  "--enable-bulk-memory-opt",
  "--enable-call-indirect-overlong",
  "--enable-multivalue",
  "--enable-mutable-globals",
  "--enable-nontrapping-float-to-int",
  "--enable-reference-types",
  "--enable-sign-ext",
  "--enable-simd",
];

export function buildModule(out) {
  needCompiler();
  const target = join(process.env.CARGO_TARGET_DIR ?? join(root, "target"), "npm");
  run(
    "cargo",
    [
      `+${RUST}`, "build", "--quiet", "--locked", "--profile", "npm", "-p", "eventfold-wasm",
      "--target", TARGET, "--target-dir", target,
      "-Zbuild-std=std,panic_abort", "-Zbuild-std-features=optimize_for_size",
    ],
    FLAGS,
  );
  run(bindgen(), [
    "--target", "web", "--no-typescript", "--omit-default-module-path",
    "--out-name", "eventfold", "--out-dir", out,
    join(target, TARGET, "npm", "eventfold_wasm.wasm"),
  ]);
  const bound = join(out, "eventfold_bg.wasm");
  const optimized = join(out, "eventfold.wasm");
  const wasmOpt = join(root, "wasm/node_modules/binaryen/bin/wasm-opt");
  run(process.execPath, [wasmOpt, "-Oz", "--converge", ...FEATURES, bound, "-o", optimized]);
  rmSync(bound);
  rmSync(join(out, "snippets"), { recursive: true, force: true });
  inline(optimized, join(out, "inlined.js"));
}

/** The module as a script, for bundlers that know nothing of wasm. */
function inline(module, script) {
  const base64 = readFileSync(module).toString("base64");
  writeFileSync(
    script,
    `const base64 =\n  "${base64}";\n\n` +
      "export const inlined = () => Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));\n",
  );
}

function needCompiler() {
  const has = (what) =>
    execFileSync("rustup", [what, "list", "--installed", "--toolchain", RUST], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
  try {
    if (has("component").includes("rust-src") && has("target").includes(TARGET)) return;
  } catch {
    // Not installed at all.
  }
  run("rustup", [
    "toolchain", "install", RUST, "--profile", "minimal", "--component", "rust-src", "--target", TARGET,
  ]);
}

/** The tool must be of exactly the version of the library. */
function bindgen() {
  const lock = readFileSync(join(root, "Cargo.lock"), "utf8");
  const version = /name = "wasm-bindgen"\nversion = "(.*)"/.exec(lock)[1];
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache");
  const home = join(cache, "eventfold", `wasm-bindgen-${version}`);
  const tool = join(home, "bin", "wasm-bindgen");
  try {
    execFileSync(tool, ["--version"]);
  } catch {
    const install = ["install", "--quiet", "--root", home, "--version", version, "wasm-bindgen-cli"];
    try {
      run("cargo", [...install, "--locked"]);
    } catch {
      // A registry that lags behind may lack a version that the tool's own lock file names.
      run("cargo", install);
    }
  }
  return tool;
}

function run(command, args, env = {}) {
  execFileSync(command, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ["ignore", "ignore", "inherit"],
  });
}
