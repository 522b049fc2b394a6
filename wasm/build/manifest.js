// The package's own package.json.

const module = (file) => ({ types: `./${file}.d.ts`, default: `./${file}.js` });

// A program gets one copy of the errors, whichever entries it loads: where `require` can load
// modules, it gets the modules, from each entry.
const entry = (file) => ({
  "module-sync": module(file),
  bun: module(file),
  require: { types: `./${file}.d.cts`, default: `./${file}.cjs` },
  default: module(file),
});

export function manifest(meta) {
  return {
    name: "eventfold",
    ...meta,
    type: "module",
    sideEffects: ["./tabs/worker.js"],
    main: "./js/index.cjs",
    module: "./js/index.js",
    types: "./js/index.d.ts",
    exports: {
      ".": {
        workerd: { types: "./js/index.d.ts", default: "./js/workerd.js" },
        ...entry("js/index"),
      },
      "./slim": entry("js/slim"),
      "./module.wasm": "./module/eventfold.wasm",
      "./slim.wasm": "./module/slim.wasm",
      "./node": entry("hosts/node"),
      "./opfs": module("hosts/opfs"),
      "./indexeddb": entry("hosts/indexeddb"),
      "./durable-object": module("hosts/durable-object"),
      "./tabs": module("tabs/client"),
      "./tabs/worker": "./tabs/worker.js",
      "./package.json": "./package.json",
    },
  };
}
