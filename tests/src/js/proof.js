// How a suite in WebAssembly reports of itself: in the file that `EVENTFOLD_PROOF` names where there
// are files, else on the console.

/** Passes on one line of JSON; `mark` is what such a line begins with on the console. */
export function say(line, mark) {
  const fs = globalThis.process?.getBuiltinModule?.("node:fs");
  if (!fs) return console.log(mark + line);
  const path = process.env.EVENTFOLD_PROOF;
  if (path) fs.appendFileSync(path, line + "\n");
}
