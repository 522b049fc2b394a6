// The conformance module, as Node, Deno and Bun load it.

import { readFileSync } from "node:fs";

import { instantiate } from "../conformance/module/conformance.js";

/** What `runConformance` wants, and how many cases there are. */
export function suite() {
  const bytes = readFileSync(new URL("../conformance/module/conformance.wasm", import.meta.url));
  const module = new WebAssembly.Module(bytes);
  return { module, instantiate, count: instantiate(module).cases().length };
}
