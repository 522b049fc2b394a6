/**
 * What holds a log's bytes. Every call is synchronous; throwing is how it fails.
 *
 * `name` is one of `app.jsonl`, `archive.jsonl.zst`, `torn.bin` and
 * `views/<name>.snapshot.json`. A file that does not exist is an empty one.
 *
 * The host keeps other writers away from its bytes for as long as a log is open on it.
 *
 * The byte arrays passed in are views on memory that changes after the call: use them at once or
 * copy them, and never keep them.
 */
export interface Host {
  /** The file's length in bytes. */
  len(name: string): number;
  /**
   * Fills `into` with the file's bytes from `offset` on and returns how many there were: fewer
   * than `into.length` only at the file's end.
   */
  readAt(name: string, offset: number, into: Uint8Array): number;
  /** Adds bytes at the file's end. After it threw, any prefix of them may have been added. */
  append(name: string, data: Uint8Array): void;
  /** Cuts the file to its first `length` bytes. */
  truncate(name: string, length: number): void;
  /** Returns when everything done to the file before is as durable as this host makes it. */
  sync(name: string): void;
  /** Sets the file's whole content: after a crash it holds the old bytes or the new ones. */
  replace(name: string, data: Uint8Array): void;
  /** Removes the file, if there is one. */
  remove(name: string): void;
}
