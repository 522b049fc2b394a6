// For every module its twin for `require`, with its types.

import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { transformSync } from "esbuild";

/** These run where there is no `require`. */
const ONLY_MODULES = [/^js\/workerd\.js$/, /^tabs\//, /^hosts\/(opfs|durable-object)/];

export function twins(out) {
  for (const folder of ["js", "hosts", "module"]) {
    for (const name of readdirSync(join(out, folder))) {
      const file = `${folder}/${name}`;
      if (ONLY_MODULES.some((pattern) => pattern.test(file))) continue;
      const source = () => readFileSync(join(out, file), "utf8");
      const renamed = (text) =>
        text.replace(/((?:require\(|import\(|from )["']\.{1,2}\/[^"']*)\.js(["'])/g, "$1.cjs$2");
      if (name.endsWith(".d.ts")) {
        writeFileSync(join(out, file.replace(/\.d\.ts$/, ".d.cts")), renamed(source()));
      } else if (name.endsWith(".js")) {
        const { code } = transformSync(source(), { format: "cjs", target: "es2022" });
        writeFileSync(join(out, file.replace(/\.js$/, ".cjs")), renamed(code));
      }
    }
  }
}
