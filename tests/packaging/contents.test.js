// What is in the package, what is not, and that it is the same whoever builds it.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";

import { copyOfSources } from "./support/copy.js";
import { built, pack, root } from "./support/package.js";

const { buildSync, transformSync } = createRequire(join(root, "wasm/package.json"))("esbuild");

const packed = pack();
const { files } = packed;
const manifest = JSON.parse(readFileSync(join(built, "package.json"), "utf8"));
const read = (file) => readFileSync(join(built, file), "utf8");

test("it holds these files and no others", () => {
  const list = readFileSync(new URL("contents.txt", import.meta.url), "utf8").trim().split("\n");
  const unlisted = files.filter((file) => !list.includes(file));
  const missing = list.filter((file) => !files.includes(file));
  assert.deepEqual({ unlisted, missing }, { unlisted: [], missing: [] }, "see contents.txt");
});

test("its readme's links lead to the repository, which holds what they name", () => {
  const links = [...read("README.md").matchAll(/\]\(([^)]+)\)/g)].map(([, link]) => link);
  assert.ok(links.length > 3, `${links.length}`);
  const dead = links.filter((link) => {
    const path = /^https:\/\/github\.com\/[^/]+\/[^/]+\/blob\/HEAD\/(.+)$/.exec(link)?.[1];
    return !path || !existsSync(join(root, path));
  });
  assert.deepEqual(dead, []);
});

test("it needs no other package and runs nothing when it is installed", () => {
  for (const field of ["dependencies", "peerDependencies", "optionalDependencies", "scripts"]) {
    assert.equal(manifest[field], undefined, field);
  }
});

test("what its package.json names is there", () => {
  const named = (value) =>
    typeof value === "string" ? [value] : Object.values(value).flatMap(named);
  const { exports, main, module, types, sideEffects } = manifest;
  const all = named({ exports, main, module, types, sideEffects });
  assert.ok(all.length > 20, `${all.length}`);
  const missing = all.filter((file) => !files.includes(file.replace("./", "")));
  assert.deepEqual(missing, []);
});

test("every script that an entry gives has its types, in the same module system", () => {
  const conditions = Object.values(manifest.exports).flatMap((entry) =>
    typeof entry === "string" ? [] : [entry, ...Object.values(entry)],
  );
  const pairs = conditions.filter((condition) => typeof condition.default === "string");
  assert.ok(pairs.length > 10, `${pairs.length}`);
  for (const { types, default: script } of pairs) {
    const expected = script.endsWith("workerd.js") ? "./js/index.js" : script;
    assert.equal(types, expected.replace(/\.(c?)js$/, ".d.$1ts"));
  }
});

const FORBIDDEN = {
  "evaluates text": /\beval\s*\(|(?<!["'`])\bFunction\s*\(/,
  "asks the network": /\b(fetch|XMLHttpRequest|WebSocket|EventSource|sendBeacon|importScripts)\s*\(/,
  "loads what is not known beforehand": /\b(import|require)\s*\(\s*[^"'\s]/,
  "has lost import.meta": /\bimport_meta\b/,
};

/** What a script does that none of the package may. */
function offences(contents) {
  const quiet = { legalComments: "none", logLevel: "silent", target: "es2022" };
  try {
    // Whether it waits while it is loaded: nothing that is required can.
    transformSync(contents, { ...quiet, format: "cjs" });
    const { metafile } = buildSync({
      ...quiet, stdin: { contents }, bundle: true, write: false, metafile: true,
      format: "esm", external: ["./*", "../*", "node:*"],
    });
    const [{ imports }] = Object.values(metafile.outputs);
    const foreign = imports.find(({ path }) => !/^(\.|node:)/.test(path));
    if (foreign) return [`loads ${foreign.path}`];
  } catch (error) {
    return [error.errors[0].text];
  }
  const { code } = transformSync(contents, quiet);
  return Object.keys(FORBIDDEN).filter((offence) => FORBIDDEN[offence].test(code));
}

test("no script evaluates text, asks the network or waits while it is loaded", () => {
  const scripts = files.filter((file) => /\.c?js$/.test(file));
  assert.ok(scripts.length > 30, `${scripts.length}`);
  for (const file of scripts) assert.deepEqual(offences(read(file)), [], file);
});

test("a script that does so is found", () => {
  for (const code of [
    "await load();",
    "new Function('return 1')();",
    "Function('return 1')();",
    "eval ('1');",
    "const answer = () => fetch (place);",
    "import x from 'https://example.com/x.js'; x();",
    "import('https://example.com/x.js');",
    "import 'left-pad';",
    "export * from 'left-pad';",
    "const x = require('left-pad');",
    "const x = import(place);",
    "new WebSocket(place);",
    "const import_meta = {};",
  ]) {
    assert.equal(offences(code).length, 1, code);
  }
  for (const code of [
    "// eval(1), fetch(2)\nimport x from './x.js'; import y from 'node:fs'; import('./z.js');",
    "typeof globalThis.importScripts === 'function';",
    "throw new Error('not from \"here\"');",
    "const fs = require('node:fs'); const x = require('../x.cjs');",
  ]) {
    assert.deepEqual(offences(code), [], code);
  }
});

test("its scripts are the same when they are built elsewhere", (t) => {
  const copy = copyOfSources(t, { module: true });
  copy.build("--script");
  assert.equal(pack(join(copy.dir, "wasm/package")).sha256, packed.sha256);
});
