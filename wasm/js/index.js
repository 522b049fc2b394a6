// The default entry: the module comes with the script. A bundle that uses neither logs nor readers,
// only errors for instance, leaves it out.

export { EventLog, EventReader } from "./with-module.js";
export * from "./api.js";
