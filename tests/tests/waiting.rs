//! Waiting for events: a timeout takes its whole time, and new data can be read.
#![cfg(not(target_arch = "wasm32"))]

mod support;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use eventfold::{Error, EventReader, EventWriter, WaitResult};
use support::{Actor, numbered, numbers};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_timeout_takes_its_whole_time() {
    let dir = tempfile::tempdir().unwrap();
    let reader = EventReader::new(dir.path());
    let mut end = 0;
    for milliseconds in [1, 30, 300, 1100] {
        let timeout = Duration::from_millis(milliseconds);
        let start = Instant::now();
        assert_eq!(
            reader.wait_for_events(end, timeout).unwrap(),
            WaitResult::Timeout
        );
        assert!(start.elapsed() >= timeout);
        let mut writer = EventWriter::open(dir.path()).unwrap();
        end = writer.append(&numbered(0)).unwrap().next_position;
    }
}

#[test]
fn no_time_at_all_is_a_look() {
    let dir = tempfile::tempdir().unwrap();
    let reader = EventReader::new(dir.path());
    assert_eq!(
        reader.wait_for_events(0, Duration::ZERO).unwrap(),
        WaitResult::Timeout
    );
    let mut writer = EventWriter::open(dir.path()).unwrap();
    let end = writer.append(&numbered(0)).unwrap().next_position;
    assert_eq!(
        reader.wait_for_events(0, Duration::ZERO).unwrap(),
        WaitResult::NewData
    );
    assert_eq!(
        reader.wait_for_events(end, Duration::ZERO).unwrap(),
        WaitResult::Timeout
    );
    let start = Instant::now();
    assert_eq!(
        reader.wait_for_events(0, Duration::MAX).unwrap(),
        WaitResult::NewData
    );
    assert!(start.elapsed() < SECOND);
}

#[cfg(target_os = "linux")]
#[test]
fn a_fragment_neither_ends_a_wait_nor_keeps_it_busy() {
    let dir = tempfile::tempdir().unwrap();
    let end = EventWriter::open(dir.path())
        .unwrap()
        .append(&numbered(0))
        .unwrap()
        .next_position;
    append_bytes(dir.path(), br#"{"type":"torn","data":"#);
    // In a process of its own, whose processor time is the wait's alone.
    let mut actor = Actor::start(dir.path());
    let said = actor.ask(&format!("wait {end} 3000")).unwrap();
    let words: Vec<&str> = said.split(' ').collect();
    let [result, took, busy] = words[..] else {
        panic!("{said}");
    };
    let (took, busy): (u64, u64) = (took.parse().unwrap(), busy.parse().unwrap());
    println!("busy for {busy} ms of {took}");
    assert_eq!(result, "Timeout");
    assert!(took >= 3000, "{took} ms");
    assert!(busy * 20 < took, "busy for {busy} ms of {took}");
}

#[test]
fn a_fragment_that_grows_is_no_event_until_it_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let end = EventWriter::open(dir.path())
        .unwrap()
        .append(&numbered(0))
        .unwrap()
        .next_position;
    let line = serde_json::to_vec(&numbered(1)).unwrap();
    let (done, when_done) = mpsc::channel();
    let path = dir.path();
    thread::scope(|scope| {
        scope.spawn(move || {
            let reader = EventReader::new(path);
            let result = reader.wait_for_events(end, 30 * SECOND).unwrap();
            let event = reader
                .read_from(end)
                .unwrap()
                .next()
                .unwrap()
                .unwrap()
                .event;
            done.send((result, event)).unwrap();
        });
        for byte in line {
            append_bytes(path, &[byte]);
            let early = when_done.recv_timeout(Duration::from_millis(3));
            assert!(early.is_err(), "woken by a fragment");
        }
        append_bytes(path, b"\n");
        let (result, event) = when_done.recv_timeout(10 * SECOND).unwrap();
        assert_eq!((result, event), (WaitResult::NewData, numbered(1)));
    });
}

