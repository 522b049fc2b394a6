/** A place that holds one log. */
export interface Host {
  /** What it is, for messages: a path, or the log's name in the browser. */
  readonly name: string;

  /**
   * What `sync` waits for. `"synced"`: neither a crash nor a power cut takes what came before.
   * `"relaxed"`: a power cut, or the end of the page, can take the last of it; see `durable`.
   * `"none"`: everything goes with the object.
   */
  readonly durability: "synced" | "relaxed" | "none";

  /**
   * The log's files. For `"write"` it keeps every other writer away until they are closed, or
   * throws a `LockedError`; after it threw, nothing is held. For `"read"` nobody is kept away,
   * and only the reading half need be there. A host whose files must be opened beforehand opens
   * the snapshots of the views in `options`.
   */
  open(access: "write", options?: OpenOptions): Files | Promise<Files>;
  open(access: "read", options?: OpenOptions): SourceFiles | Promise<SourceFiles>;
}

export interface OpenOptions {
  /** The names of the views whose snapshots are read and saved. */
  views?: string[];
}

/**
 * The reading half of a log's files.
 *
 * `file` is one of `app.jsonl`, `archive.jsonl.zst`, `torn.bin` and
 * `views/<name>.snapshot.json`. A file that does not exist is an empty one. The calls are
 * synchronous; throwing is how they fail.
 */
export interface SourceFiles {
  /** The file's length in bytes. */
  len(file: string): number;

  /**
   * Fills `into` with the file's bytes from `offset` on and returns how many there were: fewer
   * than `into.length` only at the file's end. `into` is a view on memory that changes after the
   * call: it must not be kept. Nor may another log be used in the middle of the call, which can
   * take the view away; the call then fails.
   */
  readAt(file: string, offset: number, into: Uint8Array): number;

  /** Gives back what `open` took. Called once, and nothing after it. */
  close(): void | Promise<void>;

  /**
   * Calls `changed` soon after another may have changed the log, until the function that it
   * returns is called; it may be asked for anew then. Without it a tail looks again once a second.
   */
  watch?(changed: () => void): () => void;

  /**
   * Where the calls answer for the log as it was at a moment: goes to the log as it is now, and
   * resolves to whether it has changed in length.
   */
  refresh?(): Promise<boolean>;
}

/**
 * A log's files. `data` is a view on memory that changes after the call: it must not be kept. Nor
 * may another log be used in the middle of the call, which can take the view away; the call then
 * fails.
 */
export interface Files extends SourceFiles {
  /**
   * Whether everyone else is kept from writing; `true` by default. If not, nothing is repaired, cut
   * or rotated.
   */
  readonly exclusive?: boolean;

  /** Adds bytes at the file's end. After it threw, any prefix of them may have been added. */
  append(file: string, data: Uint8Array): void;

  /** Cuts the file to its first `length` bytes. */
  truncate(file: string, length: number): void;

  /** Returns when everything done to the file before is as durable as the host makes it. */
  sync(file: string): void;

  /** Sets the file's whole content: after a crash it holds the old bytes or the new ones. */
  replace(file: string, data: Uint8Array): void;

  /** Removes the file, if there is one. */
  remove(file: string): void;

  /**
   * For hosts that may be given a directory of the Rust crate 0.2.0: the names of the views that
   * have a snapshot. Before a rotation those that this crate saved are removed, since it would take
   * them for folded up to where the log begins.
   */
  snapshots?(): Iterable<string>;

  /** Relaxed hosts: resolves when everything done so far is durable. */
  durable?(): Promise<void>;
}
