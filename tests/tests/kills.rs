//! Writers that are killed at any moment, and readers beside a writer that rotates.
#![cfg(not(target_arch = "wasm32"))]

mod support;

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use eventfold::{Event, EventLog, EventReader, View};
use support::{Actor, numbers, quick_dir};

// A process takes long to start on Windows, and a file to open.
const ROUNDS: u64 = if cfg!(windows) { 20 } else { 100 };
const ROTATIONS: u64 = if cfg!(windows) { 30 } else { 300 };

#[test]
fn a_writer_killed_at_any_moment_loses_nothing_it_acknowledged() {
    let mut dir = quick_dir();
    let seed = RandomState::new().hash_one(0);
    let mut random = seed | 1;
    let mut count = 0;
    for round in 0..ROUNDS {
        if round % 20 == 0 {
            (dir, count) = (quick_dir(), 0);
        }
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let context = format!("seed {seed}, round {round}");
        let acknowledged = work_until_killed(dir.path(), random, count);
        // Read as it was left, before anything is repaired.
        let left = numbers(dir.path());
        assert_prefix(&left, acknowledged, &context);

        let mut log = open(dir.path()).unwrap_or_else(|error| panic!("{context}: {error}"));
        let recovered = numbers(dir.path());
        assert_prefix(&recovered, acknowledged, &context);
        assert!(
            recovered.len() >= left.len(),
            "{context}: an event that was read is gone"
        );
        count = recovered.len() as u64;
        log.append(&support::numbered(count)).unwrap();
        count += 1;
        assert_view_is_a_rebuild(&mut log, &context);
        drop(log);

        let log = open(dir.path()).unwrap();
        assert!(log.recovery().is_clean(), "{context}: {:?}", log.recovery());
        assert_eq!(
            numbers(dir.path()),
            (0..count).collect::<Vec<_>>(),
            "{context}"
        );
    }
}

#[test]
fn readers_beside_a_rotating_writer_see_no_duplicate_gap_or_error() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Actor::with_open_log(dir.path());
    writer.send(&format!("churn {ROTATIONS}"));
    let (acknowledged, done) = (AtomicU64::new(0), AtomicBool::new(false));
    let state = (&acknowledged, &done);
    let total = ROTATIONS * 3;
    thread::scope(|scope| {
        for reader in 0..4 {
            let dir = dir.path();
            scope.spawn(move || match reader % 2 {
                0 => read_again_and_again(dir, state, total),
                _ => follow(dir, state.0, total),
            });
        }
        while let Some(line) = writer.line() {
            let Some(number) = line.strip_prefix("acknowledged ") else {
                assert_eq!(line, "ok ");
                break;
            };
            acknowledged.store(number.parse::<u64>().unwrap() + 1, SeqCst);
        }
        done.store(true, SeqCst);
    });
    assert_eq!(numbers(dir.path()), (0..total).collect::<Vec<_>>());
}

/// Reads all, over and over: what was acknowledged before must be there, in order, once.
fn read_again_and_again(dir: &Path, (acknowledged, done): (&AtomicU64, &AtomicBool), total: u64) {
    loop {
        let (last, before) = (done.load(SeqCst), acknowledged.load(SeqCst));
        let read = numbers(dir);
        assert_eq!(read, (0..read.len() as u64).collect::<Vec<_>>());
        assert!(
            read.len() as u64 >= before,
            "{} of {before} events",
            read.len()
        );
        if last {
            return assert_eq!(read.len() as u64, total);
        }
    }
}

/// Reads on from where the last read ended, with one iterator and then with another: what was
/// acknowledged before it asks must come before the end.
fn follow(dir: &Path, acknowledged: &AtomicU64, total: u64) {
    let reader = EventReader::new(dir);
    let (mut next, mut position) = (0, 0);
    while next < total {
        let mut records = reader.read_from(position).unwrap();
        for _ in 0..3 {
            let before = acknowledged.load(SeqCst);
            for record in records.by_ref() {
                let record = record.unwrap();
                assert_eq!((record.event.ts, record.position), (next, position));
                (next, position) = (next + 1, record.next_position);
            }
            assert!(next >= before, "the end after {next} of {before} events");
        }
    }
}

/// Starts a writer at event `from`, kills it in the midst of its work, and returns how many
/// events there are that it acknowledged, those before it included.
fn work_until_killed(dir: &Path, random: u64, from: u64) -> u64 {
    let mut writer = Actor::start(dir);
    writer.send("open");
    writer.send(&format!("work {random} {from}"));
    let mut acknowledged = from;
    let mut hear = |line: String| {
        if let Some(number) = line.strip_prefix("acknowledged ") {
            assert_eq!(number.parse(), Ok(acknowledged));
            acknowledged += 1;
        } else {
            assert!(line.starts_with("ok Recovery"), "{line}");
        }
    };
    for _ in 0..random % 40 {
        hear(writer.line().unwrap());
    }
    // Any moment after that: in the opening, an append, a rotation, the saving of a snapshot.
    thread::sleep(Duration::from_micros((random >> 32) % 2000));
    writer.kill();
    while let Some(line) = writer.line() {
        hear(line);
    }
    acknowledged
}

/// Every acknowledged event once and in order, and at most the one that was in flight.
fn assert_prefix(read: &[u64], acknowledged: u64, context: &str) {
    let len = read.len() as u64;
    assert_eq!(read, (0..len).collect::<Vec<_>>(), "{context}");
    let expected = acknowledged..=acknowledged + 1;
    assert!(
        expected.contains(&len),
        "{context}: {len} events, {acknowledged} acknowledged"
    );
}

fn assert_view_is_a_rebuild(log: &mut EventLog, context: &str) {
    log.refresh_all().unwrap();
    let mut view = View::new("again", sum).unwrap();
    let rebuilt = *view.rebuild(&log.reader()).unwrap();
    assert_eq!(*log.view::<u64>("sum").unwrap(), rebuilt, "{context}");
}

fn open(dir: &Path) -> std::io::Result<EventLog> {
    EventLog::builder(dir).view("sum", sum).open()
}

/// As the actor keeps it.
fn sum(sum: u64, event: &Event) -> u64 {
    sum + event.ts
}
