import * as eventfold from "eventfold";
import { indexedDbHost } from "eventfold/indexeddb";
import module from "eventfold/slim.wasm?url";
import * as slim from "eventfold/slim";

import { program } from "./program.js";
import { tabs } from "./tabs.js";

async function main() {
  slim.init(await (await fetch(module)).arrayBuffer());
  return [
    await program(slim, slim.memoryHost()),
    await program(eventfold, eventfold.memoryHost()),
    await program(eventfold, indexedDbHost("log")),
    await tabs(),
  ].join("\n");
}

globalThis.outcome = main();
