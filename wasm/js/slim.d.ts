export * from "./api.js";

/**
 * Gives the module, as bytes or as what `WebAssembly.compile` made of them. `eventfold/slim.wasm`
 * stores what `rotate` moves into the archive as it is; `eventfold/module.wasm`, a third
 * larger when gzipped, compresses it, often to less than a fourth. Both read every archive, as any
 * zstd does.
 *
 * To be called before the first `open`; of several calls in a program the first one counts.
 *
 * Throws a `BadArgumentError` when given nothing. Anything else that is not a module makes `open`
 * reject with what WebAssembly says.
 */
export function init(module: ArrayBuffer | ArrayBufferView | CompiledModule): void;

/** A `WebAssembly.Module`. Neither a promise nor a response: those are awaited and read first. */
export interface CompiledModule {
  then?: never;
  arrayBuffer?: never;
}
