const { readFileSync } = require("node:fs");

const slim = require("eventfold/slim");

const { program } = require("./program.cjs");

slim.init(readFileSync(require.resolve("eventfold/slim.wasm")));
program(slim, slim.memoryHost()).then(console.log);
