// The package in the runtimes that need no bundler, by import and by require, over a log in memory
// and one in a directory.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, describe, test } from "node:test";

import { assertOutcome, consumer } from "./support/consumer.js";
import { root } from "./support/package.js";
import { runtimes } from "./support/run.js";

let project;
before(async () => (project = await consumer("node")));

const all = {
  // What the package asks for at least. It cannot require modules, so the twins are what it loads.
  "Node 20.0": [join(root, "tests/packaging/consumers/node/node_modules/.bin/node")],
  ...runtimes,
};

for (const [name, command] of Object.entries(all)) {
  describe(name, { concurrency: true }, () => {
    for (const main of ["main.js", "main.cjs"]) {
      test(`${main}: in memory and in a directory`, async () => {
        const dir = mkdtempSync(join(tmpdir(), "eventfold-"));
        try {
          assertOutcome(await project.run([...command, main, dir]), 2);
        } finally {
          rmSync(dir, { recursive: true });
        }
      });
    }

    for (const slim of ["slim.js", "slim.cjs"]) {
      test(`${slim}: with the module from its file`, async () => {
        assertOutcome(await project.run([...command, slim]));
      });
    }
  });
}
