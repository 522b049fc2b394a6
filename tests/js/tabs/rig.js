// Tabs of one browser on one log, and what has to hold of them.

import assert from "node:assert/strict";

import { launch, serveSources } from "../support/browsers.js";

export class Rig {
  #tabs = 0;

  static async start(name = "chromium", options = {}) {
    const server = await serveSources();
    const browser = await launch(name, options);
    const rig = new this(server, browser);
    rig.observer = await rig.page("/tests/js/tabs/observer.js");
    return rig;
  }

  constructor(server, browser) {
    this.server = server;
    this.browser = browser;
    this.problems = [];
  }

  async stop() {
    await this.browser.close();
    await this.server.close();
  }

  /** A page, new or loaded anew, whose `run(name, ...args)` calls what a module exports. */
  async page(module, page) {
    if (!page) {
      page = await this.browser.newPage();
      page.on("pageerror", (error) => this.problems.push(String(error)));
      await page.goto(`${this.server.origin}/page`);
    }
    const run = (name, ...args) =>
      page.evaluate(
        async (module, name, args) => (await import(module))[name](...args),
        module,
        name,
        args,
      );
    return { page, run };
  }

  /** Begins with a new log. */
  async watch(name) {
    this.name = name;
    await this.observer.run("watch", name);
  }

  async tab(options = {}, page = undefined) {
    this.#tabs += 1;
    const tab = await this.page("/tests/js/tabs/page.js", page);
    tab.id = `tab${this.#tabs}`;
    await tab.run("open", this.name, tab.id, options);
    return tab;
  }

  async leaderOf(tabs) {
    for (let look = 0; look < 500; look += 1) {
      for (const tab of tabs) {
        if (await tab.page.evaluate(() => globalThis.log?.role === "leader")) return tab;
      }
      await new Promise((later) => setTimeout(later, 10));
    }
    throw new Error("no tab leads");
  }

  /** Waits until so many more events are acknowledged. */
  async acknowledged(more) {
    const count = (await this.observer.run("acknowledged")) + more;
    for (let look = 0; look < 2000; look += 1) {
      if ((await this.observer.run("acknowledged")) >= count) return;
      await new Promise((later) => setTimeout(later, 10));
    }
    throw new Error("the tabs do not go on");
  }

  /**
   * Each event once at the place that was acknowledged, and at most once where nobody knows.
   * `gone` are tabs that could not tell what became of everything.
   */
  async check(events, gone = []) {
    const places = new Map();
    for (const { tab, n, position } of events) {
      assert.ok(!places.has(`${tab}/${n}`), `${tab}/${n} is there twice`);
      places.set(`${tab}/${n}`, position);
    }
    const count = { acknowledged: 0, unknown: 0, stored: 0 };
    for (const { event, what, position } of await this.observer.run("told")) {
      const place = places.get(event);
      if (what === "acknowledged") {
        assert.equal(place, position, `${event} was acknowledged`);
        count.acknowledged += 1;
      } else if (what === "leader-lost") {
        assert.ok(place === undefined || place >= position, `${event} stands before ${position}`);
        count.unknown += 1;
        if (place !== undefined) count.stored += 1;
      } else {
        assert.equal(what, "asked", `${event}`);
        assert.ok(gone.includes(event.split("/")[0]), `nothing was said about ${event}`);
      }
    }
    assert.deepEqual(this.problems, []);
    return count;
  }
}
