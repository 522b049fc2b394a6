// Several tabs on one log, in Chromium.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { ran } from "./support/proof.js";
import { Rig } from "./tabs/rig.js";

const ROUNDS = 10;

/** @type {Rig} */
let rig;
before(async () => (rig = await Rig.start()));
after(() => rig?.stop());

/** Tabs that append and follow at once; with `maxLogSize`, across many rotations. */
async function allAtOnce(rig, count, events, options) {
  await rig.watch(`at once ${count}`);
  const tabs = [];
  for (let n = 0; n < count; n += 1) tabs.push(await rig.tab(options));
  for (const { run } of tabs) await run("follow");
  for (const { run } of tabs) await run("storm");
  await rig.acknowledged(events);
  let sum = 0;
  for (const { run } of tabs) sum += await run("calm");
  const all = await tabs[0].run("everything");
  assert.equal(all.length, sum);
  const { acknowledged } = await rig.check(all);
  assert.equal(acknowledged, sum);
  for (const { run } of tabs) assert.deepEqual(await run("followed", sum), all);
  const { archiveBytes } = await tabs[0].run("status");
  assert.equal(archiveBytes > 0, options !== undefined);
  for (const { page } of tabs) await page.close();
}

test("two tabs append at once: each event once, in all tails in the same order", () =>
  allAtOnce(rig, 2, 1500));

test("five tabs append and follow at once while the log is rotated", () =>
  allAtOnce(rig, 5, 1500, { maxLogSize: 4000 }));

test("the same in Firefox, where what was taken of a file changes under the reader", async () => {
  const firefox = await Rig.start("firefox");
  try {
    await allAtOnce(firefox, 3, 1000, { maxLogSize: 4000 });
  } finally {
    await firefox.stop();
  }
});

const ways = {
  closed: ({ page }) => page.close(),

  async reloaded({ page }) {
    await page.reload();
    return page;
  },

  async crashed({ page }) {
    const client = await page.createCDPSession();
    client.send("Page.crash").catch(() => {});
    page.close().catch(() => {});
  },

  async frozen(tab) {
    tab.client ??= await tab.page.createCDPSession();
    await tab.client.send("Page.setWebLifecycleState", { state: "frozen" });
  },
};

for (const [way, end] of Object.entries(ways)) {
  test(`the leader is ${way} in a storm: another goes on and nothing is lost or doubled`, async (t) => {
    const start = performance.now();
    await rig.watch(way);
    const options = { maxLogSize: 20_000 };
    let tabs = [await rig.tab(options), await rig.tab(options), await rig.tab(options)];
    const took = [];
    const gone = [];
    for (const { run } of tabs) await run("storm");
    for (let round = 0; round < ROUNDS; round += 1) {
      await rig.acknowledged(60);
      const leader = await rig.leaderOf(tabs);
      const leaders = await rig.observer.run("leaders");
      const began = Date.now();
      const page = await end(leader);
      const next = await rig.observer.run("leader", leaders);
      assert.ok(next, "nobody took over");
      took.push(next - began);
      await rig.acknowledged(20);
      if (way === "frozen") {
        await leader.client.send("Page.setWebLifecycleState", { state: "active" });
        continue;
      }
      gone.push(leader.id);
      tabs = tabs.filter((tab) => tab !== leader);
      const tab = await rig.tab(options, page);
      await tab.run("storm");
      tabs.push(tab);
    }
    for (const { run } of tabs) await run("calm");
    const events = await tabs[0].run("everything");
    const count = await rig.check(events, gone);
    for (const { page } of tabs) await page.close();
    took.sort((a, b) => a - b);
    const ms = (n) => `${Math.round(n)} ms`;
    t.diagnostic(
      `${ROUNDS} times ${way}: taken over after ${ms(took[0])} to ${ms(took.at(-1))}, ` +
        `median ${ms(took[ROUNDS >> 1])}; ${events.length} events, ` +
        `${count.acknowledged} acknowledged, ${count.unknown} unknown of which ${count.stored} stored`,
    );
    ran(`tabs: the leader is ${way}`, ROUNDS, performance.now() - start);
  });
}
