use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

use super::{Counts, Peer, Wait, count, encode, type_of};
use crate::events::Sample;

/// One batch an append, with a sync of its journal where the disk is waited for.
pub struct Fjall {
    database: Database,
    events: Keyspace,
    wait: Wait,
    next: AtomicU64,
}

impl Peer for Fjall {
    fn open(dir: &Path, wait: Wait) -> Self {
        let database = Database::builder(dir.join("fjall")).open().unwrap();
        let events = database
            .keyspace("events", KeyspaceCreateOptions::default)
            .unwrap();
        Self {
            database,
            events,
            wait,
            next: AtomicU64::new(0),
        }
    }

    fn append(&self, events: &[Sample]) {
        let mut batch = self.database.batch();
        for event in events {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            batch.insert(&self.events, number.to_be_bytes(), encode(event));
        }
        batch.commit().unwrap();
        if self.wait == Wait::Disk {
            self.database.persist(PersistMode::SyncData).unwrap();
        }
    }

    fn count_types(&self) -> Counts {
        let mut counts = Counts::new();
        for entry in self.events.iter() {
            count(&mut counts, type_of(&entry.value().unwrap()));
        }
        counts
    }

    fn read(&self, number: u64) -> usize {
        self.events
            .get(number.to_be_bytes())
            .unwrap()
            .unwrap()
            .len()
    }
}
