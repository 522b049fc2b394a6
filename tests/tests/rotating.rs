//! Readers in other processes beside a writer that rotates all the time: no duplicate, no gap, no
//! false error, in whatever manner they read.
//!
//! `EVENTFOLD_ROTATIONS=1000000` rotates so often instead of what the test command has time for.
#![cfg(unix)]

mod support;

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::Instant;

use eventfold::EventReader;
use eventfold_tests::proof;
use eventfold_tests::real::follow::BETWEEN;
use eventfold_tests::real::work::event;
use support::{Actor, Context, amount, in_memory};

const ROTATIONS: u64 = 2_000;

/// Rotations of one log, since some readers read all of it again and again.
const ROUND: u64 = 1_000;

/// What happened to the readers of one manner.
#[derive(Debug, Default)]
struct Read {
    readings: u64,
    /// Rotations in the midst of a reading.
    rotations: u64,
    /// Readings in which there was one.
    disturbed: u64,
}

#[test]
fn readers_in_other_processes_see_every_event_once_beside_a_writer_that_rotates() {
    let (rotations, begin) = (amount("EVENTFOLD_ROTATIONS", ROTATIONS), Instant::now());
    let mut readers = BTreeMap::<String, Read>::new();
    let mut left = rotations;
    while left > 0 {
        let now = left.min(ROUND);
        round(now, &mut readers);
        left -= now;
    }
    let took = begin.elapsed();
    println!(
        "rotating: {rotations} in {:.1} s, {readers:?}",
        took.as_secs_f64()
    );
    assert_eq!(readers.len(), 4);
    for (manner, read) in readers {
        // Else it slept while the writer rotated, and the test would show nothing.
        let live = read.rotations >= rotations / 10;
        assert!(live, "{manner} was hardly reading: {read:?}");
    }
    proof::ran("readers beside rotations", rotations, took);
}

/// Two processes with two readers each, and a writer that rotates so often.
fn round(rotations: u64, readers: &mut BTreeMap<String, Read>) {
    let seed = RandomState::new().hash_one(0);
    let _context = Context(format!("the writer's seed is {seed}"));
    let parent = in_memory();
    let dir = parent.path().join("log");
    std::fs::create_dir(&dir).unwrap();
    let total = rotations * BETWEEN;
    let mut followers = [0, 1].map(|process| {
        let mut actor = Actor::start(&dir);
        actor.send(&format!("follow {total} {process}"));
        actor
    });
    let mut writer = Actor::start(&dir);
    writer
        .ask(&format!("rotate-along {rotations} {seed}"))
        .unwrap();

    for follower in &mut followers {
        loop {
            let line = follower.line().unwrap();
            let words: Vec<&str> = line.split(' ').collect();
            let ["read", manner, readings, rotations, disturbed] = words[..] else {
                assert_eq!(line, "ok ");
                break;
            };
            let read = readers.entry(manner.to_owned()).or_default();
            read.readings += readings.parse::<u64>().unwrap();
            read.rotations += rotations.parse::<u64>().unwrap();
            read.disturbed += disturbed.parse::<u64>().unwrap();
        }
    }
    let mut count = 0;
    for record in EventReader::new(&dir).read_full().unwrap() {
        assert_eq!(record.unwrap().event, event(count));
        count += 1;
    }
    assert_eq!(count, total);
}
