// What a page loads, gzipped.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { buildSync } from "esbuild";

export function sizes(out) {
  const bundle = (file) =>
    buildSync({
      entryPoints: [join(out, file)],
      bundle: true,
      minify: true,
      format: "esm",
      write: false,
      external: ["*.wasm", "node:*"],
    }).outputFiles[0].contents;
  const kb = (...parts) =>
    (parts.reduce((sum, part) => sum + gzipSync(part, { level: 9 }).length, 0) / 1000).toFixed(1);
  const slim = bundle("js/slim.js");
  const wasm = (file) => readFileSync(join(out, "module", file));
  const rows = [
    ["eventfold", kb(bundle("js/index.js"))],
    ["eventfold/slim, slim.wasm", kb(slim, wasm("slim.wasm"))],
    ["eventfold/slim, module.wasm", kb(slim, wasm("eventfold.wasm"))],
    ["  of each the script", kb(slim)],
  ];
  for (const [name, size] of rows) console.log(`${name.padEnd(32)} ${size.padStart(7)} KB gzipped`);
}