#[test]
fn an_append_by_another_process_wakes_within_a_second() {
    let dir = tempfile::tempdir().unwrap();
    let mut actor = Actor::with_open_log(dir.path());
    let reader = EventReader::new(dir.path());
    let (mut end, mut quickest) = (0, SECOND);
    for number in 0..5 {
        let (woken, appended) = thread::scope(|scope| {
            let waiter = scope.spawn(|| {
                let result = reader.wait_for_events(end, 10 * SECOND).unwrap();
                assert_eq!(result, WaitResult::NewData);
                Instant::now()
            });
            // So that it waits already. A look once a second would come much later than this.
            thread::sleep(SECOND / 10);
            let appended = Instant::now();
            actor.ask(&format!("append {number} 10")).unwrap();
            (waiter.join().unwrap(), appended)
        });
        let latency = woken - appended;
        assert!(latency < 2 * SECOND, "{latency:?}");
        quickest = quickest.min(latency);
        end = reader
            .read_full()
            .unwrap()
            .last()
            .unwrap()
            .unwrap()
            .next_position;
    }
    println!("woken after {quickest:?} at best");
    assert!(quickest < SECOND / 2, "{quickest:?}: no notification came");
}

#[test]
fn a_rotation_ends_no_wait_and_the_event_after_it_does() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = EventWriter::open(dir.path()).unwrap();
    let end = writer.append(&numbered(0)).unwrap().next_position;
    let reader = writer.reader();
    let (done, when_done) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(|| {
            done.send(reader.wait_for_events(end, 30 * SECOND).unwrap())
                .unwrap()
        });
        writer.rotate().unwrap();
        let early = when_done.recv_timeout(SECOND / 5);
        assert!(early.is_err(), "woken by a rotation");
        writer.append(&numbered(1)).unwrap();
        writer.rotate().unwrap();
        assert_eq!(when_done.recv_timeout(10 * SECOND), Ok(WaitResult::NewData));
    });
    let next = reader.read_from(end).unwrap().next().unwrap().unwrap();
    assert_eq!(next.event, numbered(1));
}

#[test]
fn new_data_can_be_read_each_time_a_writer_appends_and_rotates() {
    const COUNT: u64 = 200;
    let dir = tempfile::tempdir().unwrap();
    let mut actor = Actor::with_open_log(dir.path());
    actor.send(&format!("churn {}", COUNT / 3));
    let reader = EventReader::new(dir.path());
    let (mut end, mut next) = (0, 0);
    while next < COUNT / 3 * 3 {
        assert_eq!(
            reader.wait_for_events(end, 10 * SECOND).unwrap(),
            WaitResult::NewData
        );
        let record = reader.read_from(end).unwrap().next().unwrap().unwrap();
        assert_eq!(record.event.ts, next);
        (end, next) = (record.next_position, next + 1);
    }
    assert_eq!(
        reader.wait_for_events(end, SECOND / 20).unwrap(),
        WaitResult::Timeout
    );
}

#[test]
fn a_wait_without_end_is_ended_by_an_event() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = EventWriter::open(dir.path()).unwrap();
    let reader = writer.reader();
    let (done, when_done) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(|| {
            done.send(reader.wait_for_events(0, Duration::MAX).unwrap())
                .unwrap()
        });
        assert!(when_done.recv_timeout(SECOND / 5).is_err());
        writer.append(&numbered(0)).unwrap();
        assert_eq!(when_done.recv_timeout(10 * SECOND), Ok(WaitResult::NewData));
    });
}

#[test]
fn twenty_waiters_are_all_woken() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = EventWriter::open(dir.path()).unwrap();
    let shared = writer.reader();
    thread::scope(|scope| {
        let waiters: Vec<_> = (0..20)
            .map(|waiter| {
                // Clones share a watch, the others have one each.
                let reader = if waiter % 2 == 0 {
                    shared.clone()
                } else {
                    writer.reader()
                };
                scope.spawn(move || reader.wait_for_events(0, 30 * SECOND).unwrap())
            })
            .collect();
        thread::sleep(SECOND / 10);
        let start = Instant::now();
        writer.append(&numbered(0)).unwrap();
        for waiter in waiters {
            assert_eq!(waiter.join().unwrap(), WaitResult::NewData);
        }
        assert!(start.elapsed() < 5 * SECOND, "{:?}", start.elapsed());
    });
}

