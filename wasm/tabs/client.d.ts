/// <reference lib="esnext.disposable" />
/// <reference lib="dom" />

import type { EventfoldError } from "../js/errors.js";
import type { LogEvent, NewEvent } from "../js/event.js";
import type { End, Rotation } from "../js/log.js";
import type { TailOptions, Views } from "../js/reader.js";

export * from "../js/errors.js";
export type { LogEvent, NewEvent } from "../js/event.js";
export type { End, Rotation } from "../js/log.js";
export type { TailOptions, View, Views } from "../js/reader.js";

export interface TabLogOptions<States = {}> {
  /**
   * As for `EventLog.open`. The reducers run in the page; which views are saved is up to the tab
   * that leads: those that it was given, and those that have a snapshot.
   */
  views?: Views<States> | undefined;

  /** As for `EventLog.open`; that of the tab that leads counts. */
  maxLogSize?: number | undefined;

  /**
   * Makes the worker, where the bundler does not find it by itself: a module worker whose script is
   * `eventfold/tabs/worker`, or imports it. Called again when the page comes back from being
   * frozen.
   */
  worker?: (() => Worker) | undefined;

  /** Called when this tab begins to lead, and when it no longer does. */
  onRole?: ((role: TabLog["role"]) => void) | undefined;
}

/** Where an event stands that was appended by a tab. */
export interface TabAppended {
  /** Where its line starts in the whole history, in bytes. Rotation does not change it. */
  position: number;

  /** Where the next line will start. With `hash`, what `appendIf` expects next. */
  nextPosition: number;

  /** The hash of its line: 16 hex digits. */
  hash: string;
}

export interface TabStatus {
  /** Whether this tab leads. */
  role: "leader" | "follower";

  /** An id of the tab that leads, new each time one begins to; `undefined` while none is known. */
  leader: string | undefined;

  /** Why this tab could not open the log when it was its turn to lead. */
  unable: EventfoldError | undefined;

  /** Where the log ended when the tab that leads last spoke. */
  position: number;

  /** How many calls of this tab wait for the tab that leads. */
  waiting: number;

  /** Length of the log in bytes, without the archive. */
  logBytes: number;

  /** Length of the archive in bytes. */
  archiveBytes: number;
}

/**
 * A log in a page, shared by all tabs of its origin that open it under this name. It lives in the
 * origin private file system (see `eventfold/opfs`).
 *
 * Each tab reads for itself, in a worker of its own. One of them leads: its worker holds the log's
 * lock and writes for all. When that tab is closed, reloaded, frozen or crashes, another takes
 * over, usually within a quarter of a second.
 *
 * A call that writes is done once or not at all. It resolves when what it did is durable. When the
 * tab that leads goes away in the middle of it, it rejects with a `LeaderLostError`: then it is
 * done or not, and the error's `position` says from where on to look for it. Calls that no leader
 * has begun wait for the next one. A leader that is slow is waited for.
 *
 * When the site's data is cleared, the log begins anew in every tab within about a second: views
 * fold what there is, and a tail ends with a `BadPositionError`. What was appended before is lost.
 */
export class TabLog<States = {}> {
  protected constructor();

  /**
   * Opens the log, and makes it where there is none.
   *
   * Rejects with an `UnsupportedError` where the browser would not keep the log, as in private
   * windows of some browsers, and where the worker cannot be loaded; with a `StorageError` when the
   * browser refuses, and where an import into the log has not ended; with a `BadArgumentError` for
   * an invalid name or option.
   */
  static open<States = {}>(name: string, options?: TabLogOptions<States>): Promise<TabLog<States>>;

  readonly name: string;

  /** Whether this tab leads, which makes no difference to what it can do. */
  readonly role: "leader" | "follower";

  /**
   * Appends an event. Those of one tab stand in the order of its calls.
   *
   * Rejects as `EventLog.append` throws, with a `LeaderLostError`, and with what kept this tab from
   * opening the log when it was its turn to lead. Only a `LeaderLostError`, a
   * `DurabilityUnknownError` and a `PanicError` leave it open whether the event is stored.
   */
  append(event: NewEvent): Promise<TabAppended>;

  /** As `EventLog.appendBatch`. Rejects as `append`. */
  appendBatch(events: Iterable<NewEvent>): Promise<TabAppended[]>;

  /**
   * As `EventLog.appendIf`: rejects with a `ConflictError` when another tab was faster; else as
   * `append`.
   */
  appendIf(event: NewEvent, expected: Readonly<End>): Promise<TabAppended>;

  /** Where the log ends. Rejects as `append`. */
  end(): Promise<End>;

  /** As `EventLog.rotate`. Rejects as `append`. */
  rotate(): Promise<Rotation>;

  /**
   * The events from `position` on, up to the end of the log. Every append that this tab was told of
   * is in it. Ends as `EventReader.read` does.
   */
  read<Data = unknown>(position?: number): AsyncGenerator<LogEvent<Data>, void, undefined>;

  /**
   * The events from `position` on, and then each as it is appended, by whatever tab, until the
   * signal is aborted or the log closed.
   */
  tail<Data = unknown>(options?: TailOptions): AsyncGenerator<LogEvent<Data>, void, undefined>;

  /** As `EventReader.startOfLast`, and of every append that this tab was told of. */
  startOfLast(lines: number): Promise<number>;

  /** As `EventReader.view`, folded in this page. */
  view<Name extends keyof States & string>(name: Name): Promise<States[Name]>;

  /**
   * Brings every view up to date and has its snapshot saved, for all tabs to go on from. Closing
   * saves the views as they are.
   *
   * Rejects with an `UnsupportedError` for a view that the tab that leads does not save, as when it
   * is of another version of the program, and as `view` and `append`. The other views are saved.
   */
  save(): Promise<void>;

  status(): Promise<TabStatus>;

  /**
   * Waits for what was asked for, and lets go of the log, also when it rejects because a view could
   * not be saved; a view that the tab that leads does not save is passed over. Where no tab is known
   * to lead, as in the moment after `open`, what waits for one is rejected with a `ClosedError`.
   */
  close(): Promise<void>;

  [Symbol.asyncDispose](): Promise<void>;
}
