import module from "eventfold/slim.wasm";
import * as slim from "eventfold/slim";

import { program } from "./program.js";

slim.init(module);
program(slim, slim.memoryHost()).then(console.log);
