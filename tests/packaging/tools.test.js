// The package in test runners, in an application of Next and in a worker of Cloudflare.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";

import { assertOutcome, consumer } from "./support/consumer.js";
import { outcomeOf } from "./support/page.js";

/** A directory for a log that goes with the test. */
function logDir(t) {
  const dir = mkdtempSync(join(tmpdir(), "eventfold-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

const textOf = async (url) => (await fetch(url)).text();

test("Vitest", async (t) => {
  const project = await consumer("vitest");
  const options = { newest: true, env: { LOG: logDir(t) } };
  assertOutcome(await project.run([project.bin("vitest"), "run"], options), 2);
});

describe("Jest", () => {
  const modules = ["--experimental-vm-modules"];
  for (const [name, flags, times] of [
    ["log.test.cjs", [], 2], ["log.test.mjs", modules, 2], ["page.test.cjs", [], 1],
  ]) {
    test(name, async (t) => {
      const project = await consumer("jest");
      const command = [process.execPath, ...flags, project.bin("jest"), name];
      assertOutcome(await project.run(command, { env: { LOG: logDir(t) } }), times);
    });
  }
});

test("Next, built by Turbopack: a page, its script in Chromium, and a route", async (t) => {
  const project = await consumer("next");
  const env = { LOG: logDir(t), NEXT_TELEMETRY_DISABLED: "1" };
  await project.run([project.bin("next"), "build"], { env });
  const command = [project.bin("next"), "start", "--hostname", "127.0.0.1", "--port", "0"];
  await project.serve(command, { env, ready: /(http:\/\/127\.0\.0\.1:\d+)/ }, async (origin) => {
    const page = (await textOf(origin)).replaceAll("&quot;", '"');
    assertOutcome(/<p>(.*?)<\/p>/.exec(page)?.[1] ?? page);
    assertOutcome(await textOf(`${origin}/api/log`));
    assertOutcome(await outcomeOf(origin), 2);
  });
});

test("Wrangler: a worker and a Durable Object", async (t) => {
  const project = await consumer("wrangler");
  // It keeps what it writes in a home of its own, and asks nobody for news.
  const home = logDir(t);
  const env = {
    HOME: home, XDG_CONFIG_HOME: home, WRANGLER_SEND_METRICS: "false",
    WRANGLER_LOG_PATH: join(home, "logs"), CLOUDFLARE_CF_FETCH_ENABLED: "false",
  };
  const command = [project.bin("wrangler"), "dev", "--local", "--ip", "127.0.0.1", "--port", "0"];
  const args = ["--persist-to", home, "--show-interactive-dev-session=false"];
  const options = { env, newest: true, ready: /Ready on (http:\/\/127\.0\.0\.1:\d+)/ };
  await project.serve([...command, ...args], options, async (origin) => {
    assertOutcome(await textOf(origin), 2);
  });
});
