// Programs that are run and servers that are started, with what they say when they fail.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { realpathSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";

import { root } from "./package.js";

const tool = (name) => join(root, "tests/js/node_modules/.bin", name);

/** The Node that runs the tests, the newest, and others: how they run a file. */
export const runtimes = {
  [`Node ${process.versions.node}`]: [process.execPath],
  "newest Node": [tool("node")],
  Deno: [tool("deno"), "run", "--allow-all"],
  Bun: [tool("bun"), "run"],
};

/**
 * @typedef {object} Options
 * @property {string} cwd
 * @property {Record<string, string>} [env] beside the environment of the tests
 * @property {boolean} [newest] whether tools run on the newest Node
 */

function start([command, ...args], { cwd, env = {}, newest = false }) {
  const { NODE_TEST_CONTEXT, NODE_OPTIONS, ...inherited } = process.env;
  const node = newest ? realpathSync(tool("node")) : process.execPath;
  const path = [dirname(node), inherited.PATH].join(delimiter);
  const child = spawn(command, args, {
    cwd,
    env: { ...inherited, PATH: path, NO_COLOR: "1", CI: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own: what it starts ends with it.
    detached: true,
  });
  const said = { out: "", all: "" };
  for (const [name, stream] of [["out", child.stdout], ["err", child.stderr]]) {
    stream.setEncoding("utf8").on("data", (text) => {
      said.all += text;
      if (name === "out") said.out += text;
    });
  }
  const ended = once(child, "close").then(([code, signal]) => signal ?? code);
  return { child, said, ended };
}

/** Text without what is too long to be read, as a line of a bundle. */
export const legible = (text) => text.replace(/^(.{1000}).+$/gm, "$1…");

const failure = (name, command, what, said) =>
  new Error(`${name}: ${command.join(" ")} ${what}; it said:\n\n${legible(said.all)}`);

/**
 * Runs a program to its end and returns what it printed.
 * @param {string} name what is said to have failed
 * @param {string[]} command
 * @param {Options} options
 */
export async function run(name, command, options) {
  const { said, ended } = start(command, options);
  const code = await ended;
  if (code !== 0) throw failure(name, command, `ended with ${code}`, said);
  return said.out;
}

/**
 * Does something while a server runs, which says where it listens. What then fails is told with
 * what the server said.
 * @param {string} name what is said to have failed
 * @param {string[]} command
 * @param {Options & { ready: RegExp }} options of `ready` the first group is the address
 * @param {(origin: string) => Promise<void>} act
 */
export async function serve(name, command, { ready, ...options }, act) {
  const { child, said, ended } = start(command, options);
  const address = new Promise((resolve) => {
    child.stdout.on("data", () => {
      const found = ready.exec(said.out);
      if (found) resolve(found[1]);
    });
  });
  try {
    const origin = await Promise.race([address, ended.then(() => undefined)]);
    if (!origin) throw failure(name, command, `ended with ${await ended} before it listened`, said);
    await act(origin).catch((error) => {
      error.message += `\n\n${name}: ${command.join(" ")} said:\n\n${legible(said.all)}`;
      throw error;
    });
  } finally {
    await stop(child, ended);
  }
}

/** Ends a process and what it started. */
async function stop(child, ended) {
  const kill = (signal) => {
    try {
      process.kill(-child.pid, signal);
    } catch (error) {
      if (error.code !== "ESRCH") throw error;
    }
  };
  kill("SIGTERM");
  const timer = setTimeout(kill, 5000, "SIGKILL");
  await ended;
  clearTimeout(timer);
}
