import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * A new directory that goes with the test, in memory where there is such a file system: for tests
 * that write so often that waiting for a disk would be most of their time.
 * @param {{ after: (act: () => void) => void }} [t]
 */
export function quickDir(t) {
  const dir = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "eventfold-"));
  t?.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}
