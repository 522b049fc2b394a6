// A run of operations on a log's files that is the same whenever it is made, so that what a crash
// left can be compared with what was there after each of them.

import { memoryFiles } from "../../../wasm/hosts/memory-files.js";

export const FILES = ["app.jsonl", "archive.jsonl.zst", "torn.bin", "views/sum.snapshot.json"];

const bytes = (text) => new TextEncoder().encode(text);

/** The file's whole content. */
export function contentOf(files, name) {
  const content = new Uint8Array(files.len(name));
  if (files.readAt(name, 0, content) !== content.length) throw new Error(`${name} is cut short`);
  return new TextDecoder("latin1").decode(content);
}

/** What the files hold now. */
export function copyOf(files) {
  const copy = memoryFiles();
  for (const name of FILES) {
    const content = new Uint8Array(files.len(name));
    files.readAt(name, 0, content);
    copy.append(name, content);
  }
  return copy;
}

/** Does the operation of this number. */
export function operate(files, number) {
  if (number % 25 === 24) {
    // Like a rotation.
    files.append("archive.jsonl.zst", bytes(contentOf(files, "app.jsonl")));
    files.truncate("app.jsonl", 0);
  } else if (number % 10 === 9) {
    files.replace("views/sum.snapshot.json", bytes(`${number}`.repeat(number % 60)));
  } else if (number % 35 === 34) {
    files.remove("views/sum.snapshot.json");
  } else if (number % 7 === 6) {
    files.truncate("app.jsonl", Math.floor(files.len("app.jsonl") / 2));
  } else {
    files.append("app.jsonl", bytes(`${number} `.repeat(number % 400)));
  }
}

/** Whether the two sets of files hold the same. */
export function isSame(a, b) {
  return (
    FILES.every((name) => a.len(name) === b.len(name)) &&
    FILES.every((name) => contentOf(a, name) === contentOf(b, name))
  );
}

/** After how many operations, `most` of them at most, the files were as these are; -1 if never. */
export function operationsIn(files, most) {
  const model = memoryFiles();
  let found = -1;
  for (let number = 0; number <= most; number += 1) {
    if (isSame(files, model)) found = number;
    // Some operations change nothing: the last one counts.
    else if (found !== -1) break;
    operate(model, number);
  }
  return found;
}
