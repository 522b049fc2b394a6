//! Lines around the limit and beyond it, in memory that is bounded by it.
//!
//! Memory is measured in the helper process, whose peak is its own: VmHWM, the most that was
//! ever resident. Only Linux tells it.
#![cfg(not(target_arch = "wasm32"))]
#![cfg(target_os = "linux")]

mod support;

use std::cell::Cell;
use std::convert::Infallible;
use std::fs;
use std::io;
use std::path::Path;

use eventfold::{Error, EventReader, EventWriter, LockMode, MAX_LINE, Record, ZSTD};
use eventfold_core::{Access, MemoryStore, Scan, Slot, Source, Storage, Writer};
use eventfold_tests::event;
use support::{Actor, numbered, quick_dir, read_past_errors};

#[test]
fn an_event_longer_than_the_limit_is_refused_and_one_of_the_limit_is_taken() {
    let dir = quick_dir();
    let mut actor = Actor::with_open_log(dir.path());
    // {"type":"numbered","data":{"text":""},"ts":1}
    let around = 45;
    actor.ask("append 0 1").unwrap();
    let error = actor
        .ask(&format!("append 1 {}", MAX_LINE - around + 1))
        .unwrap_err();
    assert!(error.starts_with("InvalidInput TooLarge"), "{error}");
    assert!(error.contains(&(MAX_LINE + 1).to_string()), "{error}");
    assert!(error.contains(&format!("limit of {MAX_LINE}")), "{error}");
    assert!(error.contains(&*dir.path().to_string_lossy()), "{error}");
    let small = fs::metadata(dir.path().join("app.jsonl")).unwrap().len();
    assert!(small < 100);

    actor
        .ask(&format!("append 2 {}", MAX_LINE - around))
        .unwrap();
    actor.ask("append 3 1").unwrap();
    assert_eq!(actor.ask("read").unwrap(), "3 0 ");
    actor.ask("rotate").unwrap();
    actor.ask("close").unwrap();
    actor.ask("open").unwrap();
    actor.ask("append 4 1").unwrap();
    assert_eq!(actor.ask("read").unwrap(), "4 0 ");
    // VmHWM: the most memory that was ever resident in the actor's process.
    let peak: u64 = actor.ask("peak").unwrap().parse().unwrap();
    println!(
        "peak of writer and reader: {} MiB, for a line of 64 MiB",
        peak >> 10
    );
    assert!(peak << 10 < 8 * MAX_LINE as u64, "{peak} KiB");
}

#[test]
fn a_line_longer_than_the_limit_is_passed_over_in_bounded_memory() {
    let dir = quick_dir();
    let mut writer = EventWriter::open(dir.path()).unwrap();
    let first = writer.append(&numbered(0)).unwrap();
    drop(writer);
    // Twice the limit, most of it a hole.
    let log = dir.path().join("app.jsonl");
    let file = fs::OpenOptions::new().write(true).open(&log).unwrap();
    file.set_len(first.next_position + 2 * MAX_LINE as u64)
        .unwrap();
    drop(file);
    let mut shared = EventWriter::open_with_lock(dir.path(), LockMode::None).unwrap();
    let last = shared.append(&numbered(1)).unwrap();
    drop(shared);

    // The reader is a process of its own, so that the peak is its own too: VmHWM, the most
    // memory that was ever resident.
    let mut actor = Actor::start(dir.path());
    let said = actor.ask("read").unwrap();
    assert!(said.starts_with("2 1 InvalidData Corrupt"), "{said}");
    let place = format!("corrupt at position {}", first.next_position);
    assert!(
        said.contains(&place) && said.contains("app.jsonl"),
        "{said}"
    );
    assert!(said.contains(&MAX_LINE.to_string()), "{said}");
    let peak: u64 = actor.ask("peak").unwrap().parse().unwrap();
    println!(
        "peak of the reader: {} MiB, of a line of 128 MiB",
        peak >> 10
    );
    assert!(peak << 10 < 3 * MAX_LINE as u64 / 2, "{peak} KiB");

    // Opening and appending neither.
    actor.ask("open").unwrap();
    actor.ask("append 2 20").unwrap();
    let peak: u64 = actor.ask("peak").unwrap().parse().unwrap();
    assert!(peak << 10 < 3 * MAX_LINE as u64 / 2, "{peak} KiB");
    let reader = EventReader::new(dir.path());
    let record = reader
        .read_from(last.position)
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    assert_eq!(record.event, numbered(1));
}

