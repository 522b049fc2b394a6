// What of errors.js programs see, for every entry.

export {
  BadArgumentError,
  BadPositionError,
  ClosedError,
  ConflictError,
  CorruptError,
  DurabilityUnknownError,
  EventfoldError,
  LeaderLostError,
  LockedError,
  PanicError,
  PoisonedError,
  ReducerError,
  ReentrantError,
  StorageError,
  TooLargeError,
  UnreadableError,
  UnsupportedError,
} from "./errors.js";
