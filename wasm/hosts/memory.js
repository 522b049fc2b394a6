import { LockedError } from "../js/errors.js";
import { memoryFiles } from "./memory-files.js";

/** @returns {import("./host").Host} */
export function memoryHost() {
  const files = memoryFiles();
  let written = false;

  return {
    name: "memory",
    durability: "none",

    open(access) {
      if (access === "read") return { ...files, close() {} };
      if (written) {
        throw new LockedError("another writer has this memory host open", { path: "memory" });
      }
      written = true;
      return {
        ...files,
        close() {
          written = false;
        },
      };
    },
  };
}
