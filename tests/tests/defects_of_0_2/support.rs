//! What the tests of several defects share.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use eventfold::{Event, EventReader, EventWriter, ZSTD};
use eventfold_0_2 as old;
use eventfold_core::{Access, Durability, Recovery, Scan, Slot, Source, Storage, Writer};
use serde_json::json;

pub(crate) const LOG: &str = "app.jsonl";
pub(crate) const ARCHIVE: &str = "archive.jsonl.zst";

pub(crate) fn event(n: u64) -> Event {
    Event::at(
        1_700_000_000 + n,
        "counted",
        json!({ "n": n, "name": "größe" }),
    )
}

pub(crate) fn events(n: u64) -> Vec<Event> {
    (0..n).map(event).collect()
}

pub(crate) fn event_0_2(n: u64) -> old::Event {
    serde_json::from_value(serde_json::to_value(event(n)).unwrap()).unwrap()
}

/// The event's line with its newline.
pub(crate) fn line(n: u64) -> Vec<u8> {
    let mut line = serde_json::to_vec(&event(n)).unwrap();
    line.push(b'\n');
    line
}

/// A log of 0.2.0 with the first `n` events, of which `archived` are rotated, one frame.
pub(crate) fn made_by_0_2(dir: &Path, n: u64, archived: u64) {
    let mut log = old::EventLog::open(dir).unwrap();
    for n in 0..n {
        if n == archived {
            log.rotate().unwrap();
        }
        log.append(&event_0_2(n)).unwrap();
    }
    if n == archived {
        log.rotate().unwrap();
    }
}

/// A log with the first `n` events, rotated before each of those in `rotations`.
pub(crate) fn made_here(dir: &Path, n: u64, rotations: &[u64]) {
    let mut writer = EventWriter::open(dir).unwrap();
    for n in 0..n {
        if rotations.contains(&n) {
            writer.rotate().unwrap();
        }
        writer.append_with(&event(n), Durability::Buffered).unwrap();
    }
    if rotations.contains(&n) {
        writer.rotate().unwrap();
    }
}

/// Appends as a writer does, with one write to the open file.
pub(crate) fn append_bytes(path: &Path, bytes: &[u8]) {
    let mut file = OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(bytes).unwrap();
}

pub(crate) fn read(dir: &Path) -> Vec<Event> {
    let records = EventReader::new(dir).read_full().unwrap();
    records.map(|record| record.unwrap().event).collect()
}

pub(crate) fn read_store(store: &impl Source<Error: std::fmt::Debug>) -> Vec<Event> {
    let mut scan = Scan::new(store, ZSTD, 0);
    let mut events = Vec::new();
    while let Some(record) = scan.next_record().unwrap() {
        events.push(record.event);
    }
    events
}

/// Opens `dir`, which must hold the first `n` events, and goes on with it: appends, reopens,
/// rotates, reads again. The first opening's report is handed back.
pub(crate) fn goes_on(dir: &Path, mut n: u64) -> Recovery {
    let mut writer = EventWriter::open(dir).unwrap();
    let recovery = writer.recovery().clone();
    assert_eq!(read(dir), events(n));
    for _ in 0..2 {
        writer.append(&event(n)).unwrap();
        n += 1;
        assert_eq!(read(dir), events(n));
        drop(writer);
        writer = EventWriter::open(dir).unwrap();
        assert!(writer.recovery().is_clean());
        assert_eq!(read(dir), events(n));
        writer.rotate().unwrap();
        assert_eq!(read(dir), events(n));
    }
    recovery
}

/// As [`goes_on`], for a store.
pub(crate) fn store_goes_on<S: Storage<Error: std::fmt::Debug>>(mut store: S, mut n: u64) {
    let (mut writer, _) = Writer::open(&mut store, ZSTD, Access::Exclusive).unwrap();
    assert_eq!(read_store(writer.store()), events(n));
    for _ in 0..2 {
        writer.append(&event(n), Durability::Synced).unwrap();
        n += 1;
        writer.rotate().unwrap();
        assert_eq!(read_store(writer.store()), events(n));
    }
    drop(writer);
    let (writer, recovery) = Writer::open(&mut store, ZSTD, Access::Exclusive).unwrap();
    assert!(recovery.is_clean());
    assert_eq!(read_store(writer.store()), events(n));
}

/// A store with these bytes in its log and its archive.
pub(crate) fn store_with<S: Storage<Error: std::fmt::Debug>>(
    mut store: S,
    log: &[u8],
    archive: &[u8],
) -> S {
    store.append(Slot::Log, log).unwrap();
    store.append(Slot::Archive, archive).unwrap();
    store
}
