//! The lock within one process: who gets it, who does not, and who needs none.
#![cfg(not(target_arch = "wasm32"))]

mod support;

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use eventfold::{Error, EventLog, EventReader, EventWriter, LockMode};
use support::{numbered, numbers};

#[test]
fn test_writer_acquires_lock() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = EventWriter::open(dir.path()).unwrap();
    assert!(dir.path().join("app.jsonl").exists());
    writer.append(&numbered(0)).unwrap();
    assert_eq!(numbers(dir.path()), [0]);
}

#[test]
fn test_second_writer_fails() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = EventWriter::open(dir.path()).unwrap();
    assert_locked(EventWriter::open(dir.path()), dir.path());
    assert_locked(EventLog::open(dir.path()), dir.path());
    // Being asked costs the first nothing.
    first.append(&numbered(0)).unwrap();
    assert_locked(EventWriter::open(dir.path()), dir.path());
    assert_eq!(numbers(dir.path()), [0]);
}

#[test]
fn test_refused_writer_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = EventWriter::open(dir.path()).unwrap();
    first.append(&numbered(0)).unwrap();
    first.rotate().unwrap();
    first.append(&numbered(1)).unwrap();
    // In the midst of a write a file looks torn to everybody else.
    let files = ["app.jsonl", "archive.jsonl.zst"].map(|file| dir.path().join(file));
    for file in &files {
        let mut file = fs::OpenOptions::new().append(true).open(file).unwrap();
        file.write_all(b"{\"type\":\"num").unwrap();
    }
    let before = files.each_ref().map(|file| fs::read(file).unwrap());
    assert_locked(EventWriter::open(dir.path()), dir.path());
    assert_locked(EventLog::open(dir.path()), dir.path());
    assert_eq!(files.map(|file| fs::read(file).unwrap()), before);

    drop(first);
    let mut next = EventWriter::open(dir.path()).unwrap();
    assert_eq!(next.recovery().torn_log_bytes, 12);
    assert_eq!(next.recovery().torn_archive_bytes, 12);
    next.append(&numbered(2)).unwrap();
    drop(next);
    assert!(EventWriter::open(dir.path()).unwrap().recovery().is_clean());
    assert_eq!(numbers(dir.path()), [0, 1, 2]);
}

#[test]
fn test_lock_released_on_drop() {
    let dir = tempfile::tempdir().unwrap();
    for number in 0..3 {
        let mut writer = EventWriter::open(dir.path()).unwrap();
        writer.append(&numbered(number)).unwrap();
        assert_locked(EventWriter::open(dir.path()), dir.path());
        drop(writer);
    }
    assert_eq!(numbers(dir.path()), [0, 1, 2]);
}

#[test]
fn test_lock_mode_none_allows_multiple() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = EventWriter::open_with_lock(dir.path(), LockMode::None).unwrap();
    let mut second = EventWriter::open_with_lock(dir.path(), LockMode::None).unwrap();
    for number in 0..6 {
        let writer = if number % 2 == 0 {
            &mut first
        } else {
            &mut second
        };
        writer.append(&numbered(number)).unwrap();
    }
    assert_eq!(numbers(dir.path()), [0, 1, 2, 3, 4, 5]);
    // Neither holds a lock, so one that wants it gets it.
    EventWriter::open(dir.path()).unwrap();
}

#[test]
fn test_lock_survives_rotation() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = EventWriter::open(dir.path()).unwrap();
    for number in 0..4 {
        writer.append(&numbered(number)).unwrap();
        writer.rotate().unwrap();
        assert_locked(EventWriter::open(dir.path()), dir.path());
    }
    writer.append(&numbered(4)).unwrap();
    drop(writer);
    EventWriter::open(dir.path()).unwrap();
    assert_eq!(numbers(dir.path()), [0, 1, 2, 3, 4]);
}

#[test]
fn test_reader_works_with_locked_writer() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = EventWriter::open(dir.path()).unwrap();
    let reader = EventReader::new(dir.path());
    assert_eq!(reader.read_full().unwrap().count(), 0);
    let first = writer.append(&numbered(0)).unwrap();
    assert!(reader.has_new_events(0).unwrap());
    assert!(!reader.has_new_events(first.next_position).unwrap());
    writer.rotate().unwrap();
    writer.append(&numbered(1)).unwrap();
    assert_eq!(numbers(dir.path()), [0, 1]);
    let rest: io::Result<Vec<_>> = reader.read_from(first.next_position).unwrap().collect();
    assert_eq!(rest.unwrap()[0].event, numbered(1));
}

#[test]
fn test_reader_works_without_writer() {
    let dir = tempfile::tempdir().unwrap();
    assert!(numbers(dir.path()).is_empty());
    let mut writer = EventWriter::open(dir.path()).unwrap();
    writer.append_batch(&[numbered(0), numbered(1)]).unwrap();
    drop(writer);
    assert_eq!(numbers(dir.path()), [0, 1]);
    // Reading took no lock and made nothing.
    EventWriter::open(dir.path()).unwrap();
    let files = dir.path().read_dir().unwrap().count();
    // The log and its writer's note; on Windows the lock has a file of its own.
    assert_eq!(files, if cfg!(windows) { 3 } else { 2 });
}

#[test]
fn test_builder_lock_mode() {
    let dir = tempfile::tempdir().unwrap();
    let open = |mode| EventLog::builder(dir.path()).lock_mode(mode).open();
    let mut unlocked = open(LockMode::None).unwrap();
    let mut locked = open(LockMode::Flock).unwrap();
    assert_locked(open(LockMode::Flock), dir.path());
    open(LockMode::None).unwrap();
    locked.append(&numbered(0)).unwrap();
    drop(locked);
    unlocked.append(&numbered(1)).unwrap();
    assert_eq!(numbers(dir.path()), [0, 1]);
}

#[test]
fn test_builder_default_locks() {
    assert_eq!(LockMode::default(), LockMode::Flock);
    let dir = tempfile::tempdir().unwrap();
    let log = EventLog::builder(dir.path()).open().unwrap();
    assert_locked(EventLog::builder(dir.path()).open(), dir.path());
    assert_locked(EventWriter::open(dir.path()), dir.path());
    drop(log);
    EventLog::builder(dir.path()).open().unwrap();
}

fn assert_locked<T>(opened: io::Result<T>, dir: &Path) {
    let Err(error) = opened else {
        panic!("a second writer was let in");
    };
    let log = dir.join("app.jsonl");
    assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    let Some(Error::Locked { path, holder }) = Error::of(&error) else {
        panic!("not told as contention: {error:?}");
    };
    assert_eq!(*path, log);
    let message = error.to_string();
    assert!(
        message.contains("another writer holds the lock on"),
        "{message}"
    );
    assert!(message.contains(&*log.to_string_lossy()), "{message}");
    if cfg!(target_os = "linux") {
        let pid = std::process::id();
        assert_eq!(holder.as_ref().unwrap().pid, pid);
        assert!(message.contains(&format!("pid {pid}")), "{message}");
    }
}
