// Makes the npm package in `wasm/package`. Needs rustup, Node, and `npm ci` in `wasm`.

import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { buildModule } from "./module.js";
import { manifest } from "./manifest.js";
import { sizes } from "./sizes.js";
import { twins } from "./twins.js";

const wasm = new URL("..", import.meta.url).pathname;
const out = join(wasm, "package");

rmSync(out, { recursive: true, force: true });
mkdirSync(join(out, "module"), { recursive: true });
for (const folder of ["js", "hosts", "tabs"]) {
  cpSync(join(wasm, folder), join(out, folder), { recursive: true });
}
for (const file of ["README.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE"]) {
  cpSync(join(wasm, "..", file), join(out, file));
}
buildModule(join(out, "module"));
twins(out);
const { version, description, license, repository, keywords, engines } = JSON.parse(
  readFileSync(join(wasm, "package.json"), "utf8"),
);
writeFileSync(
  join(out, "package.json"),
  `${JSON.stringify(manifest({ version, description, license, repository, keywords, engines }), null, 2)}\n`,
);
sizes(out);
