// Workers of a page, by a name, and what a page does without one.

import { opfsHost } from "/wasm/package/hosts/opfs.js";

const workers = new Map();

export function run(name, action, ...args) {
  if (!workers.has(name)) {
    workers.set(name, new Worker(new URL("./worker.js", import.meta.url), { type: "module" }));
  }
  const { port1, port2 } = new MessageChannel();
  workers.get(name).postMessage({ action, args }, [port2]);
  return new Promise((answered) => (port1.onmessage = ({ data }) => answered(data)));
}

export function terminate(name) {
  workers.get(name).terminate();
  workers.delete(name);
}

export async function openInPage(access) {
  try {
    await opfsHost("in-page").open(access);
    return "open";
  } catch ({ code, message }) {
    return { code, message };
  }
}
