// A page and its worker.

import { EventLog, memoryHost } from "eventfold";
import { indexedDbHost } from "eventfold/indexeddb";
import { opfsHost } from "eventfold/opfs";
import { init } from "eventfold/slim";

export async function main() {
  init(await WebAssembly.compileStreaming(fetch("/module.wasm")));
  init(await (await fetch("/module.wasm")).arrayBuffer());
  // @ts-expect-error: a response is read first
  init(await fetch("/module.wasm"));
  const controller = new AbortController();
  for (const host of [memoryHost(), indexedDbHost("log"), opfsHost("log")]) {
    const log = await EventLog.open(host);
    for await (const event of log.tail({ signal: controller.signal })) document.title = event.type;
  }
}
