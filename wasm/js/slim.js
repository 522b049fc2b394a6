// The entry without the module: the caller gives it, as bytes or compiled.

import { BadArgumentError } from "./errors.js";
import { provide } from "./module.js";

export * from "./api.js";

/** Says where the module, `eventfold/module.wasm`, is to be had. Before the first `open`. */
export function init(module) {
  if (module === undefined || module === null) {
    throw new BadArgumentError("init takes the bytes of eventfold/module.wasm, or the compiled module");
  }
  provide(() => module);
}
