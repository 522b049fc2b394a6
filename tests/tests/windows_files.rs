//! Files on Windows: what other programs that have them open share, and how they are named.
//!
//! A file there is opened with what others may do to it in the meantime: 0 is nothing. Unix knows
//! no such refusal, and no second way to write a path.
#![cfg(windows)]

mod support;

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::path::Path;
use std::thread;
use std::time::Duration;

use eventfold::{Error, Event, EventLog, EventReader, EventWriter, LockMode};
use support::{numbered, numbers};

const NOTHING: u32 = 0;
const READING: u32 = 1;
const SHARING_VIOLATION: i32 = 32;

#[test]
fn an_open_log_and_its_lock_can_be_neither_replaced_nor_removed() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = EventWriter::open(dir.path()).unwrap();
    writer.append(&numbered(0)).unwrap();
    for name in ["app.jsonl", "app.jsonl.lock"] {
        let path = dir.path().join(name);
        let other = dir.path().join("other");
        fs::write(&other, "").unwrap();
        fs::rename(&other, &path).unwrap_err();
        fs::rename(&path, &other).unwrap_err();
        let error = fs::remove_file(&path).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(SHARING_VIOLATION), "{error}");
    }
    let error = EventWriter::open(dir.path()).unwrap_err();
    assert!(matches!(Error::of(&error), Some(Error::Locked { .. })));
    writer.append(&numbered(1)).unwrap();
    writer.rotate().unwrap();
    writer.append(&numbered(2)).unwrap();
    drop(writer);
    EventWriter::open(dir.path()).unwrap();
    assert_eq!(numbers(dir.path()), [0, 1, 2]);
    fs::remove_file(dir.path().join("app.jsonl.lock")).unwrap();
}

#[test]
fn a_log_that_is_not_shared_is_no_contention() {
    let dir = tempfile::tempdir().unwrap();
    EventWriter::open(dir.path())
        .unwrap()
        .append(&numbered(0))
        .unwrap();
    for name in ["app.jsonl", "app.jsonl.lock"] {
        let alone = open(&dir.path().join(name), NOTHING);
        let error = EventWriter::open(dir.path()).unwrap_err();
        assert_eq!(refusal(&error), Some(SHARING_VIOLATION), "{error}");
        drop(alone);
    }
    let mut writer = EventWriter::open(dir.path()).unwrap();
    writer.append(&numbered(1)).unwrap();
    assert_eq!(numbers(dir.path()), [0, 1]);
}

#[test]
fn a_log_that_is_not_shared_is_an_error_to_a_reader_and_no_empty_log() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = EventWriter::open_with_lock(dir.path(), LockMode::None).unwrap();
    writer.append(&numbered(0)).unwrap();
    drop(writer);
    let alone = open(&dir.path().join("app.jsonl"), NOTHING);
    let mut records = EventReader::new(dir.path()).read_full().unwrap();
    let error = records.next().unwrap().unwrap_err();
    assert_eq!(refusal(&error), Some(SHARING_VIOLATION), "{error}");
    assert!(error.to_string().contains("app.jsonl"), "{error}");
    drop(alone);
    assert_eq!(numbers(dir.path()), [0]);
}

#[test]
fn what_another_program_has_open_for_a_moment_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = open_with_view(dir.path());
    log.append(&numbered(0)).unwrap();
    log.rotate().unwrap();
    log.append(&numbered(1)).unwrap();
    log.refresh_all().unwrap();
    drop(log);
    for_a_moment(&dir.path().join("app.jsonl"), || {
        assert_eq!(numbers(dir.path()), [0, 1]);
    });
    for_a_moment(&dir.path().join("app.jsonl"), || {
        drop(open_with_view(dir.path()));
    });
    for_a_moment(&dir.path().join("app.jsonl.lock"), || {
        drop(open_with_view(dir.path()));
    });
    let mut log = open_with_view(dir.path());
    log.append(&numbered(2)).unwrap();
    for_a_moment(&dir.path().join("views/sum.snapshot.json"), || {
        log.refresh_all().unwrap();
    });
    for_a_moment(&dir.path().join("archive.jsonl.zst"), || {
        log.rotate().unwrap();
    });
    drop(log);
    assert_eq!(*open_with_view(dir.path()).view::<u64>("sum").unwrap(), 3);
    assert_eq!(numbers(dir.path()), [0, 1, 2]);
}

#[test]
fn a_snapshot_that_stays_open_elsewhere_stays_and_takes_nothing_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let snapshot = dir.path().join("views/sum.snapshot.json");
    let mut log = open_with_view(dir.path());
    log.append(&numbered(1)).unwrap();
    log.refresh_all().unwrap();
    let before = fs::read(&snapshot).unwrap();
    let held = open(&snapshot, READING);
    log.append(&numbered(2)).unwrap();
    let error = log.refresh_all().unwrap_err();
    assert!(error.to_string().contains("sum.snapshot.json"), "{error}");
    assert_eq!(*log.view::<u64>("sum").unwrap(), 1);
    assert_eq!(fs::read(&snapshot).unwrap(), before);
    log.append(&numbered(3)).unwrap();
    drop(held);
    log.refresh_all().unwrap();
    assert_eq!(*log.view::<u64>("sum").unwrap(), 6);
    drop(log);
    assert_eq!(*open_with_view(dir.path()).view::<u64>("sum").unwrap(), 6);
}

#[test]
fn a_path_as_the_system_itself_writes_it_is_the_same_log() {
    let dir = tempfile::tempdir().unwrap();
    let verbatim = fs::canonicalize(dir.path()).unwrap();
    assert!(verbatim.to_string_lossy().starts_with(r"\\?\"));
    let mut log = open_with_view(&verbatim.join("deeper"));
    log.append(&numbered(1)).unwrap();
    log.rotate().unwrap();
    log.append(&numbered(2)).unwrap();
    log.refresh_all().unwrap();
    let error = EventWriter::open(dir.path().join("deeper")).unwrap_err();
    assert!(matches!(Error::of(&error), Some(Error::Locked { .. })));
    drop(log);
    let log = open_with_view(&dir.path().join("deeper"));
    assert_eq!(*log.view::<u64>("sum").unwrap(), 3);
    assert_eq!(numbers(&verbatim.join("deeper")), [1, 2]);
}

fn open_with_view(dir: &Path) -> EventLog {
    EventLog::builder(dir)
        .view("sum", |sum: u64, event: &Event| sum + event.ts)
        .open()
        .unwrap()
}

fn open(path: &Path, shared: u32) -> File {
    let mut options = OpenOptions::new();
    options.read(true).share_mode(shared).open(path).unwrap()
}

/// Runs `act` while another thread has the file open, shares it with nobody, and soon closes it.
fn for_a_moment(path: &Path, act: impl FnOnce()) {
    let alone = open(path, NOTHING);
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(40));
            drop(alone);
        });
        act();
    });
}

/// What the system said, if the error is one of the file system and not of the lock.
fn refusal(error: &io::Error) -> Option<i32> {
    match Error::of(error) {
        Some(Error::Io { source, .. }) => source.raw_os_error(),
        other => panic!("not told as a refusal: {other:?}"),
    }
}
