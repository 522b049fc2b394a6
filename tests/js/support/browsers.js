// Real browsers for the tests, and the address under which they find the sources.

import { createReadStream, existsSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { extname, join, normalize } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const types = { ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm", ".html": "text/html" };

// Of Debian; another place is said by the environment.
const programs = {
  chromium: process.env.CHROMIUM || "/usr/bin/chromium",
  firefox: process.env.FIREFOX || "/usr/bin/firefox-esr",
};

/**
 * Starts a browser with a profile of its own.
 * @param {"chromium" | "firefox"} name
 * @param {object} [options] of `puppeteer.launch`
 * @returns {Promise<import("puppeteer-core").Browser>}
 */
export async function launch(name, options = {}) {
  const { resolve } = createRequire(join(root, "wasm/package.json"));
  const { default: puppeteer } = await import(pathToFileURL(resolve("puppeteer-core")).href);
  const { args = [], ...others } = options;
  return puppeteer.launch({
    browser: name === "firefox" ? "firefox" : "chrome",
    executablePath: programs[name],
    headless: true,
    // Without a user of its own for it there is no sandbox; without much of /dev/shm no crash.
    args: name === "firefox" ? args : ["--no-sandbox", "--disable-dev-shm-usage", ...args],
    ...others,
  });
}

/**
 * Serves the files of the repository on a loopback address; every path that is no file, like
 * `/page`, is an empty page.
 * @returns {Promise<{ origin: string, close: () => Promise<void> }>}
 */
export async function serveSources() {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    const type = types[extname(pathname)];
    const file = join(root, normalize(pathname));
    response.setHeader("cache-control", "no-store");
    if (!type) {
      response.setHeader("content-type", "text/html");
      response.end("<!doctype html><meta charset=utf-8><title>eventfold</title>");
    } else if (existsSync(file)) {
      response.setHeader("content-type", type);
      createReadStream(file).pipe(response);
    } else {
      response.writeHead(404).end();
    }
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    close: () => new Promise((closed) => (server.close(closed), server.closeAllConnections())),
  };
}
