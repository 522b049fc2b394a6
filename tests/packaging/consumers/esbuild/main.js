import * as eventfold from "eventfold";

import { program } from "./program.js";

program(eventfold, eventfold.memoryHost()).then(console.log);
