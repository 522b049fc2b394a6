//! Waiting for events.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use eventfold::{EventReader, EventWriter, WaitResult};
use eventfold_0_2 as old;
use tempfile::tempdir;

use crate::support::{LOG, append_bytes, event, line, made_here};

const TIMEOUT: Duration = Duration::from_millis(400);

#[test]
fn a_wait_does_not_end_for_changes_that_bring_no_event() {
    let dir = tempdir().unwrap();
    made_here(dir.path(), 1, &[]);
    let end = line(0).len() as u64;
    let (woken, took) = while_files_change(dir.path(), || {
        old::EventReader::new(dir.path())
            .wait_for_events(end, TIMEOUT)
            .unwrap()
    });
    assert_eq!(woken, old::WaitResult::Timeout);
    assert!(took < TIMEOUT, "0.2.0 says timeout before its time");

    let reader = EventReader::new(dir.path());
    let (woken, took) =
        while_files_change(dir.path(), || reader.wait_for_events(end, TIMEOUT).unwrap());
    assert_eq!(woken, WaitResult::Timeout);
    assert!(took >= TIMEOUT);
}

#[test]
fn a_wait_beside_a_torn_tail_lasts_its_time_without_spinning_and_ends_with_an_event() {
    let dir = tempdir().unwrap();
    made_here(dir.path(), 1, &[]);
    let end = line(0).len() as u64;
    let torn = line(1);
    append_bytes(&dir.path().join(LOG), &torn[..torn.len() / 2]);
    let theirs = old::EventReader::new(dir.path());
    let woken = theirs.wait_for_events(end, TIMEOUT).unwrap();
    assert!(matches!(woken, old::WaitResult::NewData(_)));
    assert_eq!(
        theirs.read_from(end).unwrap().count(),
        0,
        "0.2.0 wakes for nothing"
    );

    let reader = EventReader::new(dir.path());
    let (start, busy) = (Instant::now(), busy());
    assert_eq!(
        reader.wait_for_events(end, TIMEOUT).unwrap(),
        WaitResult::Timeout
    );
    assert!(start.elapsed() >= TIMEOUT);
    if let (Some(before), Some(after)) = (busy, self::busy()) {
        assert!(
            after - before < TIMEOUT / 4,
            "{:?} of work while waiting",
            after - before
        );
    }

    thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            reader
                .wait_for_events(end, Duration::from_secs(20))
                .unwrap()
        });
        thread::sleep(Duration::from_millis(50));
        append_bytes(&dir.path().join(LOG), &torn[torn.len() / 2..]);
        assert_eq!(waiter.join().unwrap(), WaitResult::NewData);
    });
    let record = reader.read_from(end).unwrap().next().unwrap().unwrap();
    assert_eq!(record.event, event(1));
}

#[test]
fn a_wait_across_a_rotation_ends_with_an_event_only() {
    let dir = tempdir().unwrap();
    made_here(dir.path(), 1, &[]);
    let mut writer = EventWriter::open(dir.path()).unwrap();
    let reader = writer.reader();
    let end = writer.end_position();
    thread::scope(|scope| {
        let rotated = AtomicBool::new(false);
        let waiter = scope.spawn(|| reader.wait_for_events(end, TIMEOUT).unwrap());
        thread::sleep(TIMEOUT / 4);
        writer.rotate().unwrap();
        rotated.store(true, Ordering::SeqCst);
        assert_eq!(waiter.join().unwrap(), WaitResult::Timeout);

        let waiter = scope.spawn(|| {
            reader
                .wait_for_events(end, Duration::from_secs(20))
                .unwrap()
        });
        thread::sleep(Duration::from_millis(50));
        writer.append(&event(1)).unwrap();
        writer.rotate().unwrap();
        assert_eq!(waiter.join().unwrap(), WaitResult::NewData);
    });
    let record = reader.read_from(end).unwrap().next().unwrap().unwrap();
    assert_eq!(record.event, event(1));
}

/// Runs `wait` while other files come and go beside the log, and times it.
fn while_files_change<T>(dir: &Path, wait: impl FnOnce() -> T) -> (T, Duration) {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                fs::write(dir.join("unrelated"), b"x").unwrap();
                thread::sleep(Duration::from_millis(20));
                fs::remove_file(dir.join("unrelated")).unwrap();
            }
        });
        let start = Instant::now();
        let woken = wait();
        let took = start.elapsed();
        done.store(true, Ordering::SeqCst);
        (woken, took)
    })
}

/// How long this thread has worked, where the system tells.
fn busy() -> Option<Duration> {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    stat.split(' ')
        .next()?
        .parse()
        .ok()
        .map(Duration::from_nanos)
}
