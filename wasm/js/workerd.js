// The entry for workerd, which compiles modules when it is started and never later.

import module from "../module/eventfold.wasm";
import { provide } from "./module.js";

provide(() => module);

export * from "./api.js";
