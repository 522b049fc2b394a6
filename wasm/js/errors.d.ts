/** What every error of the package is. */
export class EventfoldError extends Error {
  /** Which error it is; the same from version to version. */
  readonly code: string;
}

/** Another writer has the log. */
export class LockedError extends EventfoldError {
  readonly code: "locked";
  /** What is locked: a path, or the name of a log in the browser. */
  readonly path: string;
  /** The process that holds the lock, where it can be known. */
  readonly pid?: number;
  /** Its program, where it can be known. */
  readonly program?: string;
}

/**
 * The host refused; `cause` is what it threw. Nothing was written unless the message says so. When
 * it comes of a rotation, its syncs included, the writer may be unsure of what is stored: then the
 * next call that writes throws a `PoisonedError`.
 */
export class StorageError extends EventfoldError {
  readonly code: "storage";
  /** The file, as in the log's directory. */
  readonly file?: string;
}

/**
 * Bytes that are part of history cannot be read as an event. Reading goes on behind them from
 * `nextPosition`.
 */
export class CorruptError extends EventfoldError {
  readonly code: "corrupt";
  /** Where the line or block starts. */
  readonly position: number;
  /** Where what follows it starts; where opening fails there is none. */
  readonly nextPosition?: number;
  /** The file, as in the log's directory. */
  readonly file?: string;
  /** Where in that file. */
  readonly offset?: number;
}

/** `appendIf` expected another end of the log. Nothing was written. */
export class ConflictError extends EventfoldError {
  readonly code: "conflict";
  /** Where the log ends. */
  readonly position: number;
  /** The hash of its last line. */
  readonly hash: string;
}

/** An earlier failure left the writer unsure of what is stored. Open the log again to go on. */
export class PoisonedError extends EventfoldError {
  readonly code: "poisoned";
}

/** Whether the events from `position` on are stored is unknown: open the log again and read them. */
export class DurabilityUnknownError extends EventfoldError {
  readonly code: "durability-unknown";
  readonly position: number;
}

/**
 * The event's line is longer than 64 MiB, the batch than 2^28 characters, or than there is memory
 * for. Nothing was written.
 */
export class TooLargeError extends EventfoldError {
  readonly code: "too-large";
}

/** What was given cannot be written so that it reads back equal. Nothing was written. */
export class UnreadableError extends EventfoldError {
  readonly code: "unreadable";
}

/** A position that is not the start of an event of this log. */
export class BadPositionError extends EventfoldError {
  readonly code: "bad-position";
}

/** An argument of the wrong kind. */
export class BadArgumentError extends EventfoldError {
  readonly code: "bad-argument";
}

/**
 * A view's reducer threw, which is the `cause`, or returned nothing or a promise. The view is as it
 * was.
 */
export class ReducerError extends EventfoldError {
  readonly code: "reducer";
  readonly view: string;
  /** The event's position. */
  readonly position: number;
}

/** The log was used after `close`. */
export class ClosedError extends EventfoldError {
  readonly code: "closed";
}

/** The log was used by its own host or reducer, in the middle of a call. */
export class ReentrantError extends EventfoldError {
  readonly code: "reentrant";
}

/**
 * The module stopped in the middle of a call; whether what that was to write is stored is unknown.
 * Load the package anew and open the log again.
 */
export class PanicError extends EventfoldError {
  readonly code: "panic";
}

/** This runtime lacks what the host needs; the message says what helps. */
export class UnsupportedError extends EventfoldError {
  readonly code: "unsupported";
}

/**
 * The tab that wrote went away before it answered: whether it did what it was asked for is unknown.
 * If it did, the events are at `position` or after it.
 */
export class LeaderLostError extends EventfoldError {
  readonly code: "leader-lost";
  readonly position: number;
}
