//! What a program can show of its log: what a writer did, and how far behind a reader is.
#![cfg(not(target_arch = "wasm32"))]

mod support;

use std::fs;
use std::io::{self, Write};

use eventfold::{Durability, Error, Event, EventLog, EventReader, EventWriter, SharedWriter};
use support::{numbered, quick_dir};

#[test]
fn a_writer_counts_what_it_did_since_it_was_opened_and_nothing_that_was_refused() {
    let dir = quick_dir();
    let mut writer = EventWriter::open(dir.path()).unwrap();
    assert_eq!(writer.stats(), Default::default());
    let one = writer.append(&numbered(0)).unwrap();
    writer
        .append_with(&numbered(1), Durability::Buffered)
        .unwrap();
    writer.append_batch(&[numbered(2), numbered(3)]).unwrap();
    let stats = writer.stats();
    assert_eq!((stats.events, stats.syncs, stats.rotations), (4, 2, 0));
    assert_eq!(stats.bytes, writer.end_position());

    writer
        .append_if(&numbered(4), one.position, one.hash)
        .unwrap_err();
    writer.append(&Event::at(0, "t", f64::NAN)).unwrap_err();
    assert_eq!(writer.stats(), stats);
    let hash = writer.last_hash().unwrap();
    writer.append_if(&numbered(4), stats.bytes, hash).unwrap();
    writer.rotate().unwrap();
    // An empty log moves nothing.
    writer.rotate().unwrap();
    let stats = writer.stats();
    assert_eq!((stats.events, stats.rotations), (5, 1));
    assert_eq!(stats.bytes, writer.end_position());
    drop(writer);

    // Another one begins anew, by whatever way it appends.
    let writer = SharedWriter::new(EventWriter::open(dir.path()).unwrap());
    assert_eq!(writer.with(|writer| writer.stats()), Default::default());
    let receipts = [5, 6].map(|n| writer.submit(&numbered(n)).unwrap());
    receipts
        .into_iter()
        .for_each(|receipt| assert!(receipt.wait().is_ok()));
    let stats = writer.with(|writer| writer.stats());
    assert_eq!((stats.events, stats.syncs), (2, 1));
    drop(writer);
    let mut log = EventLog::builder(dir.path())
        .max_log_size(1)
        .open()
        .unwrap();
    log.append(&numbered(7)).unwrap();
    log.append(&numbered(8)).unwrap();
    // The first to open, the second to append.
    let stats = log.writer().stats();
    assert_eq!((stats.events, stats.rotations), (2, 2));
}

#[test]
fn the_lag_is_the_bytes_from_a_position_to_the_end_across_rotations() {
    let dir = quick_dir();
    let reader = EventReader::new(dir.path());
    assert_eq!(reader.lag(0).unwrap(), 0);
    let mut writer = EventWriter::open(dir.path()).unwrap();
    for number in 0..50 {
        let appended = writer.append(&numbered(number)).unwrap();
        let end = writer.end_position();
        for position in [0, appended.position, end] {
            assert_eq!(reader.lag(position).unwrap(), end - position);
        }
        if number % 9 == 0 {
            writer.rotate().unwrap();
            assert_eq!(
                reader.lag(appended.position).unwrap(),
                end - appended.position
            );
            assert_eq!(reader.lag(end).unwrap(), 0);
        }
        // What reading does leaves the lag alone, and the other way round.
        let mut events = reader.read_from(appended.position).unwrap();
        assert!(reader.has_new_events(appended.position).unwrap());
        assert_eq!(
            reader.lag(events.position()).unwrap(),
            end - appended.position
        );
        events.next().unwrap().unwrap();
        assert_eq!(reader.lag(events.position()).unwrap(), 0);
        assert!(!reader.has_new_events(end).unwrap());
    }
}

#[test]
fn a_lag_that_is_none_is_refused_and_a_fragment_counts_as_far_as_it_is_there() {
    let dir = quick_dir();
    let reader = EventReader::new(dir.path());
    let mut writer = EventWriter::open(dir.path()).unwrap();
    writer.append(&numbered(0)).unwrap();
    let end = writer.end_position();
    let error = reader.lag(end + 1).unwrap_err();
    assert!(
        matches!(Error::of(&error), Some(Error::Beyond { .. })),
        "{error}"
    );
    drop(writer);
    let log = fs::OpenOptions::new()
        .append(true)
        .open(dir.path().join("app.jsonl"));
    log.unwrap().write_all(b"{\"ty").unwrap();
    assert_eq!(reader.lag(end).unwrap(), 4);
    assert!(!reader.has_new_events(end).unwrap());
    let missing = EventReader::new(dir.path().join("missing"));
    assert_eq!(missing.lag(0).unwrap_err().kind(), io::ErrorKind::NotFound);
}

/// As `dbg!` does, or a program that traces what its functions are given.
#[test]
fn what_debug_shows_of_a_log_is_where_it_is_and_none_of_its_events() {
    let dir = quick_dir();
    let writer = EventWriter::open(dir.path()).unwrap();
    let writer = SharedWriter::new(writer.with_max_log_size(64 << 10).unwrap());
    let event = Event::at(0, "said", "x".repeat(1000));
    // Up to where the next rotation is made ready.
    for _ in 0..63 {
        writer.append(&event).unwrap();
    }
    let receipt = writer.submit(&event).unwrap();
    let reader = writer.reader();
    assert!(reader.has_new_events(0).unwrap());
    let mut events = reader.read_full().unwrap();
    events.next().unwrap().unwrap();
    let shown = [
        format!("{writer:?}"),
        format!("{receipt:?}"),
        format!("{reader:?}"),
        format!("{events:?}"),
    ];
    for shown in shown {
        assert!(shown.contains(dir.path().to_str().unwrap()), "{shown}");
        assert!(shown.len() < 4000, "{} bytes: {shown}", shown.len());
    }
}
