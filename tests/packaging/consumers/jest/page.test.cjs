/** @jest-environment jsdom */

const eventfold = require("eventfold");

const { program } = require("./program.cjs");

test("a log in memory, where a browser is imitated", async () => {
  expect(typeof document).toBe("object");
  console.log(await program(eventfold, eventfold.memoryHost()));
});
