//! Archives with torn ends and foreign bytes: never a wrong event, never a panic, and the log
//! beside them stays whole. Flipped bits are in `bit_flips`.
#![cfg(not(target_arch = "wasm32"))]

#[path = "bad_archives/foreign.rs"]
mod foreign;
mod support;

use std::fs;
use std::io;
use std::ops::Range;
use std::path::Path;

use eventfold::{Error, Event, EventReader, EventWriter, Record};
use support::{numbered, numbers, quick_dir};

const ARCHIVE: &str = "archive.jsonl.zst";

#[test]
fn a_damaged_block_costs_its_own_events_and_is_told_once() {
    let (archive, log) = archived(&[1, 1, 1], 1);
    let dir = quick_dir();
    let second = archive.len() / 3 + 70;
    restore(dir.path(), &flipped(&archive, second * 8), &log);
    let (events, errors) = read(dir.path());
    let events: Vec<u64> = events.iter().map(|record| record.event.ts).collect();
    assert_eq!(events, [0, 2, 3]);
    assert_eq!(errors.len(), 1, "{errors:?}");
    let Some(Error::Corrupt { path, position, .. }) = Error::of(&errors[0]) else {
        panic!("{:?}", errors[0]);
    };
    let first = EventReader::new(dir.path())
        .read_full()
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    assert_eq!(
        (path, *position),
        (&dir.path().join(ARCHIVE), first.next_position)
    );
}

#[test]
fn an_archive_cut_at_any_length_opens_and_gives_what_is_whole() {
    let (archive, log) = archived(&[1, 2], 0);
    let dir = quick_dir();
    for len in 0..archive.len() {
        restore(dir.path(), &archive[..len], &log);
        let context = format!("{len} of {} bytes", archive.len());
        let before = assert_true_or_told(dir.path(), 0, &context);
        let mut writer = EventWriter::open(dir.path()).unwrap_or_else(|error| {
            panic!("{context}: {error}");
        });
        let torn = writer.recovery().torn_archive_bytes;
        let events = numbers(dir.path());
        assert!(
            events.starts_with(&before),
            "{context}: {before:?}, then {events:?}"
        );
        assert_eq!(
            events,
            (0..events.len() as u64).collect::<Vec<_>>(),
            "{context}"
        );
        writer.append(&numbered(9)).unwrap();
        writer.rotate().unwrap();
        drop(writer);
        // What was cut off lies aside.
        let kept = fs::read(dir.path().join("torn.bin")).unwrap_or_default();
        let cut = &archive[len - torn as usize..len];
        assert!(
            torn == 0 || kept.windows(cut.len()).any(|bytes| bytes == cut),
            "{context}"
        );
        assert!(
            EventWriter::open(dir.path()).unwrap().recovery().is_clean(),
            "{context}"
        );
        assert_eq!(
            numbers(dir.path()),
            [&events[..], &[9]].concat(),
            "{context}"
        );
    }
}

