// A program without the types of the web or of Node.

import { EventLog, EventReader, memoryHost, UnsupportedError } from "eventfold";
import { durableObjectHost } from "eventfold/durable-object";
import { indexedDbHost } from "eventfold/indexeddb";
import { nodeHost } from "eventfold/node";
import { init } from "eventfold/slim";

export async function main(bytes: Uint8Array) {
  init(bytes);
  const log = await EventLog.open(memoryHost(), {
    views: { count: { initial: 0, reduce: (count) => count + 1 } },
  });
  log.append({ type: "a", data: 1 });
  const count: number = log.view("count");
  for await (const { position } of log.tail()) if (position) break;
  for (const host of [nodeHost("log", { lock: "none" }), nodeHost("log", { lock: undefined }), indexedDbHost("log")]) {
    await EventReader.open(host);
  }
  // @ts-expect-error: that is no storage
  durableObjectHost({});
  // @ts-expect-error: there is no such lock
  nodeHost("log", { lock: "mutex" });
  return [count, UnsupportedError];
}
