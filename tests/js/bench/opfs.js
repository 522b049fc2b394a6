// Against raw handles and sqlite-wasm, in a Chromium worker on OPFS: `node bench/opfs.js`.

import { launch, serveSources } from "../support/browsers.js";
import { lines } from "./events.js";
import { head, inTurns } from "./turns.js";

const { origin, close } = await serveSources();
const browser = await launch("chromium", { protocolTimeout: 600_000 });
try {
  const page = await browser.newPage();
  await page.goto(`${origin}/page`);
  await page.evaluate((script) => {
    const worker = new Worker(script, { type: "module" });
    // Not when it is asked first: a script that does not load says so before.
    const failed = new Promise((_, reject) => {
      worker.onerror = (event) => reject(new Error(event.message ?? "the worker's script did not load"));
    });
    failed.catch(() => {});
    globalThis.ask = (message) => {
      const answer = new Promise((resolve, reject) => {
        worker.onmessage = ({ data }) => (data.error ? reject(new Error(data.error)) : resolve(data));
      });
      worker.postMessage(message);
      return Promise.race([answer, failed]);
    };
  }, `${origin}/tests/js/bench/opfs-worker.js`);
  const ask = (message) => page.evaluate((message) => globalThis.ask(message), message);

  const text = lines();
  // The browser's end closes on larger messages.
  for (let from = 0; from < text.length; from += 1 << 20) {
    await page.evaluate((part) => {
      globalThis.text = (globalThis.text ?? "") + part;
    }, text.slice(from, from + (1 << 20)));
  }
  const { works } = await page.evaluate(() => globalThis.ask({ text: globalThis.text }));
  console.log(`${await browser.version()}, ${(text.length / 1e6).toFixed(1)} MB of events`);
  head();
  for (const [work, contestants] of works) {
    const by = (name) => async () => (await ask({ work, by: name })).took;
    await inTurns(work, Object.fromEntries(contestants.map((name) => [name, by(name)])), 5);
  }
} finally {
  await browser.close();
  await close();
}
