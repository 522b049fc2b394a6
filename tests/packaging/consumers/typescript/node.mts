// A program with the types of Node.

import { EventLog } from "eventfold";
import { nodeHost } from "eventfold/node";

export async function main(signal: AbortSignal) {
  const log = await EventLog.open(nodeHost(new URL("log", import.meta.url), { lock: "flock" }));
  for await (const event of log.tail({ signal })) console.log(event.ts);
  // @ts-expect-error: a path or a URL
  nodeHost(7);
}
