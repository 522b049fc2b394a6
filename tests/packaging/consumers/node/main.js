import * as eventfold from "eventfold";
import { nodeHost } from "eventfold/node";

import { program } from "./program.js";

console.log(await program(eventfold, eventfold.memoryHost()));
console.log(await program(eventfold, nodeHost(process.argv[2])));
