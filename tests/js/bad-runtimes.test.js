// Runtimes that lack something, and a module that stops or whose compiled code is thrown away: a
// program of its own each, since nothing of it can be used any more.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import test from "node:test";

import { EventLog } from "../../wasm/package/js/index.js";
import { nodeHost } from "../../wasm/package/hosts/node.js";
import { quickDir } from "./support/dirs.js";
import { assertWhole } from "./support/whole.js";

/** What a program of the package's exports prints, after `before` was run. */
function printed(before, program) {
  const [entry, module] = ["js/index.js", "module/eventfold.js"].map((file) =>
    JSON.stringify(new URL(`../../wasm/package/${file}`, import.meta.url)),
  );
  const whole = `
    ${before}
    const { EventLog, memoryHost } = await import(${entry});
    const glue = await import(${module});
    ${program}`;
  return execFileSync(process.execPath, ["--input-type=module", "-e", whole], { encoding: "utf8" });
}

test("where batches are decoded at once, a line that is no text is the only corrupt one", () => {
  const said = printed(
    "globalThis.document = {};",
    `const host = memoryHost();
    const files = host.open("read");
    const line = (text) => new TextEncoder().encode(JSON.stringify({ type: "a", data: text, ts: 1 }) + "\\n");
    const bad = line("?");
    bad[bad.indexOf(63)] = 0xff;
    for (const bytes of [line("é"), bad, line("\u{1f600}")]) files.append("app.jsonl", bytes);
    const log = await EventLog.open(host);
    for (const event of log.read()) {
      try {
        console.log(event.data);
      } catch ({ code }) {
        console.log(code);
      }
    }`,
  );
  assert.equal(said, "é\ncorrupt\n\u{1f600}\n");
});

test("a module that stopped is told of, and not what freeing after it would throw", () => {
  const said = printed(
    "",
    `const views = { v: { initial: 0, reduce: (n) => n + 1 } };
    const log = await EventLog.open(memoryHost(), { views });
    log.append({ type: "a", data: 1 });
    const trap = () => {
      throw new WebAssembly.RuntimeError("unreachable");
    };
    Object.assign(glue.RawScan.prototype, { next: trap, free: trap });
    Object.assign(glue.RawWriter.prototype, { free: trap });
    const uses = [() => [...log.read()], () => log.view("v"), () => log.end(), () => log.close()];
    for (const use of uses) {
      try {
        await use();
        console.log("fine");
      } catch ({ code, cause }) {
        console.log(code, cause?.message);
      }
    }`,
  );
  assert.equal(said, "panic unreachable\npanic undefined\npanic undefined\nfine\n");
});

test("a module that a host stopped by another log is used no more, whatever the host threw then", () => {
  const said = printed(
    `const { memoryFiles } = await import(${JSON.stringify(new URL("../../wasm/package/hosts/memory-files.js", import.meta.url))});`,
    `const other = await EventLog.open(memoryHost());
    const files = memoryFiles();
    const append = () => {
      try {
        [...other.read()];
      } catch {
        throw new Error("refused");
      }
    };
    const log = await EventLog.open({ name: "host", durability: "none", open: () => ({ ...files, append }) });
    glue.RawScan.prototype.next = () => {
      throw new WebAssembly.RuntimeError("unreachable");
    };
    for (const used of [log, other]) {
      try {
        used.append({ type: "a", data: 1 });
        console.log("fine");
      } catch ({ code }) {
        console.log(code);
      }
    }`,
  );
  assert.equal(said, "storage\npanic\n");
});

test("a stack that is full in the midst of a call stops the module, and what was acknowledged stays", async (t) => {
  const dir = quickDir(t);
  const said = printed(
    `const { nodeHost } = await import(${JSON.stringify(new URL("../../wasm/package/hosts/node.js", import.meta.url))});`,
    `const [log, other] = [await EventLog.open(nodeHost(${JSON.stringify(dir)})), await EventLog.open(memoryHost())];
    let acknowledged = 0;
    let tries = 100;
    const append = () => {
      log.append({ type: "a", data: acknowledged }, { durability: "buffered" });
      acknowledged += 1;
    };
    const down = () => {
      try {
        down();
      } catch {
        // At the end of the stack, or a little before it on the way back.
      }
      if ((tries -= 1) < 0) return;
      try {
        append();
      } catch {
        // No error can be told everywhere here.
      }
    };
    append();
    down();
    for (const use of [append, () => [...log.read()], () => other.append({ type: "a", data: 1 }), () => log.close()]) {
      try {
        await use();
        console.log("fine");
      } catch ({ code }) {
        console.log(code);
      }
    }
    console.log(acknowledged);`,
  );
  const [, acknowledged] = said.match(/^panic\npanic\npanic\nfine\n(\d+)\n$/) ?? [];
  assert.ok(acknowledged, said);
  const host = nodeHost(dir);
  const log = await EventLog.open(host);
  const data = [...log.read()].map((event) => event.data);
  assert.deepEqual(data.slice(0, acknowledged), Array.from({ length: acknowledged }, (_, n) => n));
  await assertWhole(host, log, data);
});

for (const [method, kind] of [["bytes", "Uint8Array"], ["places", "Float64Array"], ["spans", "Uint32Array"]]) {
  test(`a reader whose compiled code is thrown away while it fetches ${method} reads on`, () => {
    // As a collection of garbage does at any moment.
    const said = printed(
      `const { setFlagsFromString } = await import("node:v8");
      setFlagsFromString("--allow-natives-syntax");
      const [prepare, optimize, deoptimize] = ["PrepareFunctionForOptimization", "OptimizeFunctionOnNextCall", "DeoptimizeFunction"].map(
        (native) => new Function("target", "%" + native + "(target)"),
      );`,
      `const host = memoryHost();
      const log = await EventLog.open(host);
      log.append({ type: "a", data: 1 });
      const scan = new glue.RawScan(host.open("read"), 0);
      scan.next(1);
      const fetch = () => scan.${method}();
      prepare(fetch);
      for (let n = 0; n < 1000; n += 1) fetch();
      optimize(fetch);
      fetch();
      const Kind = globalThis.${kind};
      globalThis.${kind} = function (...given) {
        deoptimize(fetch);
        return new Kind(...given);
      };
      console.log(fetch().constructor === Kind);`,
    );
    assert.equal(said, "true\n");
  });
}

test("a runtime that can unpack nothing says the way out", () => {
  const entry = JSON.stringify(new URL("../../wasm/package/js/index.js", import.meta.url));
  const program = `
    process.getBuiltinModule = undefined;
    globalThis.DecompressionStream = undefined;
    const { EventLog, memoryHost } = await import(${entry});
    const { code, message } = await EventLog.open(memoryHost()).catch((error) => error);
    console.log(code, message);`;
  const said = execFileSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
  assert.match(said, /^unsupported .*eventfold\/slim.*eventfold\/module\.wasm/);
});
