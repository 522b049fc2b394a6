// What programs and hosts give and throw: checked, and told in words.

import { BadArgumentError, BadPositionError } from "./errors.js";

/** Refuses half of a surrogate pair in a name: each of them is the same to files and locks. */
export function checkWhole(name) {
  if (!/\p{Surrogate}/u.test(name)) return;
  throw new BadArgumentError(`${describe(name)} is no name: it holds half of a surrogate pair, which is no character`);
}

/** The options of a call, which may be left out. */
export function optionsOf(options) {
  if (options === undefined) return {};
  if (options !== null && typeof options === "object") return options;
  throw new BadArgumentError(`options are an object, not ${describe(options)}`);
}

export function checkMaxLogSize(size) {
  if (typeof size === "number" && size > 0) return;
  throw new BadArgumentError(`maxLogSize is a number of bytes above 0, not ${describe(size)}`);
}

export function checkFunction(name, given) {
  if (typeof given === "function") return;
  throw new BadArgumentError(`${name} is a function, not ${describe(given)}`);
}

export function checkSignal(signal) {
  if (signal === undefined || signal === null) return;
  if ([signal.addEventListener, signal.removeEventListener].every((it) => typeof it === "function")) return;
  throw new BadArgumentError(`signal is an AbortSignal, not ${describe(signal)}`);
}

const isWhole = (value) => Number.isSafeInteger(value) && value >= 0;

export function checkCount(name, count) {
  if (isWhole(count)) return;
  throw new BadArgumentError(`${name} is a whole number from 0 on, not ${describe(count)}`);
}

export function checkPosition(position) {
  if (isWhole(position)) return;
  throw new BadPositionError(
    `${String(position)} is not a position: it takes a whole number from 0 on, below 2^53`,
  );
}

/** What `appendIf` expects. */
export function endOf(expected) {
  const { position, hash } = expected ?? {};
  if (typeof hash === "string" && isWhole(position)) return { position, hash };
  throw new BadArgumentError(
    "appendIf expects the end of the log as { position, hash }: what end() tells, or nextPosition and hash of an append",
  );
}

export function describe(value) {
  if (typeof value === "string") return JSON.stringify(value);
  if (value === null || typeof value !== "object" || value instanceof Date) return String(value);
  if (Array.isArray(value)) return "an array";
  return isBuiltin(value) ? kindOf(value) : "an object";
}

/** Whether an object is neither a plain one nor of a program's class: a Map, an Error. */
export const isBuiltin = (object) => kindOf(object) !== "[object Object]";

const kindOf = (object) => Object.prototype.toString.call(object);

/** Why something was thrown that need not be an error. */
export function reasonOf(thrown) {
  return typeof thrown?.message === "string" ? thrown.message : describe(thrown);
}
