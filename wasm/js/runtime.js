// What a test runner's imitation of a browser leaves out, taken from the Node below it.

/** A module of Node's own, where there are such modules. No bundler looks for it. */
export const builtin = (name) => globalThis.process?.getBuiltinModule?.(name);

const util = builtin("node:util");

export const TextDecoder = globalThis.TextDecoder ?? util?.TextDecoder;
export const TextEncoder = globalThis.TextEncoder ?? util?.TextEncoder;
export const structuredClone =
  globalThis.structuredClone ?? ((value) => JSON.parse(JSON.stringify(value)));
