use std::path::Path;
use std::sync::{Mutex, MutexGuard};

use rusqlite::{Connection, params};

use super::{Counts, Peer, Wait, count};
use crate::events::Sample;

/// A table with a column for each field, in WAL mode; synchronous=FULL where the disk is waited
/// for and OFF where it is not. Prepared statements, one transaction an append.
pub struct Sqlite(Mutex<Connection>);

impl Sqlite {
    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap()
    }
}

impl Peer for Sqlite {
    fn open(dir: &Path, wait: Wait) -> Self {
        let connection = Connection::open(dir.join("events.sqlite")).unwrap();
        connection
            .pragma_update(None, "journal_mode", "WAL")
            .unwrap();
        let synchronous = match wait {
            Wait::Disk => "FULL",
            Wait::System => "OFF",
        };
        connection
            .pragma_update(None, "synchronous", synchronous)
            .unwrap();
        connection
            .execute_batch(
                "CREATE TABLE IF NOT EXISTS events (
                    position INTEGER PRIMARY KEY,
                    type TEXT NOT NULL, ts INTEGER NOT NULL, id TEXT, actor TEXT,
                    data TEXT NOT NULL
                )",
            )
            .unwrap();
        Self(Mutex::new(connection))
    }

    fn append(&self, events: &[Sample]) {
        let mut connection = self.connection();
        let transaction = connection.transaction().unwrap();
        {
            let mut insert = transaction
                .prepare_cached(
                    "INSERT INTO events (type, ts, id, actor, data) VALUES (?, ?, ?, ?, ?)",
                )
                .unwrap();
            for sample in events {
                let event = &sample.event;
                insert
                    .execute(params![
                        event.event_type,
                        event.ts as i64,
                        event.id,
                        event.actor,
                        sample.data(),
                    ])
                    .unwrap();
            }
        }
        transaction.commit().unwrap();
    }

    fn count_types(&self) -> Counts {
        let connection = self.connection();
        let mut select = connection
            .prepare_cached("SELECT type FROM events ORDER BY position")
            .unwrap();
        let mut rows = select.query([]).unwrap();
        let mut counts = Counts::new();
        while let Some(row) = rows.next().unwrap() {
            count(&mut counts, row.get_ref(0).unwrap().as_str().unwrap());
        }
        counts
    }

    fn read(&self, number: u64) -> usize {
        let connection = self.connection();
        let mut select = connection
            .prepare_cached("SELECT data FROM events WHERE position = ?")
            .unwrap();
        // Positions are counted from 1.
        let data: String = select
            .query_row([number as i64 + 1], |row| row.get(0))
            .unwrap();
        data.len()
    }
}
