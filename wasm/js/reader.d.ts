/// <reference lib="esnext.disposable" />

import type { Host } from "../hosts/host.js";
import type { LogEvent } from "./event.js";

/** A state that is folded over the events: `state = reduce(state, event)` for each in turn. */
export interface View<State> {
  /**
   * The state before the first event: JSON, and not `undefined`. A log folds on a copy of it, so
   * several logs may share a definition. Its type is that of all states: `[] as string[]` says more
   * than `[]`.
   */
  initial: State;

  /**
   * The state after `event`; never `undefined`, nor a promise. It may change `state` and return it.
   * It sees every event once and in order, must not use the log, and depends on its arguments alone.
   */
  reduce(this: void, state: NoInfer<State>, event: LogEvent): NoInfer<State>;

  /**
   * Which code folds the view: a whole number from 0, the default, to 2^32 - 1. Raise it when the
   * reducer changes its meaning: a snapshot of another version is passed over, and the view folded
   * from the first event.
   */
  version?: number | undefined;
}

/** Views by their names, each with its own state. */
export type Views<States> = { readonly [Name in keyof States]: View<States[Name]> };

export interface ReaderOptions<States = {}> {
  /**
   * The views that `view` can be asked for. A name is 1 to 128 bytes and a file name on every
   * system: none of `/ \ : * ? " < > |`, no control character, no half of a surrogate pair, no
   * dot or space at either end. No two differ in case only.
   */
  views?: Views<States> | undefined;
}

export interface TailOptions {
  /** Where to start; by default 0, the start of history. */
  position?: number | undefined;

  /** Ends the tail: an `AbortSignal`. The iteration then finishes without an error. */
  signal?: AbortSignalLike | undefined;
}

/** The part of an `AbortSignal` that is used, for programs without the types of the web. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  addEventListener(type: "abort", listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/**
 * Reads a log, whether or not somebody writes to it. It locks nothing, changes nothing and may be
 * opened any number of times.
 *
 * `States` says what its views hold, and follows from the views given to `open`.
 */
export class EventReader<States = {}> {
  protected constructor();

  /**
   * Opens the log on a host for reading.
   *
   * Rejects with a `BadArgumentError` for what is not a host or not a view, with an
   * `UnsupportedError` where the runtime lacks what the host needs, and with what the host throws:
   * of this package's hosts that is a `StorageError`.
   */
  static open<States = {}>(host: Host, options?: ReaderOptions<States>): Promise<EventReader<States>>;

  /**
   * The events from `position` on, up to the end of the log; those appended while the iteration
   * goes on are in it. Nothing is read before the first `next`, then about 256 KiB at a time.
   * Rotations in between change nothing.
   *
   * Throws a `BadPositionError` when `position` is no number from 0 on below 2^53, and from the
   * first `next` when no event starts there. A damaged place in the archive ends the iteration
   * with a `CorruptError`, after all events before it; a line that is no event throws one when its
   * event is looked into. A `StorageError` ends it as well; read again from the `nextPosition` of the
   * last event.
   */
  read<Data = unknown>(position?: number): Generator<LogEvent<Data>, void, undefined>;

  /**
   * The events from `position` on, and then each as it is appended, by whomever, until the signal
   * is aborted or the log closed. A host that is told of changes wakes it; it looks again once a
   * second in any case. A program does not end by itself while it goes on.
   *
   * Throws and ends as `read` does; a `BadArgumentError` for what is not a signal.
   */
  tail<Data = unknown>(options?: TailOptions): AsyncGenerator<LogEvent<Data>, void, undefined>;

  /**
   * Where the last `lines` lines that are there now begin, and 0 where there are fewer: the
   * position from which `read` and `tail` hand them out. With 0 it is where the log ends. What that
   * takes grows with these lines, not with the log.
   *
   * Each event is a line, but not each line need be an event: one that is blank or damaged counts
   * too. Damage in the archive is not passed on the way back: the lines behind it are the last ones.
   *
   * Throws a `BadArgumentError` when `lines` is no whole number from 0 on, and a `CorruptError` or a
   * `StorageError` when nobody can say where the log ends.
   */
  startOfLast(lines: number): number;

  /**
   * Goes to the log as it is now, on a host that reads it as it was at one moment, at first that of
   * opening: `eventfold/opfs` in Firefox and Safari, and `eventfold/indexeddb`. A tail does so by
   * itself. On other hosts reads always see the log as it is now, and this does nothing.
   *
   * Rejects with a `StorageError` when the host refuses.
   */
  refresh(): Promise<void>;

  /**
   * The state of a view up to the last event. The first call starts from its snapshot, if there is
   * one; later ones fold only what came since, or everything anew if events that were folded turn
   * out to be no longer in the log.
   *
   * The state belongs to the view: do not change it, and take a copy of what has to stay as it is,
   * since a reducer may change it in place.
   *
   * Throws a `BadArgumentError` for a name that `open` was not given, a `ReducerError` when the
   * reducer throws or returns `undefined` or a promise, and what `read` throws. The snapshot is then
   * as it was before the call, and the next call tries again: after a `ReducerError` from the
   * snapshot on, else from where reading failed.
   */
  view<Name extends keyof States & string>(name: Name): States[Name];

  /**
   * Gives back what the host opened, and ends all tails. Everything but `close` throws a
   * `ClosedError` from then on, also the `next` of an iteration. Closing again waits for the same.
   *
   * Rejects with a `ReentrantError` in the middle of a call, as from a reducer; the log stays open.
   * Rejects with a `StorageError` when the host refuses; the log is closed then.
   */
  close(): Promise<void>;

  /** Starts to `close`, where the runtime knows `using`. */
  [Symbol.dispose](): void;

  /** As `close`, where the runtime knows `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}
