// The package's own package.json.

const entry = (file) => ({
  require: { types: `./${file}.d.cts`, default: `./${file}.cjs` },
  default: { types: `./${file}.d.ts`, default: `./${file}.js` },
});

const module = (file) => ({ types: `./${file}.d.ts`, default: `./${file}.js` });

export function manifest(meta) {
  return {
    name: "eventfold",
    ...meta,
    type: "module",
    sideEffects: ["./js/index.js", "./js/index.cjs", "./js/workerd.js", "./tabs/worker.js"],
    main: "./js/index.cjs",
    module: "./js/index.js",
    types: "./js/index.d.ts",
    exports: {
      ".": {
        workerd: { types: "./js/index.d.ts", default: "./js/workerd.js" },
        "module-sync": { types: "./js/index.d.ts", default: "./js/index.js" },
        bun: { types: "./js/index.d.ts", default: "./js/index.js" },
        ...entry("js/index"),
      },
      "./slim": entry("js/slim"),
      "./module.wasm": "./module/eventfold.wasm",
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
