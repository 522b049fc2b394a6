// An event on its way into the log: the line that the module checks and writes.

import { BadArgumentError, UnreadableError } from "./errors.js";

const FIELDS = new Set(["type", "data", "ts", "id", "actor", "meta"]);

/**
 * The event's line with its newline.
 *
 * Data is written as `JSON.stringify` does it, which asks `toJSON` and leaves out properties that
 * are `undefined`. What it would turn into `null` is refused.
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
  let line = `{"type":${text("type", type)},"data":${json("data", data)},"ts":${ts}`;
  if (id !== undefined) line += `,"id":${text("id", id)}`;
  if (actor !== undefined) line += `,"actor":${text("actor", actor)}`;
  if (meta !== undefined) line += `,"meta":${json("meta", meta)}`;
  return line + "}\n";
}

function text(field, value) {
  if (typeof value !== "string") {
    throw new BadArgumentError(`an event's ${field} is a string, not ${describe(value)}`);
  }
  return JSON.stringify(value);
}

/** JSON that reads back equal; halves of surrogate pairs and deep nesting the module refuses. */
export function json(field, value) {
  let text;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    throw new UnreadableError(`${field} cannot be written as JSON: ${error.message}`, {}, error);
  }
  if (text === undefined) {
    throw new UnreadableError(`${field} is ${describe(value)}, which JSON does not know`);
  }
  if (text.includes("null")) refuseWhatTurnedIntoNull(field, value);
  return text;
}

function refuseWhatTurnedIntoNull(field, root) {
  JSON.stringify(root, function (key, value) {
    const before = this[key];
    const lost =
      (typeof value === "number" && !Number.isFinite(value)) ||
      (before instanceof Date && Number.isNaN(before.getTime())) ||
      (Array.isArray(this) && ["undefined", "function", "symbol"].includes(typeof value));
    if (lost) {
      const place = key === "" ? "is" : `holds at ${JSON.stringify(key)}`;
      throw new UnreadableError(`${field} ${place} ${describe(before)}, which JSON does not know`);
    }
    return value;
  });
}

function describe(value) {
  if (typeof value === "string") return JSON.stringify(value);
  if (value === null || typeof value !== "object" || value instanceof Date) return String(value);
  return Array.isArray(value) ? "an array" : "an object";
}
