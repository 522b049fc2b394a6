// Makes the npm package in `wasm/package`. Needs rustup, Node, and `npm ci` in `wasm`.
// `--script` keeps the wasm module of the last build, for when only JavaScript changed.

import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { buildModule } from "./module.js";
import { manifest } from "./manifest.js";
import { sizes } from "./sizes.js";
import { twins } from "./twins.js";

const wasm = fileURLToPath(new URL("..", import.meta.url));
const out = join(wasm, "package");
const module = join(out, "module");

if (!process.argv.includes("--script") || !existsSync(join(module, "eventfold.wasm"))) {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(module, { recursive: true });
  buildModule(module);
}
for (const folder of ["js", "hosts", "tabs"]) {
  rmSync(join(out, folder), { recursive: true, force: true });
  cpSync(join(wasm, folder), join(out, folder), { recursive: true });
}
const { version, description, license, repository, keywords, engines } = JSON.parse(
  readFileSync(join(wasm, "package.json"), "utf8"),
);
for (const file of ["CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE"]) {
  cpSync(join(wasm, "..", file), join(out, file));
}
// The readme's links are to files of the repository, most of which the package does not hold.
const files = `${repository.url.replace(/^git\+|\.git$/g, "")}/blob/HEAD/`;
const readme = readFileSync(join(wasm, "../README.md"), "utf8");
writeFileSync(join(out, "README.md"), readme.replace(/\]\((?!https?:)/g, `](${files}`));
twins(out);
writeFileSync(
  join(out, "package.json"),
  `${JSON.stringify(manifest({ version, description, license, repository, keywords, engines }), null, 2)}\n`,
);
sizes(out);
