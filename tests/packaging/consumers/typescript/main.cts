// A program that is loaded by require.

import eventfold = require("eventfold");
import { nodeHost } from "eventfold/node";
import slim = require("eventfold/slim");

async function main(): Promise<number> {
  const log = await eventfold.EventLog.open(nodeHost("log"), {
    views: { count: { initial: 0, reduce: (count) => count + 1 } },
  });
  const reader: eventfold.EventReader = log;
  const host: eventfold.Host = slim.memoryHost();
  // @ts-expect-error: there is no default
  eventfold.default;
  // @ts-expect-error: there is no such view
  log.view("counts");
  try {
    log.append({ type: "a", data: 1 });
  } catch (error) {
    if (error instanceof eventfold.StorageError) return error.file?.length ?? 0;
  }
  return [...reader.read()].length + log.view("count") + host.name.length;
}

export = main;
