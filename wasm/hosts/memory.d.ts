import type { Host } from "./host.js";

/**
 * A log in memory, gone with the object. Durable: never. Exclusive: by being one object, which
 * one writer at a time may open.
 */
export function memoryHost(): Host;
