// An event on its way into the log: the line that the module checks and writes.

import { BadArgumentError, TooLargeError, UnreadableError } from "./errors.js";
import { describe, isBuiltin, reasonOf } from "./given.js";

/** How many characters a batch may have: it has to be in memory at once, more than once. */
const MAX_BATCH = 1 << 28;

const FIELDS = new Set(["type", "data", "ts", "id", "actor", "meta"]);

/**
 * The event's line, without a newline.
 *
 * Data is written as `JSON.stringify` does it, which asks `toJSON` and leaves out properties that
 * are `undefined`. What it would turn into `null` or empty is refused.
 *
 * @param {import("./log.js").NewEvent} event
 */
export function lineOf(event) {
  if (event === null || typeof event !== "object") {
    throw new BadArgumentError(`an event is an object with type and data, not ${describe(event)}`);
  }
  const { type, data, ts = Math.floor(Date.now() / 1000), id, actor, meta } = event;
  if (typeof type !== "string") {
    throw new BadArgumentError(`an event's type is a string, not ${describe(type)}`);
  }
  if (!Number.isSafeInteger(ts) || ts < 0) {
    throw new BadArgumentError(`an event's ts is whole seconds from 1970 on, not ${describe(ts)}`);
  }
  for (const field in event) {
    if (!FIELDS.has(field)) {
      throw new BadArgumentError(
        `an event has no field ${JSON.stringify(field)}: put it into data or meta`,
      );
    }
  }
  if (isUnknown(data) || (meta !== undefined && isUnknown(meta))) {
    const what = isUnknown(data) ? `data is ${describe(data)}` : `meta is ${describe(meta)}`;
    throw new UnreadableError(`${what}, which JSON does not know`);
  }
  checkText("id", id);
  checkText("actor", actor);
  return json("the event", { type, data, ts, id, actor, meta });
}

/** The line of each event. */
export function linesOf(events) {
  if (typeof events?.[Symbol.iterator] !== "function") {
    throw new BadArgumentError(`a batch is an iterable of events, not ${describe(events)}`);
  }
  const lines = [];
  let length = 0;
  for (const event of events) {
    const line = lineInBatch(event, lines.length);
    length += line.length;
    if (length > MAX_BATCH) {
      throw new TooLargeError(`the batch has more than ${MAX_BATCH} characters: append it in parts`);
    }
    lines.push(line);
  }
  return lines;
}

function lineInBatch(event, index) {
  try {
    return lineOf(event);
  } catch (error) {
    // Any other was thrown by a getter of the program's.
    if (!(error instanceof BadArgumentError || error instanceof UnreadableError)) throw error;
    throw new error.constructor(`event ${index} of the batch, counted from 0: ${error.message}`, {}, error.cause);
  }
}

function checkText(field, value) {
  if (value === undefined || typeof value === "string") return;
  throw new BadArgumentError(`an event's ${field} is a string, not ${describe(value)}`);
}

/** JSON that reads back equal; halves of surrogate pairs and deep nesting the module refuses. */
export function json(field, value) {
  let text;
  try {
    text = JSON.stringify(value);
    if ((text?.includes("null") || text?.includes("{}")) && mayLose(value)) refuseWhatIsLost(field, value);
  } catch (error) {
    if (error instanceof UnreadableError) throw error;
    throw new UnreadableError(`${field} cannot be written as JSON: ${reasonOf(error)}`, {}, error);
  }
  if (text === undefined) {
    throw new UnreadableError(`${field} is ${describe(value)}, which JSON does not know`);
  }
  return text;
}

/** Whether the JSON of `value` may hold a null or an empty object that is something else in it. */
function mayLose(value) {
  if (typeof value === "number") return !Number.isFinite(value);
  if (value === null || typeof value !== "object") return false;
  if (typeof value.toJSON === "function") return true;
  if (Array.isArray(value)) {
    // Unlike `some`, it does not pass over holes.
    for (const item of value) if (isUnknown(item) || mayLose(item)) return true;
    return false;
  }
  const inners = Object.values(value);
  for (const inner of inners) {
    // Most are text.
    if (typeof inner !== "string" && mayLose(inner)) return true;
  }
  return inners.length === 0 && isBuiltin(value);
}

function isUnknown(value) {
  const kind = typeof value;
  return kind === "undefined" || kind === "function" || kind === "symbol";
}

function refuseWhatIsLost(field, root) {
  JSON.stringify(root, function (key, value) {
    const before = this[key];
    const lost =
      ((typeof value === "number" || value instanceof Number) && !Number.isFinite(+value)) ||
      (before instanceof Date && Number.isNaN(before.getTime())) ||
      (Array.isArray(this) && isUnknown(value)) ||
      (typeof value === "object" && !Array.isArray(value) && isBuiltin(value) && JSON.stringify(value) === "{}");
    if (lost) {
      const place = key === "" ? "is" : `holds at ${JSON.stringify(key)}`;
      throw new UnreadableError(`${field} ${place} ${describe(before)}, which JSON does not know`);
    }
    return value;
  });
}
