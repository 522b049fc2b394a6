use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use redb::{Database, Durability, ReadableDatabase, ReadableTable, TableDefinition};

use super::{Counts, Peer, Wait, count, encode, type_of};
use crate::events::Sample;

const EVENTS: TableDefinition<u64, &[u8]> = TableDefinition::new("events");

/// One transaction an append: durable at once, or by the last one.
pub struct Redb {
    database: Database,
    wait: Wait,
    next: AtomicU64,
}

impl Redb {
    fn commit(&self, events: &[Sample], durability: Durability) {
        let mut transaction = self.database.begin_write().unwrap();
        transaction.set_durability(durability).unwrap();
        {
            let mut table = transaction.open_table(EVENTS).unwrap();
            for event in events {
                let number = self.next.fetch_add(1, Ordering::Relaxed);
                table.insert(number, &encode(event)[..]).unwrap();
            }
        }
        transaction.commit().unwrap();
    }
}

impl Peer for Redb {
    fn open(dir: &Path, wait: Wait) -> Self {
        Self {
            database: Database::create(dir.join("events.redb")).unwrap(),
            wait,
            next: AtomicU64::new(0),
        }
    }

    fn append(&self, events: &[Sample]) {
        let durability = match self.wait {
            Wait::Disk => Durability::Immediate,
            Wait::System => Durability::None,
        };
        self.commit(events, durability);
    }

    /// A commit that is not durable is in the memory of the process only.
    fn flush(&self) {
        self.commit(&[], Durability::Immediate);
    }

    fn count_types(&self) -> Counts {
        let transaction = self.database.begin_read().unwrap();
        let table = transaction.open_table(EVENTS).unwrap();
        let mut counts = Counts::new();
        for entry in table.iter().unwrap() {
            count(&mut counts, type_of(entry.unwrap().1.value()));
        }
        counts
    }

    fn read(&self, number: u64) -> usize {
        let transaction = self.database.begin_read().unwrap();
        let table = transaction.open_table(EVENTS).unwrap();
        table.get(number).unwrap().unwrap().value().len()
    }
}
