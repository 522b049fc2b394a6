// Whether the package is the same bytes when it is built from nothing in another directory.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { copyOfSources } from "./support/copy.js";
import { built, pack } from "./support/package.js";

test("the module and the tarball are the same when they are built elsewhere", (t) => {
  const copy = copyOfSources(t, { module: false });
  copy.build();
  const there = join(copy.dir, "wasm/package");
  for (const module of ["module/eventfold.wasm", "module/slim.wasm"]) {
    assert.ok(readFileSync(join(built, module)).equals(readFileSync(join(there, module))), module);
  }
  assert.equal(pack(there).sha256, pack().sha256);
});
