// The module, once it is loaded. Entries give it in (`provide`), everything else takes it from
// here: a program has one, whatever entries it imports.

import { byCode } from "./codes.js";
import { EventfoldError, PanicError, UnsupportedError } from "./errors.js";
import * as glue from "../module/eventfold.js";

/** @type {undefined | (() => BufferSource | WebAssembly.Module | Promise<BufferSource | WebAssembly.Module>)} */
let source;
/** @type {Promise<typeof glue> | undefined} */
let loading;
let panicked = false;

/** Says where the module comes from. The first entry that is imported decides. */
export function provide(from) {
  source ??= from;
}

/**
 * The class, as an entry exports it that brings the module. A bundler cannot take the one without
 * the other then, whatever it makes of side effects, and leaves out both where neither is used.
 */
export function withModule(from, Class) {
  provide(from);
  return Class;
}

/** The module's exports. */
export function load() {
  loading ??= (async () => {
    if (!source) {
      throw new UnsupportedError(
        'the module was not given: import "eventfold", or call init(wasm) of "eventfold/slim"',
      );
    }
    const from = await source();
    glue.initSync({ module: from instanceof WebAssembly.Module ? from : new WebAssembly.Module(from) });
    return glue;
  })();
  loading.catch(() => {
    loading = undefined;
  });
  return loading;
}

/** Calls into the module; what it throws becomes an error of the package. */
export function call(work) {
  if (panicked) throw new PanicError(PANICKED);
  try {
    return work();
  } catch (error) {
    // A host may have stopped it in the midst of this by another log, and thrown something else.
    const stopped = panicked;
    // Before anything is called, which at the end of the stack throws.
    panicked = true;
    const known = knownOf(error);
    panicked = stopped || known.code === "panic";
    throw known;
  }
}

/** Gives back what the module made. One that panicked lets nothing be freed. */
export function free(object) {
  if (!panicked) call(() => object?.free());
}

const PANICKED =
  "the module stopped in the middle of a call, at the end of the stack or the memory or by a bug of " +
  "eventfold; what was acknowledged is in the log: load the program anew";

function knownOf(error) {
  if (error instanceof EventfoldError) return error;
  const Known = byCode.get(error?.code);
  // A trap, or a full stack or memory: the module's state is not to be trusted any more.
  if (!Known) return new PanicError(PANICKED, {}, error);
  const { code: _, cause, message, ...fields } = error;
  return new Known(error.message, fields, cause);
}
