// A page, and what its worker loads.

import { EventLog, memoryHost } from "eventfold";
import { indexedDbHost } from "eventfold/indexeddb";
import { init } from "eventfold/slim";
import { LeaderLostError, TabLog } from "eventfold/tabs";
import "eventfold/tabs/worker";

export async function main() {
  init(await WebAssembly.compileStreaming(fetch("/module.wasm")));
  init(await (await fetch("/module.wasm")).arrayBuffer());
  // @ts-expect-error: a response is read first
  init(await fetch("/module.wasm"));
  const controller = new AbortController();
  for (const host of [memoryHost(), indexedDbHost("log")]) {
    const log = await EventLog.open(host);
    for await (const event of log.tail({ signal: controller.signal })) document.title = event.type;
  }
}

export async function tabs() {
  const log = await TabLog.open("log", {
    views: { count: { initial: 0, reduce: (count) => count + 1 } },
    onRole: (role) => role === "leader",
    worker: () => new Worker(new URL("./worker.mjs", import.meta.url), { type: "module" }),
  });
  const count: number = await log.view("count");
  // @ts-expect-error: there is no such view
  await log.view("counts");
  // @ts-expect-error: what a tab reads is waited for
  for (const event of log.read()) console.log(event);
  const { position } = await log.append({ type: "happened", data: 1 }).catch((error) => {
    if (error instanceof LeaderLostError) return { position: error.position };
    throw error;
  });
  const anyLog: TabLog = log;
  return [count, position, anyLog];
}
