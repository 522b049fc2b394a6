// The wasm module: built, bound, made small, and inlined.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { buildSync } from "esbuild";

const root = fileURLToPath(new URL("../..", import.meta.url));
const TARGET = "wasm32-unknown-unknown";

/** The compiler: the module is the same bytes wherever it is built. */
const RUST = "1.95.0";

/**
 * Without the text of panics, which nobody would see: they trap at once, also those of the standard
 * library, which is built along for that. Stable compilers take these flags when they are asked
 * twice.
 */
const FLAGS = {
  RUSTC_BOOTSTRAP: "1",
  // Encoded: a directory's name may hold spaces.
  CARGO_ENCODED_RUSTFLAGS: [
    "-Zlocation-detail=none",
    // Nor what `{:?}` shows: messages for users are written without it.
    "-Zfmt-debug=none",
    "-Zunstable-options",
    "-Cpanic=immediate-abort",
    "-Ctarget-feature=+simd128",
    `--remap-path-prefix=${root}=.`,
    `--remap-path-prefix=${process.env.CARGO_HOME ?? join(homedir(), ".cargo")}=cargo`,
  ].join("\x1f"),
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

/** What of WebAssembly's tools makes the smallest module, tried out. */
const OPTIMIZE = ["--flatten", "--rereloop", "-Oz", "-Oz", "--one-caller-inline-max-function-size=0"];

export function buildModule(out) {
  needCompiler();
  build(out, []);
  // The same without what writes compressed archives, to the same script.
  const slim = join(out, "slim");
  build(slim, ["--no-default-features"]);
  const glue = join(out, "eventfold.js");
  if (!readFileSync(glue).equals(readFileSync(join(slim, "eventfold.js")))) {
    throw new Error("the slim module does not fit the script of the other");
  }
  renameSync(join(slim, "eventfold.wasm"), join(out, "slim.wasm"));
  rmSync(slim, { recursive: true });
  withoutLoading(glue);
  inline(join(out, "eventfold.wasm"), join(out, "inlined.js"));
}

function build(out, features) {
  const target = join(process.env.CARGO_TARGET_DIR ?? join(root, "target"), "npm");
  run(
    "cargo",
    [
      // As a library too, cargo would link it without optimising over crates.
      `+${RUST}`, "rustc", "--lib", "--crate-type", "cdylib", "--quiet", "--locked",
      "--profile", "npm", "-p", "eventfold-wasm", "--target", TARGET, "--target-dir", target,
      "-Zbuild-std=std,panic_abort", "-Zbuild-std-features=optimize_for_size", ...features,
    ],
    FLAGS,
  );
  run(bindgen(), [
    "--target", "web", "--no-typescript", "--omit-default-module-path",
    "--out-name", "eventfold", "--out-dir", out,
    join(target, TARGET, "npm", "eventfold_wasm.wasm"),
  ]);
  const bound = join(out, "eventfold_bg.wasm");
  optimize(bound, join(out, "eventfold.wasm"), join(target, "optimized", basename(out)));
  rmSync(bound);
  rmSync(join(out, "snippets"), { recursive: true, force: true });
}

/** Takes half a minute, so what comes out is kept for the next time that the same goes in. */
function optimize(module, out, cache) {
  const wasmOpt = join(root, "wasm/node_modules/binaryen/bin/wasm-opt");
  const args = [...OPTIMIZE, "--strip-producers", "--strip-target-features", ...FEATURES];
  const version = readFileSync(join(wasmOpt, "../../package.json"));
  const hash = createHash("sha256").update(readFileSync(module)).update(version).update(`${args}`);
  const kept = join(cache, `${hash.digest("hex")}.wasm`);
  if (!existsSync(kept)) {
    rmSync(cache, { recursive: true, force: true });
    mkdirSync(cache, { recursive: true });
    run(process.execPath, [wasmOpt, ...args, module, "-o", `${kept}.new`]);
    renameSync(`${kept}.new`, kept);
  }
  copyFileSync(kept, out);
}

/** Leaves out the glue's way of fetching the module: no script of the package asks the network. */
function withoutLoading(glue) {
  buildSync({
    // What is exported by name; the way of fetching is the default.
    stdin: { contents: 'export * from "./eventfold.js";', resolveDir: dirname(glue) },
    absWorkingDir: dirname(glue),
    outfile: glue,
    banner: { js: 'import { TextDecoder, TextEncoder } from "../js/runtime.js";' },
    allowOverwrite: true,
    bundle: true,
    format: "esm",
    target: "es2022",
  });
}

/**
 * The module as a script, for bundlers that know nothing of wasm: compressed before it is made
 * text, since text does not compress well.
 */
function inline(module, script) {
  const base64 = gzipSync(readFileSync(module), { level: 9 }).toString("base64");
  writeFileSync(script, `export const gzipped =\n  "${base64}";\n`);
}

function needCompiler() {
  try {
    const list = ["component", "list", "--installed", "--toolchain", RUST];
    const there = execFileSync("rustup", list, {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    if (there.includes(`rust-std-${TARGET}`) && there.includes("rust-src")) return;
  } catch {
    // Not installed at all.
  }
  const install = ["toolchain", "install", RUST, "--profile", "minimal"];
  run("rustup", [...install, "--target", TARGET, "--component", "rust-src"]);
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
