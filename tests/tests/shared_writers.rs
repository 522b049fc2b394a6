//! Writers without the lock: what they may do, what they leave alone, and what they refuse.
#![cfg(not(target_arch = "wasm32"))]

mod support;

use std::fs;
use std::io;

use eventfold::{Error, EventLog, EventReader, EventWriter, LineHash, LockMode};
use support::{Actor, numbered, numbers, quick_dir};

#[test]
fn two_processes_that_append_at_once_keep_every_event_of_both() {
    const EACH: u64 = 2000;
    let dir = quick_dir();
    let mut writers = [(); 2].map(|()| Actor::start(dir.path()));
    for writer in &mut writers {
        writer.ask("open-unlocked").unwrap();
    }
    for (from, writer) in [0, EACH].into_iter().zip(&mut writers) {
        writer.send(&format!("append-many {from} {EACH}"));
    }
    for writer in &mut writers {
        assert_eq!(writer.line().unwrap(), "ok ");
    }
    let mut read = numbers(dir.path());
    let of_first = read.iter().filter(|number| **number < EACH);
    assert!(
        of_first.is_sorted(),
        "one writer's events changed their order"
    );
    read.sort_unstable();
    assert_eq!(read, (0..2 * EACH).collect::<Vec<_>>());
}

#[test]
fn what_an_append_returns_is_where_its_event_is_also_when_others_append() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = open(&dir).unwrap();
    let mut second = open(&dir).unwrap();
    let reader = EventReader::new(dir.path());
    for number in 0..10 {
        let writer = if number % 3 == 0 {
            &mut first
        } else {
            &mut second
        };
        let appended = writer.append(&numbered(number)).unwrap();
        let record = reader
            .read_from(appended.position)
            .unwrap()
            .next()
            .unwrap()
            .unwrap();
        assert_eq!(record.event, numbered(number));
        assert_eq!(record.next_position, appended.next_position);
        assert_eq!(record.hash(), appended.hash);
    }
}

#[test]
fn a_fragment_that_somebody_left_is_neither_cut_nor_joined_with_the_next_event() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = open(&dir).unwrap();
    let first = writer.append(&numbered(0)).unwrap();
    drop(writer);
    let log = dir.path().join("app.jsonl");
    let fragment = br#"{"type":"torn","da"#;
    let before = [fs::read(&log).unwrap(), fragment.to_vec()].concat();
    fs::write(&log, &before).unwrap();

    let mut writer = open(&dir).unwrap();
    assert!(writer.recovery().is_clean());
    assert_eq!(fs::read(&log).unwrap(), before);
    let second = writer.append(&numbered(1)).unwrap();
    assert!(fs::read(&log).unwrap().starts_with(&before));
    assert!(!dir.path().join("torn.bin").exists());

    let read: Vec<_> = writer.reader().read_full().unwrap().collect();
    assert_eq!(read.len(), 3);
    assert_eq!(read[0].as_ref().unwrap().event, numbered(0));
    match Error::of(read[1].as_ref().unwrap_err()) {
        Some(Error::Corrupt { path, position, .. }) => {
            assert_eq!((path, *position), (&log, first.next_position));
        }
        other => panic!("{other:?}"),
    }
    let last = read[2].as_ref().unwrap();
    assert_eq!(
        (&last.event, last.position),
        (&numbered(1), second.position)
    );
}

#[test]
fn what_needs_the_lock_is_refused_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = open(&dir).unwrap();
    let appended = writer.append(&numbered(0)).unwrap();
    let log = dir.path().join("app.jsonl");
    let before = fs::read(&log).unwrap();
    assert_not_exclusive(writer.rotate());
    let (position, hash) = (appended.next_position, appended.hash);
    assert_not_exclusive(writer.append_if(&numbered(1), position, hash));
    assert_not_exclusive(writer.append_if(&numbered(1), 0, LineHash::NONE));
    assert_eq!(fs::read(&log).unwrap(), before);
    assert!(!dir.path().join("archive.jsonl.zst").exists());

    let unmade = dir.path().join("unmade");
    let limited = EventLog::builder(&unmade)
        .lock_mode(LockMode::None)
        .max_log_size(1 << 20);
    assert_not_exclusive(limited.open());
    assert!(!unmade.exists());
    assert_not_exclusive(open(&dir).unwrap().with_max_log_size(1 << 20));

    writer.append(&numbered(1)).unwrap();
    assert_eq!(numbers(dir.path()), [0, 1]);
}

#[test]
fn a_rotation_keeps_what_a_writer_without_the_lock_appended_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut locked = EventWriter::open(dir.path()).unwrap();
    locked.append(&numbered(0)).unwrap();
    open(&dir).unwrap().append(&numbered(1)).unwrap();
    // Moved or refused, but never emptied away.
    let _ = locked.rotate();
    assert_eq!(numbers(dir.path()), [0, 1]);
    drop(locked);
    EventWriter::open(dir.path()).unwrap();
    assert_eq!(numbers(dir.path()), [0, 1]);
}

fn open(dir: &tempfile::TempDir) -> io::Result<EventWriter> {
    EventWriter::open_with_lock(dir.path(), LockMode::None)
}

fn assert_not_exclusive<T>(result: io::Result<T>) {
    let Err(error) = result else {
        panic!("done without the lock");
    };
    assert_eq!(error.kind(), io::ErrorKind::Unsupported);
    assert!(
        matches!(Error::of(&error), Some(Error::NotExclusive { .. })),
        "{error:?}"
    );
    assert!(error.to_string().contains("LockMode::Flock"), "{error}");
}
