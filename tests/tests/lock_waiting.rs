//! Waiting for the lock: until it is free, no longer than the timeout, and for nothing else.
#![cfg(not(target_arch = "wasm32"))]

mod support;

use std::fs;
use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use eventfold::{Error, EventLog, EventWriter, LockMode};
use support::{Actor, numbered, numbers, quick_dir};

const FOR_EVER: Duration = Duration::MAX;

#[test]
fn a_lock_let_go_or_left_by_a_killed_process_is_got() {
    let dir = quick_dir();
    for (number, lets_go) in [true, false].into_iter().cycle().take(10).enumerate() {
        let mut holder = Actor::with_open_log(dir.path());
        thread::scope(|scope| {
            let waiting = scope.spawn(|| EventWriter::open_waiting(dir.path(), FOR_EVER));
            holder.ask(&format!("append {} 20", 2 * number)).unwrap();
            match lets_go {
                true => drop(holder.ask("close").unwrap()),
                false => holder.kill(),
            }
            let mut writer = waiting.join().unwrap().unwrap();
            writer.append(&numbered(2 * number as u64 + 1)).unwrap();
        });
    }
    assert_eq!(numbers(dir.path()), (0..20).collect::<Vec<_>>());
}

#[test]
fn a_wait_that_is_over_took_its_whole_time_and_names_the_holder() {
    let dir = tempfile::tempdir().unwrap();
    let holder = Actor::with_open_log(dir.path());
    let opens: [fn(&Path, Duration) -> io::Result<()>; 2] = [
        |dir, timeout| EventWriter::open_waiting(dir, timeout).map(drop),
        |dir, timeout| {
            let builder = EventLog::builder(dir).lock_timeout(timeout);
            builder.open().map(drop)
        },
    ];
    for open in opens {
        for timeout in [0, 1, 120].map(Duration::from_millis) {
            let start = Instant::now();
            let error = open(dir.path(), timeout).unwrap_err();
            assert!(start.elapsed() >= timeout);
            assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
            let Some(Error::Locked { holder: told, .. }) = Error::of(&error) else {
                panic!("{error}");
            };
            assert_eq!(told.as_ref().unwrap().pid, holder.pid());
        }
    }
}

#[test]
fn all_that_wait_get_it_one_after_another() {
    let dir = quick_dir();
    thread::scope(|scope| {
        for number in 0..16 {
            let dir = dir.path();
            scope.spawn(move || {
                let mut log = EventLog::builder(dir)
                    .lock_timeout(FOR_EVER)
                    .open()
                    .unwrap();
                log.append(&numbered(number)).unwrap();
            });
        }
    });
    let mut all = numbers(dir.path());
    all.sort_unstable();
    assert_eq!(all, (0..16).collect::<Vec<_>>());
}

#[test]
fn what_is_no_contention_is_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let error = EventWriter::open_waiting(&file, FOR_EVER).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotADirectory);
    // A writer without the lock has nothing to wait for.
    let _holder = EventWriter::open(dir.path()).unwrap();
    let builder = EventLog::builder(dir.path()).lock_mode(LockMode::None);
    builder.lock_timeout(FOR_EVER).open().unwrap();
}
