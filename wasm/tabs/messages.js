// What travels between tabs, and between a tab and its worker.

import { byCode } from "../js/codes.js";
import { EventfoldError } from "../js/errors.js";

/** The channel of all tabs on a log. The number tells one protocol from another. */
export const channelOf = (name) => `eventfold/1:${name}`;

/** An error as a message. */
export function messageOf(error) {
  const { code, message, cause, name: _, ...fields } = Object(error);
  if (!(error instanceof EventfoldError)) return { message: String(error) };
  return { code, message, fields, cause: cause === undefined ? undefined : String(cause) };
}

/** The error in a message. */
export function errorOf({ code, message, fields, cause }) {
  const Known = byCode.get(code);
  return Known ? new Known(message, fields, cause) : new Error(message);
}
