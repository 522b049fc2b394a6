// The module that comes with the script, unpacked.

import { gzipped } from "../module/inlined.js";
import { UnsupportedError } from "./errors.js";
import { builtin } from "./runtime.js";

export function inlined() {
  const bytes = Uint8Array.from(atob(gzipped), (char) => char.charCodeAt(0));
  const zlib = builtin("node:zlib");
  if (zlib) return zlib.gunzipSync(bytes);
  if (typeof DecompressionStream === "undefined") {
    throw new UnsupportedError(
      "this runtime has no DecompressionStream to unpack the module with: import " +
        '"eventfold/slim" and give its init the bytes of eventfold/module.wasm',
    );
  }
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}
