//! What `tracing` is told.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::cell::RefCell;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Once;

use eventfold::{Event, EventLog, EventWriter};
use tracing::Level;

thread_local! {
    /// What this thread's test was told.
    static TOLD: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

struct Told;

impl Write for Told {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        TOLD.with_borrow_mut(|told| told.extend(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is told during `act` at this level or a graver one, a line each.
fn told(level: Level, act: impl FnOnce()) -> Vec<String> {
    // One for the process: which levels anybody asks for is remembered for all of it.
    static SUBSCRIBED: Once = Once::new();
    SUBSCRIBED.call_once(|| {
        tracing_subscriber::fmt()
            .with_max_level(Level::TRACE)
            .with_ansi(false)
            .without_time()
            .with_writer(|| Told)
            .init();
    });
    TOLD.take();
    act();
    let text = String::from_utf8(TOLD.take()).unwrap();
    let lines = text.lines().map(|line| line.trim().to_owned());
    let is_graver = |line: &String| {
        let said = line.split(' ').next().unwrap();
        said.parse::<Level>().unwrap() <= level
    };
    lines.filter(is_graver).collect()
}

/// One line, with all of this in it.
#[track_caller]
fn is_one(lines: &[String], parts: &[&str]) {
    assert_eq!(lines.len(), 1, "{lines:#?}");
    for part in parts {
        assert!(lines.concat().contains(part), "{part} in {lines:#?}");
    }
}

fn add(dir: &Path, bytes: &[u8]) {
    let path = dir.join("app.jsonl");
    let mut log = OpenOptions::new().append(true).open(path).unwrap();
    log.write_all(bytes).unwrap();
}

#[test]
fn opening_and_ten_thousand_appends_tell_of_the_opening_alone() {
    let dir = tempfile::tempdir().unwrap();
    let act = || {
        let mut log = EventLog::builder(dir.path())
            .view::<u64>("count", |count, _| count + 1)
            .durability(eventfold::Durability::Buffered)
            .open()
            .unwrap();
        for n in 0..10_000 {
            log.append(&Event::at(1, "a", n)).unwrap();
        }
        log.refresh_all().unwrap();
        assert_eq!(log.reader().read_full().unwrap().count(), 10_000);
    };
    let dir = dir.path().to_str().unwrap();
    is_one(
        &told(Level::TRACE, act),
        &["DEBUG", "opened", "lock_mode=Flock", dir],
    );
}

#[test]
fn what_opening_repaired_is_a_warning() {
    let dir = tempfile::tempdir().unwrap();
    drop(EventWriter::open(dir.path()).unwrap());
    add(dir.path(), b"{\"type\":");
    let open = || drop(EventWriter::open(dir.path()).unwrap());
    let parts = ["WARN", "recovered", "torn_log_bytes=8", "torn.bin"];
    is_one(&told(Level::INFO, open), &parts);
    assert_eq!(told(Level::INFO, open), [""; 0]);
}

#[test]
fn a_rotation_is_told_with_its_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = EventWriter::open(dir.path()).unwrap();
    writer.append(&Event::at(1, "a", 1)).unwrap();
    let bytes = format!("bytes={} ", writer.log_len());
    let rotate = || assert!(writer.rotate().unwrap().bytes > 0);
    is_one(
        &told(Level::DEBUG, rotate),
        &["INFO", "rotated", &bytes, "archived_bytes="],
    );
}

#[test]
fn a_lock_that_is_refused_is_told_with_its_holder() {
    let dir = tempfile::tempdir().unwrap();
    let _writer = EventWriter::open(dir.path()).unwrap();
    let refused = || drop(EventWriter::open(dir.path()).unwrap_err());
    let pid = format!("holder_pid={}", std::process::id());
    let parts = match cfg!(target_os = "linux") {
        true => vec!["WARN", "lock refused", &pid, "timeout_ms=0"],
        false => vec!["WARN", "lock refused"],
    };
    is_one(&told(Level::DEBUG, refused), &parts);
}

#[test]
fn a_poisoned_writer_is_told_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = EventWriter::open(dir.path()).unwrap();
    writer.append(&Event::at(1, "a", 1)).unwrap();
    // Somebody who takes no lock.
    add(dir.path(), b"{}\n");
    let append = || drop(writer.append(&Event::at(1, "a", 2)).unwrap_err());
    is_one(&told(Level::TRACE, append), &["ERROR", "poisoned"]);
    let append = || drop(writer.append(&Event::at(1, "a", 2)).unwrap_err());
    assert_eq!(told(Level::TRACE, append), [""; 0]);
}

#[test]
fn a_snapshot_that_is_passed_over_is_told_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let open = || {
        let builder = EventLog::builder(dir.path()).view::<u64>("count", |count, _| count + 1);
        let mut log = builder.open().unwrap();
        log.append(&Event::at(1, "a", 1)).unwrap();
        log.refresh_all().unwrap();
    };
    assert_eq!(told(Level::INFO, open), [""; 0]);
    fs::write(dir.path().join("views/count.snapshot.json"), "{}").unwrap();
    is_one(
        &told(Level::INFO, open),
        &["INFO", "snapshot passed over", "view=\"count\"", "Foreign"],
    );
}
