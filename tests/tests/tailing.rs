//! A tail: the next event, waited for.
#![cfg(not(target_arch = "wasm32"))]

mod support;

use std::fs::OpenOptions;
use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use eventfold::{Error, EventReader, EventWriter};
use support::numbered;

const SOON: Duration = Duration::from_secs(30);
const MOMENT: Duration = Duration::from_millis(50);

#[test]
fn a_tail_sees_each_event_once_and_in_order_while_its_log_is_appended_to_and_rotated() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = EventWriter::open(dir.path()).unwrap();
    let mut events = writer.reader().read_full().unwrap().typed::<u64>();
    thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0..300_u64 {
                let event = eventfold::Event::at(n, "numbered", n);
                writer.append(&event).unwrap();
                if n % 7 == 6 {
                    writer.rotate().unwrap();
                }
            }
        });
        for n in 0..300 {
            let record = events.wait_next(SOON).unwrap().unwrap();
            assert_eq!(record.event.data, n);
            assert_eq!(record.next_position, events.position());
        }
    });
    assert!(events.wait_next(MOMENT).is_none());
}

#[test]
fn a_timeout_takes_its_whole_time_and_the_tail_goes_on_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = EventWriter::open(dir.path()).unwrap();
    let mut events = writer.reader().read_full().unwrap();
    let start = Instant::now();
    assert!(events.wait_next(MOMENT).is_none());
    assert!(start.elapsed() >= MOMENT);
    writer.append(&numbered(0)).unwrap();
    assert_eq!(
        events.wait_next(Duration::ZERO).unwrap().unwrap().event,
        numbered(0)
    );
}

#[test]
fn a_corrupt_line_is_one_item_of_a_tail_and_what_comes_behind_it_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = EventWriter::open(dir.path()).unwrap();
    writer.append(&numbered(0)).unwrap();
    let mut events = writer.reader().read_full().unwrap();
    events.next().unwrap().unwrap();
    drop(writer);
    let log = dir.path().join("app.jsonl");
    let mut log = OpenOptions::new().append(true).open(log).unwrap();
    log.write_all(b"no event\n").unwrap();
    let error = events.wait_next(SOON).unwrap().unwrap_err();
    assert!(matches!(Error::of(&error), Some(Error::Corrupt { .. })));
    assert!(events.wait_next(MOMENT).is_none());
    let mut writer = EventWriter::open(dir.path()).unwrap();
    writer.append(&numbered(1)).unwrap();
    assert_eq!(events.wait_next(SOON).unwrap().unwrap().event, numbered(1));
}

#[test]
fn a_tail_that_an_error_ended_waits_for_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = EventWriter::open(dir.path()).unwrap();
    writer.append(&numbered(0)).unwrap();
    let mut events = EventReader::new(dir.path()).read_from(1).unwrap();
    let error = events.wait_next(SOON).unwrap().unwrap_err();
    assert!(matches!(
        Error::of(&error),
        Some(Error::NotABoundary { .. })
    ));
    let start = Instant::now();
    assert!(events.wait_next(SOON).is_none());
    assert!(start.elapsed() < SOON);
}
