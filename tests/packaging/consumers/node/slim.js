import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

import * as slim from "eventfold/slim";

import { program } from "./program.js";

slim.init(readFileSync(createRequire(import.meta.url).resolve("eventfold/module.wasm")));
console.log(await program(slim, slim.memoryHost()));
