// The errors of the package. Every one is an `EventfoldError` with a `code` that stays the same
// from version to version; the class says the same to those who like `instanceof`.

import { byCode } from "./codes.js";

export class EventfoldError extends Error {
  /**
   * @param {string} code
   * @param {string} message
   * @param {object} [fields] what the error knows beside its message
   * @param {unknown} [cause]
   */
  constructor(code, message, fields = {}, cause = undefined) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    Object.assign(this, fields);
  }
}

const define = (name, code) => {
  const of = {
    [name]: class extends EventfoldError {
      constructor(message, fields, cause) {
        super(code, message, fields, cause);
        // A bundler that renames classes must not rename errors.
        this.name = name;
      }
    },
  };
  byCode.set(code, of[name]);
  return of[name];
};

export const LockedError = define("LockedError", "locked");
export const StorageError = define("StorageError", "storage");
export const CorruptError = define("CorruptError", "corrupt");
export const ConflictError = define("ConflictError", "conflict");
export const PoisonedError = define("PoisonedError", "poisoned");
export const DurabilityUnknownError = define("DurabilityUnknownError", "durability-unknown");
export const TooLargeError = define("TooLargeError", "too-large");
export const UnreadableError = define("UnreadableError", "unreadable");
export const BadPositionError = define("BadPositionError", "bad-position");
export const BadArgumentError = define("BadArgumentError", "bad-argument");
export const ReducerError = define("ReducerError", "reducer");
export const ClosedError = define("ClosedError", "closed");
export const ReentrantError = define("ReentrantError", "reentrant");
export const PanicError = define("PanicError", "panic");
export const UnsupportedError = define("UnsupportedError", "unsupported");
export const LeaderLostError = define("LeaderLostError", "leader-lost");
