// A program of its own for the tests of real processes, in Node, Deno and Bun: what
// tests/src/bin/actor.rs is with the native crate. It takes commands on standard input, one a
// line, and answers each with one line: `ok`, with what there is to say, or `error CODE MESSAGE`.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

import { nodeHost } from "../../../wasm/package/hosts/node.js";
import { EventLog, EventReader } from "../../../wasm/package/js/index.js";
import { runConformance } from "../conformance/run.js";
import { life } from "../support/life.js";
import { suite } from "../support/suite.js";

const dir = process.argv[2];
const views = { sum: { initial: 0, reduce: (sum, { ts }) => sum + ts } };
let log;

const numbered = (number, length) => ({
  type: "numbered",
  data: { text: "x".repeat(length) },
  ts: number,
});

const append = (number, length) => log.append(numbered(number, length)).position;

const openWith = async (options) => {
  log = await EventLog.open(nodeHost(dir, options), { views });
  return log.recovery.text;
};

/** Lets what was said go out: a pipe may be written behind. */
const turn = () => new Promise((resolve) => setTimeout(resolve));

const verbs = {
  open: () => openWith(),
  "open-unlocked": () => openWith({ lock: "none" }),

  async close() {
    await log.close();
  },

  append,

  "append-many"(from, count) {
    for (let number = from; number < from + count; number += 1) append(number, 20);
  },

  "append-if": () => log.appendIf(numbered(0, 0), { position: 0, hash: "0".repeat(16) }).position,
  rotate: () => log.rotate().bytes,
  view: () => log.view("sum"),

  /** Appends events numbered from `from` on until it is killed, saying each once it is stored. */
  async "append-on"(seed, from) {
    for (let number = from; ; number += 1) {
      const random = (number * 7919 + seed * 104729) % 1009;
      append(number, random % 5 === 0 ? 10_000 : random % 64);
      say(`acknowledged ${number}`);
      if (random % 17 < 2) log.rotate();
      if (random % 17 > 14) {
        log.view("sum");
        log.save();
      }
      await turn();
    }
  },

  /** Reads everything: how many events, and the numbers where they stop being 0, 1, 2 and so on. */
  async read() {
    const reader = await EventReader.open(nodeHost(dir));
    const numbers = [...reader.read()].map(({ ts }) => ts);
    await reader.close();
    const wrong = numbers.findIndex((number, at) => number !== at);
    return `${numbers.length} ${wrong}`;
  },

  /** Waits for an event at `position`, and says its number. */
  async tail(position) {
    const reader = await EventReader.open(nodeHost(dir));
    say("waiting");
    for await (const { ts } of reader.tail({ position })) {
      await reader.close();
      return ts;
    }
  },

  /** How often a change of the files is told while nothing but reading goes on. */
  async "watch-while-reading"(milliseconds) {
    const files = nodeHost(dir).open("read");
    let told = 0;
    const stop = files.watch(() => (told += 1));
    const start = Date.now();
    while (Date.now() - start < milliseconds) {
      files.readAt("app.jsonl", 0, new Uint8Array(64));
      await turn();
    }
    stop();
    return told;
  },

  /** Says `changed` once it is told that another changed the files. */
  async watch() {
    const files = nodeHost(dir).open("read");
    let stop;
    const changed = new Promise((resolve) => (stop = files.watch(resolve)));
    say("watching");
    await changed;
    stop();
    files.close();
    return "changed";
  },

  /** A process that outlives this one. It ends by itself after a minute. */
  async child() {
    const child = spawn("sh", ["-c", "echo; exec sleep 60"], {
      stdio: ["ignore", "pipe", "ignore"],
      detached: true,
    });
    // Until it runs a program of its own it has our files.
    await once(child.stdout, "data");
    child.stdout.destroy();
    child.unref();
    return child.pid;
  },

  life: () => life({ EventLog, EventReader }, nodeHost(dir)),

  async conformance() {
    const makePlace = (number) => nodeHost(`${dir}/${number}`).open("write");
    return JSON.stringify(await runConformance({ ...suite(), makePlace }));
  },
};

function say(line) {
  process.stdout.write(`${line}\n`);
}

for await (const command of createInterface(process.stdin)) {
  const [verb, ...words] = command.split(" ");
  try {
    say(`ok ${(await verbs[verb](...words.map(Number))) ?? ""}`);
  } catch (error) {
    say(`error ${error.code ?? error.name} ${error.message.replaceAll("\n", " ")}`);
  }
}
