// The sources in another directory, and the package built there.

import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { built, root } from "./package.js";

/**
 * Copies what git knows and what it would take up. It goes with the test.
 * @param {{ after: (act: () => void) => void }} t
 * @param {{ module: boolean }} options whether the wasm module that was built comes along
 */
export function copyOfSources(t, { module }) {
  const dir = mkdtempSync(join(tmpdir(), "eventfold copy-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const files = execFileSync("git", list, { cwd: root, encoding: "utf8" }).split("\0");
  for (const file of files.filter(Boolean)) {
    if (file.startsWith("tests/packaging/consumers/")) continue;
    mkdirSync(dirname(join(dir, file)), { recursive: true });
    cpSync(join(root, file), join(dir, file));
  }
  symlinkSync(join(root, "wasm/node_modules"), join(dir, "wasm/node_modules"));
  if (module) cpSync(join(built, "module"), join(dir, "wasm/package/module"), { recursive: true });

  return {
    dir,
    build: (...args) =>
      execFileSync(process.execPath, ["build/build.js", ...args], {
        cwd: join(dir, "wasm"),
        env: { ...process.env, CARGO_TARGET_DIR: join(dir, "target") },
        stdio: ["ignore", "ignore", "inherit"],
      }),
  };
}
