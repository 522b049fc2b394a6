//! Lines around the limit and beyond it, in memory that is bounded by it.
//!
//! Memory is measured in the helper process, whose peak is its own: VmHWM, the most that was
//! ever resident. Only Linux tells it.
#![cfg(not(target_arch = "wasm32"))]
#![cfg(target_os = "linux")]

mod support;

use std::fs;

use eventfold::{EventReader, EventWriter, LockMode, MAX_LINE};
use support::{Actor, numbered, quick_dir, read_past_errors};

#[test]
fn an_event_longer_than_the_limit_is_refused_and_one_of_the_limit_is_taken() {
    let dir = quick_dir();
    let mut actor = Actor::with_open_log(dir.path());
    // {"type":"numbered","data":{"text":""},"ts":1}
    let around = 45;
    actor.ask("append 0 1").unwrap();
    let error = actor
        .ask(&format!("append 1 {}", MAX_LINE - around + 1))
        .unwrap_err();
    assert!(error.starts_with("InvalidInput TooLarge"), "{error}");
    assert!(error.contains(&(MAX_LINE + 1).to_string()), "{error}");
    assert!(error.contains(&format!("limit of {MAX_LINE}")), "{error}");
    assert!(error.contains(&*dir.path().to_string_lossy()), "{error}");
    let small = fs::metadata(dir.path().join("app.jsonl")).unwrap().len();
    assert!(small < 100);

    actor
        .ask(&format!("append 2 {}", MAX_LINE - around))
        .unwrap();
    actor.ask("append 3 1").unwrap();
    assert_eq!(actor.ask("read").unwrap(), "3 0 ");
    actor.ask("rotate").unwrap();
    actor.ask("close").unwrap();
    actor.ask("open").unwrap();
    actor.ask("append 4 1").unwrap();
    assert_eq!(actor.ask("read").unwrap(), "4 0 ");
    // VmHWM: the most memory that was ever resident in the actor's process.
    let peak: u64 = actor.ask("peak").unwrap().parse().unwrap();
    println!(
        "peak of writer and reader: {} MiB, for a line of 64 MiB",
        peak >> 10
    );
    assert!(peak << 10 < 8 * MAX_LINE as u64, "{peak} KiB");
}

#[test]
fn a_line_longer_than_the_limit_is_passed_over_in_bounded_memory() {
    let dir = quick_dir();
    let mut writer = EventWriter::open(dir.path()).unwrap();
    let first = writer.append(&numbered(0)).unwrap();
    drop(writer);
    // Twice the limit, most of it a hole.
    let log = dir.path().join("app.jsonl");
    let file = fs::OpenOptions::new().write(true).open(&log).unwrap();
    file.set_len(first.next_position + 2 * MAX_LINE as u64)
        .unwrap();
    drop(file);
    let mut shared = EventWriter::open_with_lock(dir.path(), LockMode::None).unwrap();
    let last = shared.append(&numbered(1)).unwrap();
    drop(shared);

    // The reader is a process of its own, so that the peak is its own too: VmHWM, the most
    // memory that was ever resident.
    let mut actor = Actor::start(dir.path());
    let said = actor.ask("read").unwrap();
    assert!(said.starts_with("2 1 InvalidData Corrupt"), "{said}");
    let place = format!("corrupt at position {}", first.next_position);
    assert!(
        said.contains(&place) && said.contains("app.jsonl"),
        "{said}"
    );
    assert!(said.contains(&MAX_LINE.to_string()), "{said}");
    let peak: u64 = actor.ask("peak").unwrap().parse().unwrap();
    println!(
        "peak of the reader: {} MiB, of a line of 128 MiB",
        peak >> 10
    );
    assert!(peak << 10 < 3 * MAX_LINE as u64 / 2, "{peak} KiB");

    // Opening and appending neither.
    actor.ask("open").unwrap();
    actor.ask("append 2 20").unwrap();
    let peak: u64 = actor.ask("peak").unwrap().parse().unwrap();
    assert!(peak << 10 < 3 * MAX_LINE as u64 / 2, "{peak} KiB");
    let reader = EventReader::new(dir.path());
    let record = reader
        .read_from(last.position)
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    assert_eq!(record.event, numbered(1));
}

#[test]
fn a_line_longer_than_the_limit_behind_one_with_nuls() {
    let dir = quick_dir();
    let line = |number| serde_json::to_string(&numbered(number)).unwrap() + "\n";
    let long = "x".repeat(MAX_LINE + 1);
    let text = [&line(0), "\0\n", &long, "\n", &line(1)].concat();
    fs::write(dir.path().join("app.jsonl"), text).unwrap();
    let (read, errors) = read_past_errors(dir.path());
    assert_eq!((read, errors.len()), (vec![0, 1], 2));
}