#[test]
fn garbage_after_an_archive_is_cut_off_kept_and_told() {
    let (archive, log) = archived(&[2], 1);
    let garbage: [&[u8]; 7] = [
        b"x",
        b"garbage of some length, no frame",
        &[0; 4096],
        // The beginnings of frames: zstd's, a skippable one, one of our marks.
        b"\x28\xb5\x2f\xfd\x20",
        b"\x57\x2a\x4d\x18\xff\xff\xff\xff",
        b"\x57\x2a\x4d\x18\x34\x00\x00\x00evb1 and no mark",
        b"\x18evseal1",
    ];
    for garbage in garbage {
        let dir = quick_dir();
        restore(dir.path(), &[&archive[..], garbage].concat(), &log);
        assert_eq!(numbers(dir.path()), [0, 1, 2], "{garbage:?}");
        let mut writer = EventWriter::open(dir.path()).unwrap();
        assert_eq!(writer.recovery().torn_archive_bytes, garbage.len() as u64);
        assert_eq!(fs::read(dir.path().join(ARCHIVE)).unwrap(), archive);
        let kept = fs::read(dir.path().join("torn.bin")).unwrap();
        assert!(kept.windows(garbage.len()).any(|bytes| bytes == garbage));
        assert!(kept.starts_with(br#"{"cut_from":"archive.jsonl.zst","offset":"#));
        writer.append(&numbered(3)).unwrap();
        drop(writer);
        assert!(EventWriter::open(dir.path()).unwrap().recovery().is_clean());
        assert_eq!(numbers(dir.path()), [0, 1, 2, 3]);
    }
}

/// The log is left as it is: behind what has become of the archive nobody would read it.
#[test]
fn an_archive_that_changed_under_a_writer_stops_its_rotation_and_takes_no_event_along() {
    let changes: [fn(&Path) -> io::Result<()>; 4] = [
        |archive| fs::remove_file(archive),
        |archive| fs::write(archive, ""),
        |archive| fs::write(archive, &fs::read(archive)?[..100]),
        |archive| fs::write(archive, [fs::read(archive)?, b"more".to_vec()].concat()),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let dir = quick_dir();
        let (archive, log) = archived(&[3], 2);
        restore(dir.path(), &archive, &log);
        let mut writer = EventWriter::open(dir.path()).unwrap();
        change(&dir.path().join(ARCHIVE)).unwrap();
        for _ in 0..2 {
            let error = writer.rotate().unwrap_err();
            assert!(
                matches!(Error::of(&error), Some(Error::Poisoned { .. })),
                "{number}: {error}"
            );
            assert!(
                error.to_string().contains("archive.jsonl.zst is"),
                "{error}"
            );
        }
        assert_eq!(fs::read(dir.path().join("app.jsonl")).unwrap(), log);
        drop(writer);
        let mut writer = EventWriter::open(dir.path()).unwrap();
        writer.append(&numbered(9)).unwrap();
        writer.rotate().unwrap();
        assert!(numbers(dir.path()).ends_with(&[3, 4, 9]), "{number}");
    }
}

#[test]
fn an_archive_that_is_a_directory_is_named() {
    let dir = quick_dir();
    let mut writer = EventWriter::open(dir.path()).unwrap();
    writer.append(&numbered(0)).unwrap();
    drop(writer);
    fs::create_dir(dir.path().join(ARCHIVE)).unwrap();
    let (events, errors) = read(dir.path());
    assert_eq!((events.len(), errors.len()), (0, 1));
    for error in [&errors[0], &EventWriter::open(dir.path()).unwrap_err()] {
        assert_eq!(error.kind(), io::ErrorKind::IsADirectory);
        assert!(error.to_string().contains(ARCHIVE), "{error}");
    }
    fs::remove_dir(dir.path().join(ARCHIVE)).unwrap();
    EventWriter::open(dir.path())
        .unwrap()
        .append(&numbered(1))
        .unwrap();
    assert_eq!(numbers(dir.path()), [0, 1]);
}

/// The bytes of an archive of so many events a rotation, and of a log with as many more as given.
fn archived(rotations: &[u64], in_log: u64) -> (Vec<u8>, Vec<u8>) {
    let dir = quick_dir();
    let mut writer = EventWriter::open(dir.path()).unwrap();
    let mut number = 0;
    let mut append = |writer: &mut EventWriter, count| {
        for _ in 0..count {
            writer.append(&numbered(number)).unwrap();
            number += 1;
        }
    };
    for &count in rotations {
        append(&mut writer, count);
        writer.rotate().unwrap();
    }
    append(&mut writer, in_log);
    let bytes = |file| fs::read(dir.path().join(file)).unwrap();
    (bytes(ARCHIVE), bytes("app.jsonl"))
}

/// Two frames without marks, and a log.
fn foreign_archive() -> (Vec<u8>, Vec<u8>) {
    let archive = [foreign_frame(0..2), foreign_frame(2..3)].concat();
    (archive, lines(3..4).into_bytes())
}

/// A frame without a mark, as 0.2.0 writes it.
fn foreign_frame(numbers: Range<u64>) -> Vec<u8> {
    zstd::encode_all(lines(numbers).as_bytes(), 0).unwrap()
}

fn lines(numbers: Range<u64>) -> String {
    let line = |number| serde_json::to_string(&numbered(number)).unwrap() + "\n";
    numbers.map(line).collect()
}

/// The log as it was, with this archive.
fn restore(dir: &Path, archive: &[u8], log: &[u8]) {
    fs::write(dir.join(ARCHIVE), archive).unwrap();
    fs::write(dir.join("app.jsonl"), log).unwrap();
    let _ = fs::remove_file(dir.join("torn.bin"));
}

fn flipped(bytes: &[u8], bit: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[bit / 8] ^= 1 << (bit % 8);
    bytes
}

fn read(dir: &Path) -> (Vec<Record>, Vec<io::Error>) {
    let (mut records, mut errors) = (Vec::new(), Vec::new());
    for record in EventReader::new(dir).read_full().unwrap().take(100) {
        match record {
            Ok(record) => records.push(record),
            Err(error) => errors.push(error),
        }
    }
    (records, errors)
}

/// Reads all and returns the events' numbers: they are as they were written and in order, and
/// where one of the first `count` is missing, an error says so.
fn assert_true_or_told(dir: &Path, count: usize, context: &str) -> Vec<u64> {
    let (records, errors) = read(dir);
    for record in &records {
        let number = record.event.ts;
        let written: Event = numbered(number);
        assert_eq!(record.event, written, "{context}: a wrong event");
    }
    let numbers: Vec<u64> = records.iter().map(|record| record.event.ts).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "{context}: {numbers:?}");
    for error in &errors {
        let found = Error::of(error);
        assert!(
            matches!(found, Some(Error::Corrupt { path, .. }) if path.ends_with(ARCHIVE)),
            "{context}: {error:?}"
        );
    }
    assert!(errors.len() < 10, "{context}: {} errors", errors.len());
    let all_or_told = numbers.len() >= count || !errors.is_empty();
    assert!(all_or_told, "{context}: {numbers:?} and no error");
    numbers
}
