import type { Host } from "./host.js";

/**
 * A log in IndexedDB, for pages that cannot have a worker; in a worker, `opfsHost` is faster and
 * durable at once. The whole log is held in memory, so it suits logs of some ten megabytes.
 *
 * Durable: relaxed. A call returns when the page has the bytes; they are stored right after it, in
 * order, one transaction at a time. `durable` resolves once everything done before is on the disk,
 * as is closing. What the end of the page or a power cut takes before that is always the last of
 * what was done, never something in the middle. A page that must not lose any of it should
 * `await log.durable()` when it becomes hidden.
 *
 * When storing fails, as with a full quota, nothing more is stored, and the next call that writes
 * throws what went wrong; so does closing, if no call told it before.
 *
 * Exclusive: by the Web Lock `eventfold-indexeddb:NAME`, which goes with the page, so a page that
 * crashed holds up nobody. It needs a secure context: https or localhost. Opening throws a
 * `LockedError` while another page writes, and an `UnsupportedError` where the browser has no
 * IndexedDB, as in some private windows. A writer whose lock is stolen stores nothing more once the
 * browser tells it, and the next call that writes says so. A log of the same name in the OPFS is
 * another log.
 *
 * A reader sees what was stored when it was opened, and soon after each transaction of the writer,
 * in whatever page, what is stored then. A writer that ended right after a transaction may have told
 * nobody: `refresh` looks again, as a tail does once a second. What a reader sees is whole: the log
 * as it was at some moment.
 *
 * The database is called `eventfold:NAME`. When another page deletes it, an open log lets go of it
 * and throws from then on.
 */
export function indexedDbHost(name: string): Host;
