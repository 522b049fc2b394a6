// A dedicated worker of a page.

import { EventLog, EventReader } from "eventfold";
import { exportDirectory, importDirectory, opfsHost } from "eventfold/opfs";

export async function main(signal: AbortSignal) {
  const host = opfsHost("log", { wait: true, signal });
  const log = await EventLog.open(host);
  log.append({ type: "happened", data: 1 });
  await log.close();
  const reader = await EventReader.open(host);
  await reader.refresh();
  postMessage([...reader.read()].length);
  // @ts-expect-error: the files of a directory, or pairs
  await importDirectory("copy", "log");
  return importDirectory("copy", await exportDirectory("log"));
}
