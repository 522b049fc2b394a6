// Serves the demo on this machine alone: `npm run demo`. The first argument is the port.

import { createReadStream, existsSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const wasm = fileURLToPath(new URL("..", import.meta.url));
const fixtures = fileURLToPath(new URL("../../tests/fixtures", import.meta.url));
const types = {
  ".css": "text/css",
  ".html": "text/html",
  ".js": "text/javascript",
  ".jsonl": "application/x-ndjson",
};

if (!existsSync(join(wasm, "package"))) {
  console.error("The package is not built yet: npm ci && npm run build");
  process.exit(1);
}

const server = createServer(({ url }, response) => {
  let path = normalize(decodeURIComponent(new URL(url, "http://localhost").pathname));
  if (path.endsWith("/")) path += "index.html";
  const file = path.startsWith("/fixtures/") ? join(fixtures, path.slice(10)) : join(wasm, path);
  if (path === "/index.html") return response.writeHead(302, { location: "/demo/" }).end();
  if (!types[extname(file)] || !existsSync(file)) return response.writeHead(404).end();
  response.writeHead(200, { "content-type": types[extname(file)], "cache-control": "no-store" });
  return createReadStream(file).pipe(response);
});

server.listen(Number(process.argv[2] ?? 8000), "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${server.address().port}/demo/`);
});
