// What the tests of the OPFS do in a dedicated worker: a message names an action and gives its
// arguments; the answer is its result, or what it threw.

import { exportDirectory, importDirectory, opfsHost } from "../../../wasm/hosts/opfs.js";
import { instantiate } from "../conformance/module/conformance.js";
import { runConformance } from "../conformance/run.js";

const actions = {
  async conformance() {
    const url = new URL("../conformance/module/conformance.wasm", import.meta.url);
    const module = new WebAssembly.Module(await (await fetch(url)).arrayBuffer());
    const { passed, failed } = await runConformance({
      module,
      instantiate,
      makePlace: (number) =>
        opfsHost(`place-${number}`).open("write", { views: ["a", "b", "view", "sum"] }),
    });
    return { passed: passed.length, failed, count: instantiate(module).cases().length };
  },
};

addEventListener("message", async ({ data: { action, args }, ports: [answer] }) => {
  try {
    answer.postMessage({ result: await actions[action](...args) });
  } catch (error) {
    const { name, code, message } = error;
    answer.postMessage({ error: { name, code, message } });
  }
});
