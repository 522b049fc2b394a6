// What needs the module, with the module as a script.

import { inlined } from "./inlined.js";
import { EventLog as Log } from "./log.js";
import { withModule } from "./module.js";
import { EventReader as Reader } from "./reader.js";

export const EventLog = withModule(inlined, Log);
export const EventReader = withModule(inlined, Reader);
