import * as eventfold from "eventfold";
import { nodeHost } from "eventfold/node";

import { program } from "./program.js";

program(eventfold, nodeHost(process.argv[2])).then(console.log);
