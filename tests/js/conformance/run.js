// The conformance suite of all stores, over the files of a host, in any runtime:
//
//   import { instantiate } from "./module/conformance.js"; // made by `build_conformance`
//   const module = new WebAssembly.Module(bytes of "./module/conformance.wasm");
//   const { passed, failed } = await runConformance({
//     module,
//     instantiate,
//     makePlace: async () => aHostOfAnEmptyPlace.open("write"),
//   });
//   // passed: [name], failed: [{ name, error }]
//
// The cases are synchronous and want new places in the midst of their work, several at a time, so
// `places` of them (4, or as said) are made beforehand and given out again and again, wiped. After
// each case what was written behind is waited for, and every place is closed at the end.

/** @typedef {import("../../../wasm/hosts/host").Files} Files */

/**
 * @param {object} options
 * @param {WebAssembly.Module} options.module
 * @param {(module: WebAssembly.Module) => any} options.instantiate
 * @param {(number: number) => Files | Promise<Files>} options.makePlace opens an empty place
 * @param {number} [options.places] how many to make
 * @param {(name: string) => boolean} [options.only] which cases to run; all, unless said
 * @param {(files: Files, name: string) => unknown} [options.afterEach] looks at each place that a
 *   case had, once what it wrote behind is done, and throws when something is wrong with it
 * @returns {Promise<{ passed: string[], failed: { name: string, error: string }[] }>}
 */
export async function runConformance({
  module,
  instantiate,
  makePlace,
  places: count = 4,
  only = () => true,
  afterEach = () => {},
}) {
  const places = [];
  const passed = [];
  const failed = [];
  try {
    for (let number = 0; number < count; number += 1) places.push(placeOf(await makePlace(number)));
    let instance = instantiate(module);
    for (const name of instance.cases().filter(only)) {
      const pool = poolOf(places);
      try {
        instance.run(name, pool);
        for (const { files, used } of places) {
          if (!used) continue;
          await files.durable?.();
          await afterEach(files, name);
        }
        passed.push(name);
      } catch (error) {
        failed.push({ name, error: pool.message ?? described(error) });
        instance = instantiate(module);
      }
    }
  } finally {
    for (const { files } of places) await files.close();
  }
  return { passed, failed };
}

/** What the module asks for places during one case. */
function poolOf(places) {
  const free = places.slice();
  for (const place of places) place.used = false;
  return {
    /** @type {string | undefined} */
    message: undefined,

    empty() {
      const place = free.pop();
      if (!place) throw new Error(`more than ${places.length} places at once: make more`);
      place.used = true;
      wipe(place);
      return place.seen;
    },

    release(seen) {
      free.push(places.find((place) => place.seen === seen));
    },

    panicked(message) {
      this.message ??= message;
    },
  };
}

/** The files with those of them known that may exist. */
function placeOf(files) {
  const written = new Set();
  const writing = (method) => (name, data) => {
    written.add(name);
    return files[method](name, data);
  };
  const seen = {
    len: (name) => files.len(name),
    readAt: (name, offset, into) => files.readAt(name, offset, into),
    append: writing("append"),
    truncate: writing("truncate"),
    replace: writing("replace"),
    sync: (name) => files.sync(name),
    remove: (name) => files.remove(name),
  };
  return { files, seen, written, used: false };
}

function wipe({ files, written }) {
  for (const name of written) {
    // A host may hold its lock on the log's own file.
    if (name === "app.jsonl") files.truncate(name, 0);
    else files.remove(name);
    if (files.len(name) !== 0) throw new Error(`${name} is not empty after it was removed`);
  }
  written.clear();
}

function described(error) {
  const { message, stack, cause } = Object(error);
  const text = message === undefined ? String(error) : `${message}\n${stack}`;
  return cause === undefined ? text : `${text}\ncaused by ${described(cause)}`;
}
