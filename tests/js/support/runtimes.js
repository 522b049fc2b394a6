// The runtimes that the package runs in without a browser, and programs in them that do as told.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const installed = (name) => path(`../node_modules/.bin/${name}`);

/** The names of the runtimes, and how each is told to run a file. */
export const runtimes = [
  { name: `Node ${process.versions.node.split(".")[0]}`, command: [process.execPath] },
  { name: "Node 26", command: [installed("node")] },
  { name: "Deno", command: [installed("deno"), "run", "--quiet", "--allow-all"] },
  { name: "Bun", command: [installed("bun")] },
];

/** The same program in Rust, over the native crate. */
const native = () => {
  const metadata = ["metadata", "--format-version=1", "--no-deps", "--locked"];
  const { target_directory } = JSON.parse(execFileSync("cargo", metadata, { cwd: path("../../..") }));
  return `${target_directory}/debug/actor`;
};

let nativeProgram;

/** A program over the native crate that has to do with the log in `dir`. */
export const nativeActor = (dir) => new Actor((nativeProgram ??= native()), [dir]);

/** The same with the package, in a runtime. */
export const actorIn = ({ command: [program, ...args] }, dir) =>
  new Actor(program, [...args, path("../actors/node.js"), dir]);

/** A program that gets commands on its standard input, and answers each with a line. */
class Actor {
  #child;
  #lines;

  constructor(program, args) {
    this.#child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
    // A command for one that was killed is not ours to report.
    this.#child.stdin.on("error", () => {});
    this.#lines = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
  }

  get pid() {
    return this.#child.pid;
  }

  send(command) {
    this.#child.stdin.write(`${command}\n`);
  }

  /** The next line that it says; `undefined` when it has ended. */
  async line() {
    const { value } = await this.#lines.next();
    return value;
  }

  /** What it answers behind its `ok`; throws what it answers behind an `error`. */
  async ask(command) {
    this.send(command);
    const answer = await this.line();
    const [, word, rest] = /^(ok|error) ?(.*)$/.exec(answer ?? "") ?? [];
    if (word === "ok") return rest;
    throw new Error(word ? rest : `${command} was answered by ${answer}`);
  }

  /** Ends it as `kill -9` does. */
  async kill() {
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }
}
