// Pages in Chromium, and folders that are served to them.

import { createReadStream, existsSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";

import { launch } from "../../js/support/browsers.js";

const TYPES = {
  ".css": "text/css",
  ".html": "text/html",
  ".js": "text/javascript",
  ".wasm": "application/wasm",
};

/** What a careful site allows: its own scripts and their modules, and no text as a script. */
const POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src data:";

/** Serves a folder on a loopback address. */
export async function serveFolder(dir) {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    const file = join(dir, normalize(pathname === "/" ? "/index.html" : pathname));
    if (!existsSync(file)) return response.writeHead(404).end();
    response.setHeader("content-type", TYPES[extname(file)] ?? "application/octet-stream");
    response.setHeader("content-security-policy", POLICY);
    return createReadStream(file).pipe(response);
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    stop: () => new Promise((closed) => (server.close(closed), server.closeAllConnections())),
  };
}

/**
 * Opens a page and returns what its `globalThis.outcome` comes to. A page that fails says what it
 * met on the way.
 */
export async function outcomeOf(url) {
  const browser = await launch("chromium");
  const met = [];
  try {
    const page = await browser.newPage();
    page.on("console", (message) => met.push(message.text()));
    page.on("pageerror", (error) => met.push(error.message ?? String(error)));
    page.on("requestfailed", (request) => met.push(`failed: ${request.url()}`));
    page.on("response", (answer) => {
      if (!answer.ok()) met.push(`${answer.status()}: ${answer.url()}`);
    });
    await page.goto(url);
    await page.waitForFunction("globalThis.outcome");
    return await page.evaluate("globalThis.outcome");
  } catch (error) {
    throw new Error(`${url}: ${error.message}; the page said:\n\n${met.join("\n")}`);
  } finally {
    await browser.close();
  }
}
