export type { Files, Host, SourceFiles } from "../hosts/host.js";
export { memoryHost } from "../hosts/memory.js";
export * from "./errors.js";
export { LogEvent, type NewEvent } from "./event.js";
export {
  type Appended,
  type AppendOptions,
  type End,
  EventLog,
  type LogOptions,
  type Recovery,
  type Rotation,
} from "./log.js";
export {
  type AbortSignalLike,
  EventReader,
  type ReaderOptions,
  type TailOptions,
  type View,
  type Views,
} from "./reader.js";
