/** What is appended. */
export interface NewEvent<Data = unknown> {
  /** What happened, such as `"todo.added"`: any string. */
  type: string;

  /**
   * What JSON can hold, written as `JSON.stringify` writes it. A number that is not finite, an
   * `undefined` or a hole in an array, a `Map`, a `Set` and others that it would leave empty, half
   * of a surrogate pair, more than 127 levels of nesting and the keys
   * `$serde_json::private::RawValue` and `…::Number` are refused with an `UnreadableError`: they
   * would not read back equal, in Rust at least.
   */
  data: Data;

  /** When it happened, in whole seconds from 1970 on; now by default. */
  ts?: number | undefined;

  /** The caller's own name for the event, or for what it is about. The log does not look at it. */
  id?: string | undefined;

  /** Who did it. The log does not look at it. */
  actor?: string | undefined;

  /** What else belongs to it, as JSON like `data`. */
  meta?: unknown;
}

/**
 * An event where it stands in the log. Its line is parsed when a field is first asked for that
 * needs it, so an event that is passed over by its `type` costs little.
 *
 * A line that is no event throws a `CorruptError` with its position from `data`, `ts`, `id`,
 * `actor`, `meta` and `toJSON`, and from `type` as well where that was not seen at a glance. The
 * events around it stay readable. What is no event in Rust is none here: a line with a field twice,
 * with a number that is out of range, with half of a surrogate pair or with a `ts` such as `1.0`.
 *
 * Its fields are no properties of its own: `{ ...event.toJSON() }` is a copy, `{ ...event }` is not.
 *
 * `Data` and `Type` are the caller's word for what is in there; nothing checks them. A union such
 * as `LogEvent<{ by: number }, "added"> | LogEvent<null, "reset">` is told apart by `type`.
 */
export class LogEvent<Data = unknown, Type extends string = string> {
  private constructor();

  /** Where its line starts in the whole history, in bytes. Rotation does not change it. */
  get position(): number;

  /** Where the next line starts: what to read from to go on after this event. */
  get nextPosition(): number;

  /** What happened. */
  get type(): Type;

  /** What was appended as `data`, parsed once: changes to it are seen by whoever has this event. */
  get data(): Data;

  /** When it happened, in whole seconds from 1970 on. */
  get ts(): number;

  /** As appended; `undefined` when there is none. */
  get id(): string | undefined;

  /** As appended; `undefined` when there is none. */
  get actor(): string | undefined;

  /** As appended; `undefined` when there is none. */
  get meta(): unknown;

  /** What was appended, without where it stands. */
  toJSON(): NewEvent<Data> & { type: Type; ts: number };
}
