import type { Host, SourceFiles } from "./host.js";

/**
 * A log in the origin private file system (OPFS), in the directory `eventfold/<name>/`, with the
 * same files as natively. For dedicated workers; a page uses `eventfold/tabs`.
 *
 * Durable: `flush()` of the browser, after each synced append; as long as neither the user nor the
 * browser clears the site's data (see `navigator.storage.persist`). Exclusive: by the Web Lock
 * `eventfold:<name>` and by the files' exclusive access handles. Where OPFS is missing, as in
 * private windows of some browsers, opening throws an `UnsupportedError`.
 *
 * `open("read")` gives the log as it is at one moment, its part that is not archived in memory;
 * `refresh` looks again.
 */
export function opfsHost(name: string, options?: OpfsOptions): Host;

export interface OpfsOptions {
  /** Whether `open("write")` waits for another writer to end, instead of a `LockedError`. */
  wait?: boolean;
  /** Ends the waiting. */
  signal?: AbortSignal;
}

/** What `open("read")` gives. */
export interface OpfsSourceFiles extends SourceFiles {
  /** Goes to the log as it is now; resolves to whether it has changed in length. */
  refresh(): Promise<boolean>;

  /**
   * Whether no rotation has come in between since `refresh`. What was read without it being so
   * afterwards is worth nothing, unless the log's bytes are held in memory.
   */
  stillCurrent(): Promise<boolean>;
}

/**
 * The files of a log, by their paths, as they were at one moment: what a directory of a native log
 * holds. A writer may be at work. Works in pages and in workers.
 */
export function exportDirectory(name: string): Promise<Map<string, Uint8Array>>;

/**
 * Makes a log out of the files of another: a directory's handle, the files of an
 * `<input type="file" webkitdirectory>`, or pairs of a path and bytes, as `exportDirectory` gives
 * them. Resolves to the paths that were taken; files that are none of a log's are left out. A log
 * that holds anything is not written over. Works in pages and in workers.
 */
export function importDirectory(
  name: string,
  from: FileSystemDirectoryHandle | Iterable<File | [path: string, bytes: BlobPart]>,
): Promise<string[]>;
