// The protocol between tabs, simulated: any order of messages that channels allow, leaders that
// die at any message, tabs that miss some.

import assert from "node:assert/strict";
import { test } from "node:test";

import { ConflictError, StorageError } from "../../wasm/js/errors.js";
import { Leading } from "../../wasm/tabs/leading.js";
import { errorOf } from "../../wasm/tabs/messages.js";
import { Requests } from "../../wasm/tabs/requests.js";
import { ran } from "./support/proof.js";
import { randomly } from "./support/random.js";

const SEEDS = 500;

/** Tabs whose messages arrive one at a time, in the order of each pair of sender and hearer. */
class World {
  constructor(seed, tabs) {
    this.random = randomly(seed);
    this.stored = [];
    this.epochs = 0;
    this.links = new Map();
    this.tabs = Array.from({ length: tabs }, (_, number) => this.#tab(`tab ${number}`));
  }

  #tab(name) {
    const tab = { name, outcomes: new Map(), awake: true };
    tab.requests = new Requests(name, (message, direct) => {
      if (direct) this.#send(name, `own worker of ${name}`, () => tab.lead?.hear(message, true));
      else this.#post(name, message);
    });
    tab.hear = (message) => {
      if (message.t === "leads") tab.requests.own = message.epoch;
      tab.requests.hear(message, true);
    };
    tab.requests.hello();
    return tab;
  }

  /** To everybody else, as a channel does it; a leader's worker hears its own page too. */
  #post(from, message) {
    for (const tab of this.tabs ?? []) {
      if (`worker of ${tab.name}` !== from) {
        this.#send(from, `worker of ${tab.name}`, () => tab.lead?.hear(message));
      }
      if (tab.name !== from) this.#send(from, tab.name, () => tab.requests.hear(message));
    }
  }

  #send(from, to, deliver) {
    const key = `${from} → ${to}`;
    if (!this.links.has(key)) this.links.set(key, []);
    this.links.get(key).push({ to, deliver });
  }

  lead(tab) {
    assert.ok(this.tabs.every(({ lead }) => !lead), "two leaders");
    this.epochs += 1;
    const epoch = `epoch ${this.epochs}`;
    const { stored } = this;
    const log = {
      get position() {
        return stored.length;
      },
      apply: ({ event }) => stored.push(event),
      sync() {},
    };
    const worker = `worker of ${tab.name}`;
    tab.epoch = epoch;
    tab.lead = new Leading(epoch, log, (message, direct) => {
      if (!direct) this.#post(worker, message);
      else this.#send(`own ${worker}`, tab.name, () => tab.hear(message));
    });
  }

  /** The worker ends at once; what it sent may arrive or not, what was for it does not. */
  kill(tab) {
    const { epoch } = tab;
    tab.lead = undefined;
    for (const [key, link] of this.links) {
      const from = key.startsWith(`worker of ${tab.name} `);
      if (from && this.random.chance(0.5)) link.splice(this.random.below(link.length + 1));
      if (key.includes(`own worker of ${tab.name}`)) link.length = 0;
    }
    // The page ended its worker itself, so it knows.
    tab.requests.lost(epoch);
  }

  async append(tab, event) {
    try {
      tab.outcomes.set(event, { at: await tab.requests.add({ event, lines: "x" }) });
    } catch ({ code, position }) {
      tab.outcomes.set(event, { code, position });
    }
  }

  /** Delivers one message; false when there is none. */
  async step() {
    const full = [...this.links.values()].filter(({ length }) => length > 0);
    if (full.length === 0) return false;
    const { to, deliver } = full[this.random.below(full.length)].shift();
    const page = this.tabs.find(({ name }) => name === to);
    if (!page || page.awake) deliver();
    await undefined;
    return true;
  }
}

