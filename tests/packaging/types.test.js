// The types, as programs in TypeScript meet them, and whether they tell of what is there.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";

import { consumer } from "./support/consumer.js";
import { built, root } from "./support/package.js";

const folder = join(root, "tests/packaging/consumers/typescript");
const requireTool = createRequire(join(folder, "package.json"));

describe("programs that use the package compile, lines that misuse it do not", { concurrency: 2 }, () => {
  let project;
  before(async () => (project = await consumer("typescript")));

  for (const compiler of ["typescript-5", "typescript"]) {
    const { version } = requireTool(`${compiler}/package.json`);
    for (const config of ["bare", "old", "node", "preserve", "worker"]) {
      test(`TypeScript ${version}, tsconfig.${config}.json`, async () => {
        const tsc = join(folder, "node_modules", compiler, "bin/tsc");
        const args = ["--pretty", "false", "-p", `tsconfig.${config}.json`];
        await project.run([process.execPath, tsc, ...args]);
      });
    }
  }
});

describe("the types name what is there, and nothing else", async () => {
  const ts = requireTool("typescript-5");
  const manifest = JSON.parse(readFileSync(join(built, "package.json"), "utf8"));
  const entries = Object.entries(manifest.exports)
    .map(([name, entry]) => ({ name, ...(entry.types ? entry : entry.default) }))
    .filter(({ types }) => types)
    .map(({ name, types, default: script }) => ({
      name, types: join(built, types), script: join(built, script),
    }));
  const program = ts.createProgram(entries.map(({ types }) => types), {
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    lib: ["lib.es2022.d.ts", "lib.dom.d.ts"],
    types: [],
  });
  const checker = program.getTypeChecker();

  /** What a file declares as exported. */
  const declared = (file) =>
    checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(file)));
  const resolved = (symbol) =>
    symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  const isValue = (symbol) =>
    resolved(symbol).flags & ts.SymbolFlags.Value &&
    !symbol.declarations.some(ts.isTypeOnlyImportOrExportDeclaration);

  for (const { name, types, script } of entries) {
    test(`exports of ${join("eventfold", name)}`, async () => {
      const values = declared(types).filter(isValue);
      const real = await import(pathToFileURL(script));
      assert.deepEqual(values.map(({ name }) => name).sort(), Object.keys(real).sort());
    });
  }

  const eventfold = await import(pathToFileURL(join(built, "js/index.js")));
  const namesIn = (file) =>
    new Map(declared(join(built, file)).map((symbol) => [symbol.name, resolved(symbol)]));
  const names = namesIn("js/index.d.ts");

  /** Members with whether they are methods: `["close()", "position"]`. */
  const membersOfType = (type) =>
    checker
      .getPropertiesOfType(type)
      .filter(({ name }) => name !== "prototype")
      .map(({ name, flags }) => {
        const [, symbol] = name.split("__@");
        const plain = symbol ? `[${symbol.split("@")[0]}]` : name;
        return flags & ts.SymbolFlags.Method ? `${plain}()` : plain;
      })
      .sort();

  const membersOfObject = (object, end = Object.prototype) => {
    const found = new Set();
    for (let at = object; at && at !== end; at = Object.getPrototypeOf(at)) {
      for (const key of Reflect.ownKeys(at)) {
        // What starts with an underscore is for the package itself.
        if (/^(constructor$|_)/.test(String(key)) || key === inspect.custom) continue;
        const name = SYMBOLS.get(key) ?? String(key);
        const { value } = Object.getOwnPropertyDescriptor(at, key);
        found.add(typeof value === "function" ? `${name}()` : name);
      }
    }
    return [...found].sort();
  };

  const typeOf = (name, among = names) => checker.getDeclaredTypeOfSymbol(among.get(name));

  test("members of classes and results", async () => {
    const { EventLog, EventReader, memoryHost } = eventfold;
    const host = memoryHost();
    const log = await EventLog.open(host);
    const reader = await EventReader.open(host);
    const event = { type: "happened", data: 1, ts: 1 };
    const samples = {
      EventLog: log,
      EventReader: reader,
      Recovery: log.recovery,
      End: log.end(),
      Appended: log.append(event),
      LogEvent: log.read().next().value,
      Rotation: log.rotate(),
    };
    for (const [name, sample] of Object.entries(samples)) {
      assert.deepEqual(membersOfType(typeOf(name)), membersOfObject(sample), name);
    }
    await Promise.all([log.close(), reader.close()]);
  });

  test("members of a log in tabs", async () => {
    const { TabLog } = await import(pathToFileURL(join(built, "tabs/client.js")));
    const type = typeOf("TabLog", namesIn("tabs/client.d.ts"));
    assert.deepEqual(membersOfType(type), membersOfObject(TabLog.prototype));
  });

  const classes = Object.entries(eventfold).filter(([name]) => /^[A-Z]/.test(name));

  test("static members of classes", () => {
    assert.ok(classes.length > 15, `${classes.length}`);
    for (const [name, real] of classes) {
      const type = checker.getTypeOfSymbol(names.get(name));
      const own = membersOfType(type).filter((name) => !OF_EVERY_ERROR.test(name));
      const found = membersOfObject(real, Function.prototype).filter(
        (name) => !/^(length|name|prototype)(\(\))?$/.test(name) && !OF_EVERY_ERROR.test(name),
      );
      assert.deepEqual(own, found, name);
    }
  });

  test("codes of errors", () => {
    const errors = classes.filter(([name]) => /.Error$/.test(name) && name !== "EventfoldError");
    assert.ok(errors.length > 14, `${errors.length}`);
    for (const [name, Class] of errors) {
      const code = checker.getTypeOfSymbol(typeOf(name).getProperty("code"));
      assert.equal(code.value, new Class("message").code, name);
    }
  });
});

const SYMBOLS = new Map([
  [Symbol.dispose, "[dispose]"],
  [Symbol.asyncDispose, "[asyncDispose]"],
]);

/** Static members of `Error`, of which a runtime's types know some and not others. */
const OF_EVERY_ERROR = /^(captureStackTrace|stackTraceLimit|prepareStackTrace|isError)(\(\))?$/;