#[test]
fn a_line_longer_than_the_limit_behind_one_with_nuls() {
    let dir = quick_dir();
    let line = |number| serde_json::to_string(&numbered(number)).unwrap() + "\n";
    let long = "x".repeat(MAX_LINE + 1);
    let text = [&line(0), "\0\n", &long, "\n", &line(1)].concat();
    fs::write(dir.path().join("app.jsonl"), text).unwrap();
    let (read, errors) = read_past_errors(dir.path());
    assert_eq!((read, errors.len()), (vec![0, 1], 2));
}

/// A block is cut where a line is over the limit; what comes behind is the same line still.
#[test]
fn a_line_longer_than_the_limit_reads_the_same_in_the_log_and_in_an_archive() {
    let line = |number| serde_json::to_string(&numbered(number)).unwrap() + "\n";
    for len in [MAX_LINE + 1, 2 * MAX_LINE + 9] {
        let dir = quick_dir();
        // Its end, read as a line of its own, would be an event.
        let log = line(0) + &"x".repeat(len) + &line(1) + &line(2) + &line(3);
        fs::write(dir.path().join("app.jsonl"), &log).unwrap();
        let read = || read_with_places(dir.path());
        let before = read();
        let places = [
            log.len() - line(3).len(),
            log.len() - line(2).len() - line(3).len(),
        ];
        let [last, before_last] = places.map(|place| place as u64);
        let long = (line(0).len() as u64, None);
        let expected = [(0, Some(0)), long, (before_last, Some(2)), (last, Some(3))];
        assert_eq!(before, expected);

        let mut writer = EventWriter::open(dir.path()).unwrap();
        writer.rotate().unwrap();
        assert_eq!(read(), before, "rotated, {len}");
        for (lines, expected) in before.iter().rev().enumerate() {
            let mut events = EventReader::new(dir.path()).read_last(lines + 1).unwrap();
            assert_eq!(place(events.next().unwrap()), *expected);
        }
        writer.append(&numbered(4)).unwrap();
        drop(writer);
        drop(EventWriter::open(dir.path()).unwrap());
        assert_eq!(read()[..4], before);
        assert_eq!(read()[4].1, Some(4));

        // As 0.2.0 archives it.
        let dir = quick_dir();
        let frame = zstd::encode_all(log.as_bytes(), 0).unwrap();
        fs::write(dir.path().join("archive.jsonl.zst"), frame).unwrap();
        assert_eq!(
            read_with_places(dir.path()),
            before,
            "archived by another, {len}"
        );
    }
}

/// Rotated as soon as somebody reads beyond the limit.
struct Rotated {
    before: MemoryStore,
    after: MemoryStore,
    is_rotated: Cell<bool>,
}

impl Source for Rotated {
    type Error = Infallible;

    fn len(&self, slot: Slot<'_>) -> Result<u64, Infallible> {
        self.shown().len(slot)
    }

    fn read_at(&self, slot: Slot<'_>, offset: u64, buf: &mut [u8]) -> Result<usize, Infallible> {
        let is_beyond = slot == Slot::Log && offset > MAX_LINE as u64;
        self.is_rotated.set(self.is_rotated.get() || is_beyond);
        self.shown().read_at(slot, offset, buf)
    }
}

impl Rotated {
    fn shown(&self) -> &MemoryStore {
        match self.is_rotated.get() {
            true => &self.after,
            false => &self.before,
        }
    }
}

#[test]
fn a_line_longer_than_the_limit_is_passed_over_while_it_is_rotated() {
    let line = |number| serde_json::to_string(&event(number)).unwrap() + "\n";
    let long = "x".repeat(MAX_LINE + 9) + "\n";
    let mut before = MemoryStore::new();
    let log = line(0) + &long + &line(1);
    before.append(Slot::Log, log.as_bytes()).unwrap();
    let (mut writer, _) = Writer::open(before.clone(), ZSTD, Access::Exclusive).unwrap();
    writer.rotate().unwrap();
    let source = Rotated {
        before,
        after: writer.store().clone(),
        is_rotated: Cell::new(false),
    };
    let mut scan = Scan::new(&source, ZSTD, 0);
    assert_eq!(scan.next_record().unwrap().unwrap().event, event(0));
    assert!(scan.next_line().is_err());
    assert!(source.is_rotated.get());
    assert_eq!(scan.next_record().unwrap().unwrap().event, event(1));
    assert!(scan.next_line().unwrap().is_none());
}

/// The position and number of each event, and the position of each error.
fn read_with_places(dir: &Path) -> Vec<(u64, Option<u64>)> {
    let records = EventReader::new(dir).read_full().unwrap();
    records.map(place).collect()
}

fn place(record: io::Result<Record>) -> (u64, Option<u64>) {
    match record {
        Ok(record) => (record.position, Some(record.event.ts)),
        Err(error) => match Error::of(&error) {
            Some(Error::Corrupt { position, .. }) => (*position, None),
            _ => panic!("{error}"),
        },
    }
}
