// The package as npm packs it.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../..", import.meta.url));

/** Where the package lies that was built. */
export const built = join(root, "wasm/package");

/**
 * Packs a folder. What comes out goes with this process.
 * @returns {{ path: string, sha256: string, files: string[] }} the tarball, and the paths in it
 */
export function pack(folder = built) {
  const into = mkdtempSync(join(tmpdir(), "eventfold-pack-"));
  process.once("exit", () => rmSync(into, { recursive: true, force: true }));
  const args = ["pack", "--json", "--ignore-scripts", "--pack-destination", into];
  const options = { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] };
  const [{ filename, files }] = JSON.parse(execFileSync("npm", args, options));
  const path = join(into, filename);
  const sha256 = createHash("sha256").update(readFileSync(path)).digest("hex");
  return { path, sha256, files: files.map(({ path }) => path).sort() };
}
