const eventfold = require("eventfold");
const { nodeHost } = require("eventfold/node");

const { program } = require("./program.cjs");

test("a log in memory", async () => {
  const outcome = await program(eventfold, eventfold.memoryHost());
  console.log(outcome);
  expect(JSON.parse(outcome).second).toBe("locked");
});

test("a log in a directory", async () => {
  console.log(await program(eventfold, nodeHost(process.env.LOG)));
});
