// What needs the module, with the module.

import { provide } from "./module.js";
import { inlined } from "../module/inlined.js";

provide(inlined);

export { EventLog } from "./log.js";
export { EventReader } from "./reader.js";
