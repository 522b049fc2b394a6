const eventfold = require("eventfold");
const { nodeHost } = require("eventfold/node");

const { program } = require("./program.cjs");

(async () => {
  console.log(await program(eventfold, eventfold.memoryHost()));
  console.log(await program(eventfold, nodeHost(process.argv[2])));
})();
