// The default entry: the module comes with the script.

import { provide } from "./module.js";
import { inlined } from "../module/inlined.js";

provide(inlined);

export * from "./api.js";
