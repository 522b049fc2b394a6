import type { Host } from "./host.js";

/** How other writers are kept away. */
export interface NodeHostOptions {
  /**
   * `"flock"`, the default: the lock that the native crate takes, on `app.jsonl` and on its
   * directory. A writer of either kind keeps those of the other away, in whatever process, and
   * the system frees the lock when the process ends, however that ends; Node and Deno also when a
   * worker thread ends, which in Bun has to close its log first. Deno locks by itself; Node and Bun
   * need flock(1) or perl, of which every Linux has one and macOS the second. Where no such lock can
   * be taken, as on Windows, opening throws an `UnsupportedError`.
   *
   * `"none"`: others may write to the same files. Nothing is repaired, cut or rotated then, and a
   * fragment that somebody left becomes a line of its own.
   */
  lock?: "flock" | "none" | undefined;
}

/** `URL`, where the program has its type. */
export type FileUrl = typeof globalThis extends { URL: { prototype: infer Url } } ? Url : never;

/**
 * The log in a directory, for Node, Deno and Bun: the same files as those of the native crate.
 *
 * Durable: what `sync` returned from survives the end of the process and a power cut. Exclusive:
 * by a lock that the system keeps, see `lock`. Opening to write makes the directory where it is
 * missing; opening to read does not, takes no lock, and changes nothing.
 *
 * A tail is woken by the system's notifications, and once a second by itself, since some file
 * systems have none.
 */
export function nodeHost(dir: string | FileUrl, options?: NodeHostOptions): Host;