#[test]
fn a_log_that_comes_later_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let reader = EventReader::new(dir.path());
    thread::scope(|scope| {
        let waiter = scope.spawn(|| reader.wait_for_events(0, 30 * SECOND).unwrap());
        thread::sleep(SECOND / 20);
        let mut writer = EventWriter::open(dir.path()).unwrap();
        writer.append(&numbered(0)).unwrap();
        assert_eq!(waiter.join().unwrap(), WaitResult::NewData);
    });
    assert_eq!(numbers(dir.path()), [0]);
}

#[test]
fn a_bad_line_is_an_error_whether_it_is_there_or_comes() {
    let dir = tempfile::tempdir().unwrap();
    let end = EventWriter::open(dir.path())
        .unwrap()
        .append(&numbered(0))
        .unwrap()
        .next_position;
    let reader = EventReader::new(dir.path());
    let error = thread::scope(|scope| {
        let waiter = scope.spawn(|| reader.wait_for_events(end, 30 * SECOND).unwrap_err());
        thread::sleep(SECOND / 20);
        append_bytes(dir.path(), b"{bad}\n");
        waiter.join().unwrap()
    });
    for error in [
        error,
        reader.wait_for_events(end, Duration::MAX).unwrap_err(),
    ] {
        let found = Error::of(&error);
        let here = matches!(found, Some(Error::Corrupt { position, .. }) if *position == end);
        assert!(here, "{error:?}");
    }
    // Behind it there is nothing yet.
    let behind = end + 6;
    assert_eq!(
        reader.wait_for_events(behind, SECOND / 20).unwrap(),
        WaitResult::Timeout
    );
}

#[test]
fn a_position_that_is_none_is_an_error_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let end = EventWriter::open(dir.path())
        .unwrap()
        .append(&numbered(0))
        .unwrap()
        .next_position;
    let reader = EventReader::new(dir.path());
    for position in [1, end + 1, u64::MAX] {
        let error = reader.wait_for_events(position, Duration::MAX).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{error}");
    }
}

#[test]
fn a_directory_that_is_missing_or_none_is_an_error() {
    let parent = tempfile::tempdir().unwrap();
    let [missing, file] = ["missing", "file"].map(|name| parent.path().join(name));
    fs::write(&file, "").unwrap();
    assert_eq!(wait_refused(&missing), io::ErrorKind::NotFound);
    assert_eq!(wait_refused(&file), io::ErrorKind::NotADirectory);
}

#[test]
fn a_directory_that_goes_away_is_an_error() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("dir");
    fs::create_dir(&dir).unwrap();
    let start = Instant::now();
    thread::scope(|scope| {
        let waiter = scope.spawn(|| wait_refused(&dir));
        thread::sleep(SECOND / 20);
        fs::remove_dir(&dir).unwrap();
        assert_eq!(waiter.join().unwrap(), io::ErrorKind::NotFound);
    });
    assert!(start.elapsed() < 5 * SECOND);
}

/// The kind of the error that a wait in this directory ends with.
fn wait_refused(dir: &Path) -> io::ErrorKind {
    let error = EventReader::new(dir)
        .wait_for_events(0, 30 * SECOND)
        .unwrap_err();
    let named = error.to_string().contains(&*dir.to_string_lossy());
    assert!(named, "{error}");
    error.kind()
}

fn append_bytes(dir: &Path, bytes: &[u8]) {
    let mut log: File = OpenOptions::new()
        .append(true)
        .open(dir.join("app.jsonl"))
        .unwrap();
    log.write_all(bytes).unwrap();
}
