// A log's files as rows of one table in a Durable Object's SQLite. A row is what one append wrote,
// or a piece of it, under the offset where it starts. Nothing is remembered beside the table: a
// transaction of the caller may take back what was written.

import { BadArgumentError, LockedError, StorageError, UnsupportedError } from "../js/errors.js";
import { describe, optionsOf } from "../js/given.js";

/** A row holds 2 MB at most, its key included. The local runtime does not see to that. */
const PIECE = 1 << 20;

// One for all copies of this module that a bundle may hold, so that they keep each other away.
const shared = (globalThis[Symbol.for("eventfold.durable-object")] ??= new WeakMap());

/** Who has which table of a storage open. */
function openTables(storage) {
  if (!shared.has(storage)) shared.set(storage, new Map());
  return shared.get(storage);
}

/** @returns {import("./host").Host} */
export function durableObjectHost(storage, options) {
  if (typeof storage?.transactionSync !== "function") {
    throw new BadArgumentError("the first argument must be the ctx.storage of a Durable Object");
  }
  const { table = "eventfold" } = optionsOf(options);
  if (typeof table !== "string" || !/^[A-Za-z_]\w*$/.test(table)) {
    throw new BadArgumentError(`the table is ${describe(table)}, it must be a plain name`);
  }
  const name = `the table ${table} of a Durable Object`;

  return {
    name,
    durability: "synced",

    open(access) {
      const tables = openTables(storage);
      // SQLite tells no case in names.
      const key = table.toLowerCase();
      if (!tables.has(key)) tables.set(key, { writer: false, watchers: new Set() });
      const state = tables.get(key);
      if (access === "write" && state.writer) {
        const message =
          `another writer of this object has ${name} open; close it, or open the log for ` +
          "reading, which needs no lock";
        throw new LockedError(message, { path: table });
      }
      const sql = sqlWith(storage, table);
      if (access === "read") return sourceFiles(sql, table, state);
      state.writer = true;
      return files(storage, sql, table, state);
    },
  };
}

/** The storage's SQL, once the table is there. */
function sqlWith(storage, table) {
  try {
    const { sql } = storage;
    sql.exec(
      `CREATE TABLE IF NOT EXISTS ${table} (` +
        "file TEXT NOT NULL, start INTEGER NOT NULL, bytes BLOB NOT NULL, " +
        "PRIMARY KEY (file, start)) WITHOUT ROWID",
    );
    return sql;
  } catch (cause) {
    if (!/SQL is not enabled/.test(cause?.message)) {
      throw new StorageError(`cannot make the table ${table}: ${cause.message}`, {}, cause);
    }
    throw new UnsupportedError(
      "this Durable Object has no SQLite storage: name its class in new_sqlite_classes of a " +
        "migration",
      {},
      cause,
    );
  }
}

function sourceFiles(sql, table, { watchers }) {
  const LEN = `SELECT start + length(bytes) AS len FROM ${table} WHERE file = ?
    ORDER BY start DESC LIMIT 1`;
  const READ = `SELECT substr(bytes, 1 + max(?2 - start, 0), ?3 - max(?2, start)) AS part
    FROM ${table} WHERE file = ?1 AND start < ?3
    AND start >= coalesce((SELECT max(start) FROM ${table} WHERE file = ?1 AND start <= ?2), 0)
    ORDER BY start`;

  return {
    len(file) {
      for (const { len } of sql.exec(LEN, file)) return len;
      return 0;
    },

    readAt(file, offset, into) {
      let done = 0;
      for (const { part } of sql.exec(READ, file, offset, offset + into.length)) {
        into.set(new Uint8Array(part), done);
        done += part.byteLength;
      }
      return done;
    },

    watch(changed) {
      const watcher = () => changed();
      watchers.add(watcher);
      return () => void watchers.delete(watcher);
    },

    close() {},
  };
}

function files(storage, sql, table, state) {
  const source = sourceFiles(sql, table, state);
  const INSERT = `INSERT INTO ${table} (file, start, bytes) VALUES (?, ?, ?)`;
  const REMOVE = `DELETE FROM ${table} WHERE file = ? AND start >= ?`;
  const CUT = `UPDATE ${table} SET bytes = substr(bytes, 1, ?2 - start) WHERE file = ?1
    AND start = (SELECT max(start) FROM ${table} WHERE file = ?1) AND start + length(bytes) > ?2`;

  const insert = (file, start, data) => {
    for (let at = 0; at < data.length; at += PIECE) {
      sql.exec(INSERT, file, start + at, data.subarray(at, at + PIECE));
    }
  };

  // Later, since whoever watches would call into the log that is at work just now.
  const changed = () => {
    if (state.watchers.size === 0) return;
    queueMicrotask(() => state.watchers.forEach((watcher) => watcher()));
  };

  return {
    ...source,

    append(file, data) {
      insert(file, source.len(file), data);
      changed();
    },

    truncate(file, length) {
      storage.transactionSync(() => {
        sql.exec(REMOVE, file, length);
        sql.exec(CUT, file, length);
      });
      changed();
    },

    // The platform waits by itself, before anybody hears of it.
    sync() {},

    replace(file, data) {
      storage.transactionSync(() => {
        sql.exec(REMOVE, file, 0);
        insert(file, 0, data);
      });
    },

    remove(file) {
      sql.exec(REMOVE, file, 0);
    },

    durable: () => storage.sync(),

    close() {
      state.writer = false;
    },
  };
}
