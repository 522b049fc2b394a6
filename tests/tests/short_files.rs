//! A store that says its files are longer than they are, as a host with a bug may: every call
//! ends, in an error or an answer.
#![cfg(not(target_arch = "wasm32"))]

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use eventfold_core::{
    Access, Codec, Durability, Error, MemoryStore, Scan, Slot, Source, Storage, Writer,
};
use eventfold_tests::event;

const PATIENCE: Duration = Duration::from_secs(60);

/// Says so much more of one file than there is.
#[derive(Debug)]
struct Longer {
    store: MemoryStore,
    slot: Slot<'static>,
    by: u64,
}

impl Source for Longer {
    type Error = std::convert::Infallible;

    fn len(&self, slot: Slot<'_>) -> Result<u64, Self::Error> {
        let more = if slot == self.slot { self.by } else { 0 };
        Ok(self.store.len(slot)? + more)
    }

    fn read_at(&self, slot: Slot<'_>, offset: u64, buf: &mut [u8]) -> Result<usize, Self::Error> {
        self.store.read_at(slot, offset, buf)
    }
}

impl Storage for Longer {
    fn append(&mut self, slot: Slot<'_>, bytes: &[u8]) -> Result<(), Self::Error> {
        self.store.append(slot, bytes)
    }

    fn truncate(&mut self, slot: Slot<'_>, len: u64) -> Result<(), Self::Error> {
        self.store.truncate(slot, len)
    }

    fn sync(&mut self, slot: Slot<'_>) -> Result<(), Self::Error> {
        self.store.sync(slot)
    }

    fn replace(&mut self, slot: Slot<'_>, bytes: &[u8]) -> Result<(), Self::Error> {
        self.store.replace(slot, bytes)
    }

    fn remove(&mut self, slot: Slot<'_>) -> Result<(), Self::Error> {
        self.store.remove(slot)
    }
}

/// Runs this over every such store, and sees that it comes back.
fn over_each(act: fn(Longer)) {
    for slot in [Slot::Log, Slot::Archive] {
        for by in [1, 1 << 20, 1 << 40, (1 << 53) - 1000] {
            let (done, waits) = mpsc::channel();
            thread::spawn(move || {
                act(Longer {
                    store: log(),
                    slot,
                    by,
                });
                done.send(()).unwrap();
            });
            let answer = waits.recv_timeout(PATIENCE);
            assert!(answer.is_ok(), "{slot} longer by {by}: {answer:?}");
        }
    }
}

fn log() -> MemoryStore {
    let store = MemoryStore::new();
    let (mut writer, _) = Writer::open(store, Codec::PORTABLE, Access::Exclusive).unwrap();
    for n in 0..3 {
        writer.append(&event(n), Durability::Synced).unwrap();
        if n == 0 {
            writer.rotate().unwrap();
        }
    }
    writer.store().clone()
}

#[test]
fn opening_fails_and_changes_nothing() {
    over_each(|mut store| {
        let opened = Writer::open(&mut store, Codec::PORTABLE, Access::Exclusive);
        assert!(matches!(opened, Err(Error::Corrupt { .. })), "{opened:?}");
        assert_eq!(store.store, log());
    });
}

#[test]
fn reading_ends() {
    over_each(|store| {
        let mut scan = Scan::new(&store, Codec::PORTABLE, 0);
        for _ in 0..10 {
            if let Ok(None) = scan.next_line() {
                break;
            }
        }
        if let Ok((mut writer, _)) = Writer::open(store, Codec::PORTABLE, Access::Shared) {
            let _ = writer.last_hash();
        }
    });
}
