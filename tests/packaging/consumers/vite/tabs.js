import { TabLog } from "eventfold/tabs";

const views = { count: { initial: 0, reduce: (count) => count + 1 } };

/** A log in this tab, whose worker the bundler has to find. */
export async function tabs() {
  const log = await TabLog.open("tabs", { views });
  await log.append({ type: "happened", data: 1, ts: 1 });
  await log.rotate();
  await log.append({ type: "happened", data: 2, ts: 1 });
  const positions = [];
  for await (const { position } of log.read()) positions.push(position);
  const count = await log.view("count");
  await log.close();
  return JSON.stringify({ positions, count });
}
