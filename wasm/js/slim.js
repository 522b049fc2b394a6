// The entry without the module: the caller gives one of two, as bytes or compiled.

import { BadArgumentError } from "./errors.js";
import { provide } from "./module.js";

export * from "./api.js";

/** Gives the module. Before the first `open`. */
export function init(module) {
  if (module === undefined || module === null) {
    throw new BadArgumentError("init takes the bytes of slim.wasm or module.wasm, or the compiled module");
  }
  provide(() => module);
}
