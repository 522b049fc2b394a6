import { expect, test } from "@jest/globals";
import * as eventfold from "eventfold";
import { nodeHost } from "eventfold/node";

import { program } from "./program.mjs";

test("a log in memory", async () => {
  const outcome = await program(eventfold, eventfold.memoryHost());
  console.log(outcome);
  expect(JSON.parse(outcome).second).toBe("locked");
});

test("a log in a directory", async () => {
  console.log(await program(eventfold, nodeHost(process.env.LOG)));
});