async function run(seed) {
  const world = new World(seed, 3);
  const { random, tabs } = world;
  const wanted = new Map(tabs.map((tab) => [tab, []]));
  let events = 0;
  const count = { acknowledged: 0, unknown: 0, leaders: 0 };
  for (let round = 0; round < 200; round += 1) {
    const leader = tabs.find(({ lead }) => lead);
    const tab = tabs[random.below(tabs.length)];
    if (!leader && random.chance(0.2)) world.lead(tab);
    else if (leader && random.chance(0.03)) world.kill(leader);
    else if (leader && random.chance(0.02)) {
      leader.lead.end();
      leader.lead = undefined;
    } else if (random.chance(0.02)) {
      // Asleep it misses messages; a worker does not outlive its page's sleep.
      if (tab.awake && tab.lead) world.kill(tab);
      tab.awake = !tab.awake;
      if (tab.awake) tab.requests.hello();
    } else if (random.chance(0.3) && tab.awake) {
      events += 1;
      wanted.get(tab).push(events);
      world.append(tab, events);
    }
    for (let n = random.below(4); n > 0; n -= 1) await world.step();
  }
  for (const tab of tabs.filter(({ awake }) => !awake)) {
    tab.awake = true;
    tab.requests.hello();
  }
  if (!tabs.some(({ lead }) => lead)) world.lead(tabs[0]);
  while (await world.step());
  for (let n = 0; n < 20; n += 1) await undefined;

  for (const tab of tabs) {
    let last = 0;
    for (const event of wanted.get(tab)) {
      const outcome = tab.outcomes.get(event);
      const times = world.stored.filter((stored) => stored === event).length;
      const told = `seed ${seed}: event ${event} is stored ${times} times, outcome ${JSON.stringify(outcome)}`;
      assert.ok(outcome, told);
      if (outcome.at !== undefined) {
        assert.equal(times, 1, told);
        assert.ok(outcome.at > last, `out of order: ${told}`);
        last = outcome.at;
        count.acknowledged += 1;
      } else {
        assert.equal(outcome.code, "leader-lost", told);
        assert.ok(times <= 1, told);
        if (times) assert.ok(world.stored.indexOf(event) >= outcome.position, told);
        count.unknown += 1;
      }
    }
  }
  assert.equal(new Set(world.stored).size, world.stored.length);
  count.leaders = world.epochs;
  return count;
}

test("each event is stored once when acknowledged, else at most once and told as unknown", async (t) => {
  const began = performance.now();
  const sum = { acknowledged: 0, unknown: 0, leaders: 0 };
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    for (const [name, n] of Object.entries(await run(seed))) sum[name] += n;
  }
  assert.ok(sum.unknown > 0 && sum.acknowledged > sum.unknown);
  t.diagnostic(JSON.stringify(sum));
  ran("tabs-protocol", SEEDS, performance.now() - began);
});

test("what a leader could not sync is told to be in doubt, and what it refused to be refused", () => {
  const posted = [];
  const log = {
    position: 7,
    apply({ op }) {
      if (op === "refused") throw new ConflictError("taken", { position: 7, hash: "h" });
      return op === "append" ? [{ position: 3, nextPosition: 5, hash: "h" }] : { bytes: 1 };
    },
    sync() {
      throw new StorageError("the disk is gone");
    },
  };
  const leading = new Leading("e", log, (message) => posted.push(message));
  const requests = ["append", "refused", "rotate"].map((op) => ({ op }));
  leading.hear({ t: "go", epoch: "e", from: "tab", turn: 1, requests });
  const { results, to, turn } = posted.find(({ t }) => t === "done");
  assert.deepEqual([to, turn], ["tab", 1]);
  const [inDoubt, refused] = results.map(({ error }) => error && errorOf(error));
  assert.equal(inDoubt.code, "durability-unknown");
  assert.equal(inDoubt.position, 3);
  assert.match(inDoubt.cause, /the disk is gone/);
  assert.ok(refused instanceof ConflictError);
  assert.equal(refused.hash, "h");
  assert.deepEqual(results[2].result, { bytes: 1 });
});

test("a request for another leader, or after the leader's end, is not done", () => {
  let done = 0;
  const log = { position: 0, apply: () => (done += 1), sync() {} };
  const posted = [];
  const leading = new Leading("e", log, (message) => posted.push(message));
  leading.hear({ t: "go", epoch: "another", from: "tab", turn: 1, requests: [{}] });
  leading.end();
  leading.hear({ t: "go", epoch: "e", from: "tab", turn: 1, requests: [{}] });
  assert.equal(done, 0);
  assert.ok(!posted.some(({ t }) => t === "done"));
  assert.equal(posted.at(-1).t, "leaves");
});

test("an answer that is lost is looked for where the log of the present leader ended, also where the last one's sync failed", async () => {
  const stored = [];
  let failing = true;
  const log = {
    get position() {
      return stored.length;
    },
    apply: ({ event }) => [{ position: stored.push(event) - 1 }],
    sync() {
      if (failing) throw new StorageError("the disk is gone");
    },
  };
  let leading;
  let answers = true;
  const requests = new Requests("tab", (message, direct) => queueMicrotask(() => leading.hear(message, direct)));
  const lead = (epoch) => {
    leading = new Leading(epoch, log, (message, direct) => {
      if (!answers) return;
      if (direct && message.t === "leads") requests.own = message.epoch;
      requests.hear(message, direct);
    });
  };
  lead("one");
  await assert.rejects(requests.add({ event: 1 }), { code: "durability-unknown", position: 0 });
  leading.end();
  // What was not durable is cut off when the log is opened again.
  stored.length = 0;
  failing = false;
  lead("two");
  answers = false;
  const lost = requests.add({ event: 2 });
  await undefined;
  requests.lost("two");
  await assert.rejects(lost, ({ code, position }) => {
    assert.equal(code, "leader-lost");
    assert.deepEqual(stored.slice(position), [2]);
    return true;
  });
  answers = true;
  lead("three");
  await requests.add({ event: 3 });
  assert.deepEqual(stored, [2, 3]);
});
