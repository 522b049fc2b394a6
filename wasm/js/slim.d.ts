export * from "./api.js";

/**
 * Gives the module, as bytes or as what `WebAssembly.compile` made of them. `eventfold/slim.wasm`
 * stores what `rotate` moves into the archive as it is; `eventfold/module.wasm`, half as large
 * again, compresses it, often to less than a fourth. Both read every archive, as any zstd does.
 *
 * Before the first `open`; of several calls the first counts, in the whole program.
 *
 * Throws a `BadArgumentError` when given nothing. What is no module is found out by `open`, which
 * rejects with what WebAssembly says.
 */
export function init(module: ArrayBuffer | ArrayBufferView | CompiledModule): void;

/** A `WebAssembly.Module`. Neither a promise nor a response: those are awaited and read first. */
export interface CompiledModule {
  then?: never;
  arrayBuffer?: never;
}
