import type { Host } from "./host.js";

/** The part of a Durable Object's `ctx.storage` that is used. */
export interface DurableObjectSqlStorage {
  sql: {
    exec(query: string, ...bindings: any[]): Iterable<Record<string, any>>;
  };
  transactionSync<T>(act: () => T): T;
  sync(): Promise<void>;
}

export interface DurableObjectHostOptions {
  /** The table that holds the log, for objects that hold several; `"eventfold"` by default. */
  table?: string | undefined;
}

/**
 * A log in the SQLite storage of a Cloudflare Durable Object: `durableObjectHost(ctx.storage)`.
 * The class must be one of `new_sqlite_classes`.
 *
 * Durable: the platform holds back every answer and every request of the object until what was
 * written before is stored, so nobody outside hears of an event that can be lost; `sync` has
 * nothing to wait for, and `durable` waits for it explicitly. Exclusive: the platform runs one
 * object of an id at a time, and within it a second writer is refused with a `LockedError`.
 *
 * Everything lies in one table of at most 1 MiB a row; the object's limit of 10 GB includes it.
 * A log that is rolled back by a `transactionSync` of yours notices that at its next append, and
 * must be opened again.
 */
export function durableObjectHost(
  storage: DurableObjectSqlStorage,
  options?: DurableObjectHostOptions,
): Host;
