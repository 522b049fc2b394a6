import * as eventfold from "eventfold";
import { nodeHost } from "eventfold/node";
import { expect, test } from "vitest";

import { program } from "./program.js";

test("a log in memory", async () => {
  const outcome = await program(eventfold, eventfold.memoryHost());
  console.log(outcome);
  expect(JSON.parse(outcome).second).toBe("locked");
});

test("a log in a directory", async () => {
  console.log(await program(eventfold, nodeHost(process.env.LOG)));
});
