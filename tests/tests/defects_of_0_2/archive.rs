//! A damaged archive.

use std::fs;
use std::path::Path;

use eventfold::{Error, Event, EventReader, EventWriter, Record, ZSTD};
use eventfold_0_2 as old;
use eventfold_core::{Access, MemoryStore, Scan, Writer};
use tempfile::tempdir;

use crate::support::{
    ARCHIVE, LOG, append_bytes, event, events, made_by_0_2, made_here, store_with,
};

#[test]
fn a_damaged_block_is_reported_once_and_everything_else_is_read() {
    let dir = tempdir().unwrap();
    made_by_0_2(dir.path(), 4, 2);
    let mut archive = fs::read(dir.path().join(ARCHIVE)).unwrap();
    archive[0] ^= 0x10;
    fs::write(dir.path().join(ARCHIVE), archive).unwrap();
    let theirs = old::EventReader::new(dir.path()).read_full().unwrap();
    let errors = theirs.take(1_000).filter(Result::is_err).count();
    assert!(errors > 900, "0.2.0 repeats its error without end");

    for damaged in 0..3 {
        let dir = tempdir().unwrap();
        let mut ends = Vec::new();
        for n in [3, 6, 9] {
            let done = n - 3;
            let mut writer = EventWriter::open(dir.path()).unwrap();
            for n in done..n {
                writer.append(&event(n)).unwrap();
            }
            writer.rotate().unwrap();
            ends.push(fs::metadata(dir.path().join(ARCHIVE)).unwrap().len() as usize);
        }
        let mut writer = EventWriter::open(dir.path()).unwrap();
        writer.append(&event(9)).unwrap();
        drop(writer);
        let start = if damaged == 0 { 0 } else { ends[damaged - 1] };
        let mut archive = fs::read(dir.path().join(ARCHIVE)).unwrap();
        // Behind the block's mark, in the middle of its frame.
        archive[start + 60 + 40] ^= 0x10;
        fs::write(dir.path().join(ARCHIVE), archive).unwrap();

        for _ in 0..2 {
            let mut found = EventReader::new(dir.path()).read_full().unwrap();
            let items: Vec<_> = found.by_ref().collect();
            assert!(found.next().is_none());
            let first = damaged as u64 * 3;
            let kept = (0..10)
                .filter(|n| !(first..first + 3).contains(n))
                .map(event);
            assert_eq!(oks(&items), kept.collect::<Vec<_>>());
            let errors: Vec<_> = items
                .iter()
                .filter_map(|item| item.as_ref().err())
                .collect();
            assert_eq!(errors.len(), 1);
            let Some(Error::Corrupt { path, position, .. }) = Error::of(errors[0]) else {
                panic!("{}", errors[0]);
            };
            assert_eq!(*path, dir.path().join(ARCHIVE));
            let lines: usize = (0..first).map(|n| crate::support::line(n).len()).sum();
            assert_eq!(*position, lines as u64);
            // Also when a writer has looked at it.
            drop(EventWriter::open(dir.path()).unwrap());
        }
    }
}

#[test]
fn damage_in_an_archive_of_0_2_that_no_writer_has_sealed_ends_the_reading_too() {
    let dir = tempdir().unwrap();
    made_by_0_2(dir.path(), 6, 4);
    let archive = fs::read(dir.path().join(ARCHIVE)).unwrap();
    for at in 0..archive.len() {
        let mut damaged = archive.clone();
        damaged[at] ^= 0xff;
        fs::write(dir.path().join(ARCHIVE), damaged).unwrap();
        let found = EventReader::new(dir.path()).read_full().unwrap();
        let errors = found.take(100).filter(Result::is_err).count();
        assert!(errors < 10, "byte {at}: an error without end");
    }
}

#[test]
fn no_flipped_bit_of_an_archive_of_0_2_comes_back_once_it_is_sealed_here() {
    let dir = tempdir().unwrap();
    made_by_0_2(dir.path(), 6, 4);
    drop(EventWriter::open(dir.path()).unwrap());
    assert_no_flipped_bit_is_believed(dir.path());
}

