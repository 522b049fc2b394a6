// The log of one directory among processes: the native crate, and the package in every runtime.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

import { quickDir } from "./support/dirs.js";
import { ran } from "./support/proof.js";
import { actorIn, nativeActor, runtimes } from "./support/runtimes.js";
import { suite } from "./support/suite.js";

/** How often a writer is killed in the midst of its work. */
const KILLS = 6;

/** The length of an event that takes the system a while to write. */
const LONG = 30_000_000;

/** What an opening says that found nothing to repair. */
const CLEAN = /^nothing to repair$|torn_log_bytes: 0, torn_archive_bytes: 0, completed_line: false, rotation: None/;

for (const runtime of runtimes) {
  describe(runtime.name, () => {
    const started = [];
    const start = (actor) => (started.push(actor), actor);
    const native = (dir) => start(nativeActor(dir));
    const ours = (dir) => start(actorIn(runtime, dir));

    /** How many events there are, as ours reads them: numbered from 0 on, none twice or missing. */
    const eventsIn = async (dir) => {
      const reader = ours(dir);
      const [count, wrong] = (await reader.ask("read")).split(" ").map(Number);
      await reader.kill();
      assert.equal(wrong, -1, `of ${count} events the one at ${wrong} is another`);
      return count;
    };
    after(() => Promise.all(started.map((actor) => actor.kill())));

    test("the host conforms, with its lock", async (t) => {
      const begin = performance.now();
      const { passed, failed } = JSON.parse(await ours(quickDir(t)).ask("conformance"));
      assert.deepEqual(failed, []);
      assert.equal(passed.length, suite().count);
      ran(`conformance: files, ${runtime.name}`, passed.length, performance.now() - begin);
    });

    test("a log lives on it", async (t) => {
      assert.equal(await ours(quickDir(t)).ask("life"), "17");
    });

    test("a native writer keeps ours out, and ours a native one, and each is told who", async (t) => {
      const dir = quickDir(t);
      const log = join(dir, "app.jsonl");
      for (const [holder, other] of [
        [native(dir), ours(dir)],
        [ours(dir), native(dir)],
        [ours(dir), ours(dir)],
      ]) {
        await holder.ask("open");
        await holder.ask("append 1 20");
        const message = await refusal(other);
        assert.ok(message.includes(`another writer holds the lock on ${log}`), message);
        const name = readFileSync(`/proc/${holder.pid}/comm`, "utf8").trim();
        assert.ok(message.includes(`(held by ${name}, pid ${holder.pid})`), message);
        await holder.ask("close");
        await other.ask("open");
        await refusal(holder);
        await other.ask("close");
      }
    });

    test("a killed writer frees the lock at once, whichever it is", async (t) => {
      const dir = quickDir(t);
      let number = 0;
      for (const [doomed, next] of [
        [ours(dir), native(dir)],
        [native(dir), ours(dir)],
        [ours(dir), ours(dir)],
      ]) {
        await doomed.ask("open");
        await doomed.ask(`append ${number++} 20`);
        await refusal(next);
        await doomed.kill();
        await next.ask("open");
        await next.ask(`append ${number++} 20`);
        await next.ask("close");
      }
      assert.equal(await eventsIn(dir), 6);
    });

    test("a child keeps the lock neither when the holder closes nor when it is killed", async (t) => {
      const dir = quickDir(t);
      const [holder, other] = [ours(dir), native(dir)];
      await holder.ask("open");
      const children = [Number(await holder.ask("child"))];
      t.after(() => children.forEach((pid) => process.kill(pid)));
      await refusal(other);
      await holder.ask("close");
      await other.ask("open");
      await other.ask("close");
      await holder.ask("open");
      children.push(Number(await holder.ask("child")));
      await holder.kill();
      await other.ask("open");
      for (const pid of children) assert.ok(process.kill(pid, 0));
    });

    test("of many that open at once one gets the lock", async (t) => {
      const dir = quickDir(t);
      const actors = [ours(dir), native(dir), ours(dir), native(dir)];
      for (let round = 0; round < 5; round += 1) {
        const opened = await Promise.all(
          actors.map((actor) => actor.ask("open").then(() => actor, (error) => error)),
        );
        const winners = opened.filter((result) => !(result instanceof Error));
        assert.equal(winners.length, 1, `round ${round}: ${opened.map(String)}`);
        for (const result of opened) {
          if (result instanceof Error) assert.match(result.message, /^(locked |AlreadyExists Locked )/);
        }
        await winners[0].ask("close");
      }
    });

    test("a writer without the lock lives beside others and cuts nothing", async (t) => {
      const dir = quickDir(t);
      const [writer, beside] = [native(dir), ours(dir)];
      await writer.ask("open-unlocked");
      await beside.ask("open-unlocked");
      for (let number = 0; number < 10; number += 2) {
        await writer.ask(`append ${number} 20`);
        await beside.ask(`append ${number + 1} 20`);
      }
      for (const command of ["rotate", "append-if"]) {
        await assert.rejects(beside.ask(command), /without the lock|not exclusive|shared/i);
      }
      truncateSync(join(dir, "app.jsonl"), statSync(join(dir, "app.jsonl")).size - 5);
      await beside.ask("append 10 20");
      await beside.ask("append 11 20");
      assert.ok(!existsSync(join(dir, "torn.bin")));
      const lines = readFileSync(join(dir, "app.jsonl"), "utf8").split("\n");
      assert.deepEqual(
        lines.map((line) => /"ts":(\d+)\}$/.exec(line)?.[1]).filter(Boolean),
        ["0", "1", "2", "3", "4", "5", "6", "7", "8", "10", "11"],
      );
    });

    test("a writer killed at any moment loses nothing that it acknowledged", async (t) => {
      const begin = performance.now();
      const dir = quickDir(t);
      let count = 0;
      for (let kill = 0; kill < KILLS; kill += 1) {
        // In turn: who is killed, who goes on, and who looks after that.
        const [doomed, next, last] = kill % 3 < 2 ? [ours, native, ours] : [native, ours, native];
        const acknowledged = await workUntilKilled(doomed(dir), count, kill);
        const goesOn = next(dir);
        await goesOn.ask("open");
        const found = await eventsIn(dir);
        assert.ok(found === acknowledged || found === acknowledged + 1, `${found}, ${acknowledged}`);
        await goesOn.ask(`append ${found} 20`);
        await goesOn.ask("close");
        count = found + 1;
        const looks = last(dir);
        assert.match(await looks.ask("open"), CLEAN);
        assert.equal(await eventsIn(dir), count);
        await Promise.all([goesOn.kill(), looks.kill()]);
      }
      ran(`writers killed: ${runtime.name}`, KILLS, performance.now() - begin);
    });

    test("an event torn by a kill is cut by the other kind of writer, and kept beside", async (t) => {
      for (const [doomed, next] of [
        [ours, native],
        [native, ours],
      ]) {
        const dir = quickDir(t);
        const path = join(dir, "app.jsonl");
        const whole = await tear(() => doomed(dir), path);
        const torn = statSync(path).size - whole;
        const writer = next(dir);
        const recovery = await writer.ask("open");
        assert.match(recovery, new RegExp(`cut ${torn} bytes|torn_log_bytes: ${torn},`));
        assert.equal(statSync(path).size, whole);
        assert.ok(statSync(join(dir, "torn.bin")).size > torn);
        assert.equal(await eventsIn(dir), 1);
        await writer.ask("append 1 20");
        await writer.ask("close");
        assert.match(await writer.ask("open"), CLEAN);
        assert.equal(await eventsIn(dir), 2);
      }
    });

    test("a disk that is full refuses the event and keeps the log whole", async (t) => {
      const dir = quickDir(t);
      // In units of 512 or of 1024 bytes, as the shell likes; some runtimes write files of their own.
      const limited = ["/bin/sh", "-c", 'trap "" XFSZ; ulimit -f 20000; exec "$@"', "sh"];
      const writer = start(actorIn({ command: [...limited, ...runtime.command] }, dir));
      await writer.ask("open");
      await writer.ask("append 0 20");
      await assert.rejects(writer.ask(`append 1 ${LONG}`), /^Error: storage .*app\.jsonl.*file too large/i);
      await writer.ask("append 1 20");
      assert.equal(await eventsIn(dir), 2);
      await writer.ask("close");
      assert.match(await native(dir).ask("open"), CLEAN);
    });

    test("a directory of the native crate goes on in ours and back, archive and views included", async (t) => {
      const dir = quickDir(t);
      let number = 0;
      const [first, second] = [native(dir), ours(dir)];
      for (const writer of [first, second, first, second, first]) {
        await writer.ask("open");
        await writer.ask(`append-many ${number} 300`);
        await writer.ask("rotate");
        await writer.ask(`append-many ${number + 300} 10`);
        number += 310;
        // By now its snapshot is of the other kind of writer.
        if (writer === second) assert.equal(await writer.ask("view"), `${(number * (number - 1)) / 2}`);
        await writer.ask("close");
      }
      assert.equal(await eventsIn(dir), number);
      assert.match(await first.ask("read"), new RegExp(`^${number} 0 `));
      // Anybody's zstd reads the archive, and it is the lines as they were.
      const zstd = spawnSync("zstd", ["-dcq", join(dir, "archive.jsonl.zst")], { maxBuffer: 1 << 28 });
      assert.equal(zstd.status, 0, `${zstd.error ?? zstd.stderr}`);
      const text = `${zstd.stdout}${readFileSync(join(dir, "app.jsonl"))}`;
      const expected = Array.from({ length: number }, (_, at) =>
        JSON.stringify({ type: "numbered", data: { text: "x".repeat(20) }, ts: at }),
      );
      assert.equal(text, `${expected.join("\n")}\n`);
      // The native writer has left a note of itself.
      const files = ["app.jsonl", "app.jsonl.writer", "archive.jsonl.zst", "views"];
      assert.deepEqual(readdirSync(dir).sort(), files);
    });

    test("another process that appends wakes a watch and a tail; reading wakes nobody", async (t) => {
      const dir = quickDir(t);
      const writer = native(dir);
      await writer.ask("open");
      const [watcher, tail] = [ours(dir), ours(dir)];
      watcher.send("watch");
      tail.send("tail 0");
      assert.equal(await watcher.line(), "watching");
      assert.equal(await tail.line(), "waiting");
      await writer.ask("append 7 20");
      assert.equal(await watcher.line(), "ok changed");
      assert.equal(await tail.line(), "ok 7");
      assert.equal(await watcher.ask("watch-while-reading 300"), "0");
    });

    if (runtime.name !== "Deno") return;

    test("it locks without the permission to run programs", async (t) => {
      // Below /dev it wants every permission, whatever it is for.
      const dir = mkdtempSync(join(tmpdir(), "eventfold-"));
      t.after(() => rmSync(dir, { recursive: true }));
      const [program, run] = runtime.command;
      const allowed = ["--quiet", "--no-prompt", "--allow-read", `--allow-write=${dir}`];
      const writer = start(actorIn({ command: [program, run, ...allowed] }, dir));
      await writer.ask("open");
      await writer.ask("append 0 20");
      await refusal(native(dir));
      await refusal(start(actorIn({ command: [program, run, ...allowed] }, dir)));
      await writer.ask("close");
      assert.match(await native(dir).ask("open"), CLEAN);
    });

    test("a directory that it may not look at is an error of the package", async (t) => {
      const dir = quickDir(t);
      const [program, run] = runtime.command;
      const sources = fileURLToPath(new URL("../..", import.meta.url));
      const allowed = ["--quiet", "--no-prompt", `--allow-read=${sources}`, `--allow-write=${dir}`];
      const writer = start(actorIn({ command: [program, run, ...allowed] }, dir));
      await assert.rejects(writer.ask("open"), /^Error: storage cannot make the directory /);
    });
  });
}

