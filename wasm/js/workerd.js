// The entry for workerd, which compiles modules when it is started and never later.

import module from "../module/eventfold.wasm";
import { EventLog as Log } from "./log.js";
import { withModule } from "./module.js";
import { EventReader as Reader } from "./reader.js";

export const EventLog = withModule(() => module, Log);
export const EventReader = withModule(() => module, Reader);

export * from "./api.js";
