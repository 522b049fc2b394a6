import type { Host, SourceFiles } from "./host.js";

/**
 * A log in the origin private file system (OPFS), in the directory `eventfold/<name>/`, with the
 * same files as natively. For dedicated workers; a page uses `eventfold/tabs`.
 *
 * Durable: `flush()` of the browser, after each synced append; as long as neither the user nor the
 * browser clears the site's data (see `navigator.storage.persist`). A writer looks once a second
 * whether that happened, and throws a `StorageError` from then on: open it again. What it appended
 * in between is lost as well. In Chromium a reader goes on with what there was; closing it, or a
 * writer that has not noticed yet, blocks its worker for ever: end that instead.
 *
 * Exclusive: by the Web Lock `eventfold:<name>` and by an access handle that no other can open. Where
 * OPFS is missing, as in private windows of some browsers, opening throws an `UnsupportedError`.
 *
 * `open("read")` sees the log as it is in Chromium, which lets readers share the writer's handles.
 * Elsewhere it gives the log as it was at one moment, its part that is not archived in memory;
 * `refresh` looks again.
 */
export function opfsHost(name: string, options?: OpfsOptions): Host;

export interface OpfsOptions {
  /** Whether `open("write")` waits for another writer to end, instead of a `LockedError`. */
  wait?: boolean | undefined;
  /** Ends the waiting: opening then rejects with the reason of the signal. */
  signal?: AbortSignal | undefined;
}

/** What `open("read")` gives. */
export interface OpfsSourceFiles extends SourceFiles {
  /** Beside the log and its archive it looks anew at the files at `paths`. */
  refresh(paths?: string[]): Promise<boolean>;

  /**
   * Whether there was no rotation since `refresh`. A reader that holds nothing in memory asks this
   * after it has read, and believes what it read only then.
   */
  stillCurrent(): Promise<boolean>;
}

/**
 * The files of a log, by their paths, as they were at one moment: what a directory of a native log
 * holds. A writer may be at work. Rejects with a `StorageError` where there is no log, or
 * an import into it has not ended, and when the browser refuses. Works in pages and in workers.
 */
export function exportDirectory(name: string): Promise<Map<string, Uint8Array>>;

/**
 * Makes a log out of the files of another: a directory's handle, the files of an
 * `<input type="file" webkitdirectory>`, or pairs of a path and bytes, as `exportDirectory` gives
 * them. Resolves to the paths that were taken; files that are none of a log's are left out. A log
 * that holds anything is not written over. Rejects with a `LockedError` while somebody writes to
 * the log, or, in Chromium, reads it; with a `StorageError` when the log holds something, or the
 * browser refuses. Works in pages and in workers.
 */
export function importDirectory(
  name: string,
  from: FileSystemDirectoryHandle | Iterable<File | [path: string, bytes: BlobPart | Uint8Array]>,
): Promise<string[]>;
