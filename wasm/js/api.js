export * from "./errors.js";
export { LogEvent } from "./event.js";
export { EventLog } from "./log.js";
export { EventReader } from "./reader.js";
export { memoryHost } from "../hosts/memory.js";