async function refusal(actor) {
  const error = await actor.ask("open").then(() => assert.fail("it opened"), (error) => error);
  assert.match(error.message, /^(locked |AlreadyExists Locked )/);
  return error.message;
}

/** Lets it append until it is killed at some moment; how many events are acknowledged then. */
async function workUntilKilled(actor, from, kill) {
  await actor.ask("open");
  // To one kind the first number is a seed.
  actor.send(`append-on ${kill * 977 + 1} ${from}`);
  let acknowledged = from;
  const hear = (line) => assert.equal(line, `acknowledged ${acknowledged++}`);
  for (let line = 0; line < 3 + 5 * kill; line += 1) hear(await actor.line());
  await new Promise((resolve) => setTimeout(resolve, (kill * 7) % 25));
  await actor.kill();
  for (let line; (line = await actor.line()); ) hear(line);
  return acknowledged;
}

/** Kills a writer that has half of an event written; how many bytes there were before it. */
async function tear(start, path) {
  for (let attempt = 0; attempt < 20; attempt += 1) {
    rmSync(path, { force: true });
    const actor = start();
    await actor.ask("open");
    await actor.ask("append 0 20");
    const whole = statSync(path).size;
    actor.send(`append 1 ${LONG}`);
    for (const start = Date.now(); statSync(path).size === whole; ) {
      assert.ok(Date.now() - start < 60_000, "it writes nothing");
    }
    await actor.kill();
    if (statSync(path).size < whole + LONG) return whole;
  }
  return assert.fail("each of 20 writes was over before the kill came");
}
