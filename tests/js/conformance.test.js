// The runner itself, and the host in memory.

import assert from "node:assert/strict";
import { test } from "node:test";

import { memoryFiles } from "../../wasm/hosts/memory-files.js";
import { memoryHost } from "../../wasm/hosts/memory.js";
import { runConformance } from "./conformance/run.js";
import { suite } from "./support/suite.js";

test("the host in memory conforms", async () => {
  const makePlace = () => memoryHost().open("write");
  const { passed, failed } = await runConformance({ ...suite(), makePlace });
  assert.deepEqual(failed, []);
  assert.equal(passed.length, suite().count);
});

test("a host that is wrong fails cases, each with its reason, and the others run", async () => {
  const makePlace = () => {
    const files = memoryFiles();
    return { ...files, truncate: (name, length) => files.truncate(name, length + (length && 1)) };
  };
  const { passed, failed } = await runConformance({ ...suite(), makePlace });
  const names = failed.map(({ name }) => name);
  assert.ok(names.includes("store::cutting_keeps_what_is_before"), `${names}`);
  assert.match(failed[0].error, /panicked at tests.src.cases.store\.rs/);
  assert.ok(passed.includes("events::every_field_reads_back_equal"));
  assert.equal(passed.length + failed.length, suite().count);
});

test("a host that throws fails the case with what it threw", async () => {
  const makePlace = () => ({
    ...memoryFiles(),
    replace() {
      throw new Error("the quota is exceeded");
    },
  });
  const only = (name) => name === "store::replacing_sets_the_whole_content";
  const { failed } = await runConformance({ ...suite(), makePlace, only });
  assert.match(failed[0].error, /the quota is exceeded/);
});
