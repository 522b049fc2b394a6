// A Durable Object in the platform's own runtime, with storage that outlives its process.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const file = (path) => fileURLToPath(new URL(path, import.meta.url));

const config = (modules, classes) => `
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    (name = "disk", disk = (path = "storage", writable = true)),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);

const main :Workerd.Worker = (
  modules = [
    (name = "worker.js", esModule = embed "worker.js"),
    ${modules.map((name) => `(name = "${name}", wasm = embed "${name}"),`).join("\n    ")}
  ],
  compatibilityDate = "2026-10-01",
  durableObjectNamespaces = [
    ${classes.map(({ name, sql }) => `(className = "${name}", uniqueKey = "${name}", enableSql = ${sql}),`).join("\n    ")}
  ],
  durableObjectStorage = (localDisk = "disk"),
  bindings = [
    ${classes.map(({ name, binding }) => `(name = "${binding}", durableObjectNamespace = "${name}"),`).join("\n    ")}
  ],
);
`;

/**
 * A worker over a new storage. It is started and killed as often as wanted, and `remove` ends it
 * with everything it stored.
 * @param {string} main the path of the worker's module
 * @param {{ name: string, binding: string, sql: boolean }[]} classes its Durable Objects
 */
export function workerOf(main, classes) {
  const { buildSync } = createRequire(file("../../../wasm/package.json"))("esbuild");
  const dir = mkdtempSync(join(tmpdir(), "workerd-"));
  mkdirSync(join(dir, "storage"));
  buildSync({
    entryPoints: [main],
    outdir: dir,
    entryNames: "worker",
    assetNames: "[name]",
    bundle: true,
    format: "esm",
    conditions: ["workerd"],
    loader: { ".wasm": "copy" },
    external: ["cloudflare:workers"],
  });
  const modules = readdirSync(dir).filter((name) => name.endsWith(".wasm"));
  writeFileSync(join(dir, "config.capnp"), config(modules, classes));
  let child;

  const kill = async () => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  };

  return {
    /** Resolves to a function that asks the worker: a path in, JSON out. */
    async start() {
      const program = file("../node_modules/workerd/bin/workerd");
      child = spawn(program, ["serve", "--control-fd=3", "config.capnp"], {
        cwd: dir,
        stdio: ["ignore", "inherit", "inherit", "pipe"],
      });
      const [line] = await Promise.race([
        once(createInterface(child.stdio[3]), "line"),
        once(child, "exit").then(([code]) => Promise.reject(new Error(`workerd ended: ${code}`))),
      ]);
      const { port } = JSON.parse(line);
      return async (path) => {
        const answer = await fetch(`http://127.0.0.1:${port}${path}`);
        const told = await answer.json();
        if (!answer.ok) throw Object.assign(new Error(`${path}: ${told.stack}`), told);
        return told;
      };
    },

    /** As `kill -9` does. */
    kill,

    async remove() {
      await kill();
      rmSync(dir, { recursive: true });
    },
  };
}
