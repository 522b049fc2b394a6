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
export { LogEvent } from "./event.js";
export { EventLog } from "./log.js";
export { EventReader } from "./reader.js";
export { memoryHost } from "../hosts/memory.js";