#[test]
fn a_corrupt_line_is_reported_once_with_its_position_and_never_cut() {
    for rotated in [false, true] {
        let dir = tempdir().unwrap();
        made_here(dir.path(), 3, &[]);
        let log = dir.path().join(LOG);
        let position = fs::metadata(&log).unwrap().len();
        append_bytes(&log, b"{\"type\":\"a\",\"data\":1}\n");
        append_bytes(&log, &crate::support::line(3));
        let content = fs::read(&log).unwrap();
        if rotated {
            EventWriter::open(dir.path()).unwrap().rotate().unwrap();
        } else {
            drop(EventWriter::open(dir.path()).unwrap());
            assert_eq!(fs::read(&log).unwrap(), content);
        }
        let items: Vec<_> = EventReader::new(dir.path()).read_full().unwrap().collect();
        assert_eq!(oks(&items), events(4));
        let error = items[3].as_ref().unwrap_err();
        assert!(matches!(
            Error::of(error),
            Some(Error::Corrupt { position: at, reason, .. })
                if *at == position && reason.contains("ts")
        ));
    }
}

#[test]
fn no_flipped_bit_of_an_archive_comes_back_as_an_event_or_hides_one_silently() {
    let dir = tempdir().unwrap();
    made_by_0_2(dir.path(), 4, 4);
    let archive = fs::read(dir.path().join(ARCHIVE)).unwrap();
    let silent = (0..archive.len() * 8).any(|bit| {
        fs::write(dir.path().join(ARCHIVE), flipped(&archive, bit)).unwrap();
        let found = old::EventReader::new(dir.path()).read_full().unwrap();
        let found: Vec<_> = found
            .take(9)
            .map(|item| item.ok().map(|(event, _)| event))
            .collect();
        let kept: Vec<_> = (0..4).map(|n| Some(crate::support::event_0_2(n))).collect();
        found.iter().all(Option::is_some) && found != kept
    });
    assert!(
        silent,
        "0.2.0 returns other events than were written, without an error"
    );

    let dir = tempdir().unwrap();
    made_here(dir.path(), 6, &[2, 5]);
    assert_no_flipped_bit_is_believed(dir.path());
}

#[test]
fn no_flipped_bit_of_an_archive_whose_log_is_empty_loses_an_event_silently() {
    let dir = tempdir().unwrap();
    made_here(dir.path(), 6, &[3, 6]);
    let archive = fs::read(dir.path().join(ARCHIVE)).unwrap();
    for bit in 0..archive.len() * 8 {
        let mut store = store_with(MemoryStore::new(), b"", &flipped(&archive, bit));
        assert_honest(&store, bit);
        if let Ok((mut writer, _)) = Writer::open(&mut store, ZSTD, Access::Exclusive) {
            assert_honest(writer.store(), bit);
            let synced = eventfold::Durability::Synced;
            if writer.append(&event(6), synced).is_ok() {
                drop(writer);
                let (events, _) = scan(&store);
                assert_eq!(events.last(), Some(&event(6)), "bit {bit}");
            }
        }
    }
}

/// Every event read is one that was written, in its order, and whatever is missing has an error.
fn assert_honest(store: &impl eventfold_core::Source<Error: std::fmt::Debug>, bit: usize) {
    let (found, errors) = scan(store);
    let mut written = events(6).into_iter();
    for event in &found {
        assert!(written.any(|next| next == *event), "bit {bit}: {event:?}");
    }
    assert!(
        errors > 0 || found == events(6),
        "bit {bit}: {} events, no error",
        found.len()
    );
    assert!(errors < 9, "bit {bit}: {errors} errors");
}

fn scan(store: &impl eventfold_core::Source<Error: std::fmt::Debug>) -> (Vec<Event>, usize) {
    let mut scan = Scan::new(store, ZSTD, 0);
    let (mut events, mut errors) = (Vec::new(), 0);
    while errors < 9 {
        match scan.next_record() {
            Ok(Some(record)) => events.push(record.event),
            Ok(None) => break,
            Err(_) => errors += 1,
        }
    }
    (events, errors)
}

fn flipped(bytes: &[u8], bit: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[bit / 8] ^= 1 << (bit % 8);
    bytes
}

fn oks(items: &[std::io::Result<Record>]) -> Vec<Event> {
    items
        .iter()
        .flatten()
        .map(|record| record.event.clone())
        .collect()
}

fn assert_no_flipped_bit_is_believed(dir: &Path) {
    let log = fs::read(dir.join(LOG)).unwrap();
    let archive = fs::read(dir.join(ARCHIVE)).unwrap();
    for bit in 0..archive.len() * 8 {
        let mut store = store_with(MemoryStore::new(), &log, &flipped(&archive, bit));
        assert_honest(&store, bit);
        // A writer may refuse to open what no crash leaves, but it must not make it look whole.
        let opened = Writer::open(&mut store, ZSTD, Access::Exclusive).map(drop);
        if opened.is_ok() {
            assert_honest(&store, bit);
        }
    }
}
