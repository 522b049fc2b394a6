import type { Host } from "../hosts/host.js";
import type { NewEvent } from "./event.js";
import { EventReader, type ReaderOptions } from "./reader.js";

export interface LogOptions<States = {}> extends ReaderOptions<States> {
  /**
   * Rotates before an append when the log, without the archive, has this many bytes or more. A
   * number above 0; by default `Infinity`, which is never. What `rotate` throws, the append throws
   * then. An event that is refused does not rotate; an append that the host refuses may have.
   */
  maxLogSize?: number | undefined;
}

export interface AppendOptions {
  /**
   * What the append waits for. `"synced"`, the default: until the host says that the event is
   * durable. `"buffered"`: until the host has the event, which the end of the process does not
   * take, but a power cut may, with everything since the last sync.
   */
  durability?: "synced" | "buffered" | undefined;
}

/** Where an appended event stands. A copy of it has no `hash`, that of `toJSON` has. */
export class Appended {
  private constructor();

  /** Where its line starts in the whole history, in bytes. Rotation does not change it. */
  readonly position: number;

  /** Where the next line will start. With `hash`, what `appendIf` expects next. */
  readonly nextPosition: number;

  /** The hash of its line: 16 hex digits. */
  get hash(): string;

  toJSON(): { position: number; nextPosition: number; hash: string };
}

/** The end of a log: what `appendIf` expects. */
export interface End {
  /** Position after the last event; 0 when there is none. */
  position: number;

  /** The hash of the last line: 16 hex digits; of an empty log that of nothing. */
  hash: string;
}

/** What opening found and repaired. */
export interface Recovery {
  /** All of it in words; `"nothing to repair"` when there was nothing. */
  readonly text: string;

  /** Bytes of a torn end that were cut off the log. They are kept in `torn.bin`. */
  readonly tornLogBytes: number;

  /** Bytes of a torn end that were cut off the archive. They are kept in `torn.bin`. */
  readonly tornArchiveBytes: number;

  /** Whether the last event was whole but for its newline, which it got. */
  readonly completedLine: boolean;

  /**
   * What became of a rotation that a crash interrupted; `undefined` when there was none. `"kept"`:
   * the log holds something else than what the rotation archived, and both are kept.
   */
  readonly rotation: "finished" | "undone" | "kept" | undefined;

  /** Bytes of history that another program archived, and that are now read as part of this log. */
  readonly adoptedBytes: number;
}

/** What a rotation moved. */
export interface Rotation {
  /** How many bytes of lines left the log. */
  bytes: number;

  /** By how many bytes the archive grew. */
  archived: number;
}

/**
 * The one writer of a log, which reads as well: everything of `EventReader` sees what was appended
 * at once.
 *
 * A call that throws has changed nothing, unless its error says so: after a `PoisonedError` or a
 * `DurabilityUnknownError`, and after a `StorageError` of a rotation that could not be undone, every
 * call that writes throws a `PoisonedError` until the log is opened again, which finds out what is
 * stored. Reading goes on.
 */
export class EventLog<States = {}> extends EventReader<States> {
  protected constructor();

  /**
   * Opens the log on a host for writing, makes it where there is none, and repairs what a crash
   * left; `recovery` tells what that was.
   *
   * Rejects with a `LockedError` at once when somebody else writes to it, and as
   * `EventReader.open`. Nothing is held then.
   */
  static open<States = {}>(host: Host, options?: LogOptions<States>): Promise<EventLog<States>>;

  /** What opening found and repaired. */
  readonly recovery: Recovery;

  /**
   * How many bytes the log has without the archive: what a rotation would move, and what
   * `maxLogSize` is compared with.
   */
  readonly logLength: number;

  /**
   * Appends an event and returns where it stands.
   *
   * Throws, with nothing written: a `BadArgumentError` for what is no event, an `UnreadableError`
   * for what would not read back equal, a `TooLargeError` for a line over 64 MiB, a `StorageError`
   * when the host refused. A `DurabilityUnknownError` says that the event is stored or not, and so
   * does a `PanicError`.
   */
  append(event: NewEvent, options?: AppendOptions): Appended;

  /**
   * Appends events with one write and one sync, and returns where each stands. An event that is
   * refused refuses them all. The end of the process in the middle can leave the first of them
   * without the rest.
   *
   * Throws as `append` does, and a `TooLargeError` for lines of more than 2^28 characters.
   */
  appendBatch(events: Iterable<NewEvent>, options?: AppendOptions): Appended[];

  /**
   * Appends an event if the log still ends where the caller thinks: at the `position` and after the
   * line of the `hash` that `end` told, or at the `nextPosition` and `hash` of an append.
   *
   * Throws a `ConflictError` with the end as it is, and nothing written, when it does not; an
   * `UnsupportedError` on a host that lets others write; else as `append` does.
   */
  appendIf(event: NewEvent, expected: Readonly<End>, options?: AppendOptions): Appended;

  /** Where the log ends; where others may write, the end as this writer last saw it. */
  end(): End;

  /**
   * Makes everything appended so far as durable as the host makes it: its `durability` says what
   * that is worth. After an error the writer is poisoned.
   */
  sync(): void;

  /**
   * Syncs, and resolves when everything appended so far is durable also on a host that stores in
   * the background. Rejects with what went wrong there.
   */
  durable(): Promise<void>;

  /**
   * Moves the lines of the log into the archive, compressed, and synced. No position changes. An
   * empty log stays as it is.
   *
   * Throws an `UnsupportedError` on a host that lets others write, and a `StorageError` or a
   * `DurabilityUnknownError` when the host refused. The writer may be poisoned then, by the
   * `StorageError` too; opening again finishes or undoes what was begun, and loses nothing.
   */
  rotate(): Rotation;

  /**
   * Brings every view up to date and saves its snapshot, so that the next `open` folds on from
   * there. Closing saves the views as they are.
   *
   * Throws as `view` does, a `StorageError` when the host refuses, and an `UnreadableError` for a
   * state that JSON does not know. The other views are saved.
   */
  save(): void;

  /**
   * Saves the views that were asked for, as far as they are folded, and lets go of the log, also
   * when it rejects; but not in the middle of a call, where it rejects with a `ReentrantError`.
   */
  close(): Promise<void>;
}
