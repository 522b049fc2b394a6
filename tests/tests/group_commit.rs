//! Appends that share a write and a sync are each acknowledged when they are in the log.

#![cfg(not(target_arch = "wasm32"))]

use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use eventfold::{Appended, Error, Event, EventReader, EventWriter, NoSnapshot, SharedWriter, View};
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

const THREADS: u64 = 16;
const EVENTS: u64 = 60;

#[test]
fn each_event_is_there_once_where_it_was_acknowledged_and_in_the_order_of_its_thread() {
    let dir = tempdir().unwrap();
    let writer = EventWriter::open(&dir).unwrap();
    let writer = SharedWriter::new(writer.with_max_log_size(4 << 10).unwrap());
    let acknowledged: Vec<Vec<Appended>> = thread::scope(|scope| {
        let append = |thread: u64| {
            let writer = writer.clone();
            scope.spawn(move || {
                let append = |n| {
                    if thread == 0 && n % 20 == 7 {
                        writer.with(EventWriter::rotate).unwrap();
                    }
                    writer.append(&event(thread, n)).unwrap()
                };
                (0..EVENTS).map(append).collect()
            })
        };
        let threads: Vec<_> = (0..THREADS).map(append).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let of_itself = writer.with(|writer| writer.stats()).rotations - 3;
    assert!(of_itself > 3, "it rotated {of_itself} times");
    drop(writer);
    let mut by_position = BTreeMap::new();
    for (thread, acknowledged) in acknowledged.iter().enumerate() {
        for (n, at) in acknowledged.iter().enumerate() {
            let event = event(thread as u64, n as u64);
            assert!(by_position.insert(at.position, (event, *at)).is_none());
        }
    }
    // Reopened, and with more appended.
    let writer = SharedWriter::new(EventWriter::open(&dir).unwrap());
    let last = writer.append(&event(99, 0)).unwrap();
    by_position.insert(last.position, (event(99, 0), last));
    assert_holds(&writer.reader(), &by_position);
}

#[test]
fn one_thread_has_many_appends_under_way_and_waits_in_any_order() {
    let (_dir, writer) = log();
    let mut expected = BTreeMap::new();
    for round in 0..3 {
        let submit = |n| (n, writer.submit(&event(round, n)).unwrap());
        let mut receipts: Vec<_> = (0..64).map(submit).collect();
        receipts.rotate_left(20 * round as usize);
        for (n, receipt) in receipts {
            let at = receipt.wait().unwrap();
            expected.insert(at.position, (event(round, n), at));
        }
    }
    assert_holds(&writer.reader(), &expected);
    let order: Vec<u64> = expected.values().map(|(event, _)| event.ts).collect();
    assert!(order.iter().copied().eq((0..3).flat_map(|_| 0..64)));
}

#[test]
fn what_nobody_waits_for_is_written_with_the_next_or_at_the_end() {
    let (dir, writer) = log();
    drop(writer.submit(&event(0, 0)).unwrap());
    assert_eq!(writer.reader().read_full().unwrap().count(), 0);
    writer.append(&event(0, 1)).unwrap();
    assert_eq!(writer.reader().read_full().unwrap().count(), 2);
    drop(writer.submit(&event(0, 2)).unwrap());
    let receipt = writer.submit(&event(0, 3)).unwrap();
    drop(writer);
    // A receipt alone keeps the writer open.
    assert!(EventWriter::open(&dir).is_err());
    drop(receipt);
    let writer = EventWriter::open(&dir).unwrap();
    assert!(writer.recovery().is_clean());
    let read = writer.reader().read_full().unwrap();
    assert!(read.map(|record| record.unwrap().event.ts).eq(0..4));
}

#[test]
fn an_event_that_cannot_be_written_fails_alone() {
    let (_dir, writer) = log();
    let before = writer.submit(&event(0, 0)).unwrap();
    let error = writer.submit(&Event::at(0, "nan", f64::NAN)).unwrap_err();
    assert!(matches!(Error::of(&error), Some(Error::Unreadable { .. })));
    let after = writer.submit(&event(0, 1)).unwrap();
    assert_eq!(
        after.wait().unwrap().position,
        before.wait().unwrap().next_position
    );
}

#[test]
fn a_sync_that_fails_is_told_to_all_who_shared_it_and_every_later_append_fails() {
    let (dir, writer) = log();
    writer.append(&event(0, 0)).unwrap();
    let receipts: Vec<_> = (1..9)
        .map(|n| writer.submit(&event(0, n)).unwrap())
        .collect();
    let (log, aside) = (dir.path().join("app.jsonl"), dir.path().join("aside"));
    fs::rename(&log, &aside).unwrap();
    thread::scope(|scope| {
        let threads: Vec<_> = receipts
            .into_iter()
            .map(|receipt| scope.spawn(|| receipt.wait()))
            .collect();
        for thread in threads {
            let error = thread.join().unwrap().unwrap_err();
            assert!(
                matches!(Error::of(&error), Some(Error::DurabilityUnknown { .. })),
                "{error}"
            );
        }
    });
    fs::rename(&aside, &log).unwrap();
    let error = writer.append(&event(0, 9)).unwrap_err();
    assert!(matches!(Error::of(&error), Some(Error::Poisoned { .. })));
    drop(writer);
    let writer = SharedWriter::new(EventWriter::open(&dir).unwrap());
    writer.append(&event(0, 10)).unwrap();
    let read = writer.reader().read_full().unwrap();
    let read: Vec<u64> = read.map(|record| record.unwrap().event.ts).collect();
    assert_eq!((read.first(), read.last()), (Some(&0), Some(&10)));
    assert!(!read.contains(&9));
}

#[test]
fn a_panic_of_who_has_the_writer_stops_nobody_else() {
    let (_dir, writer) = log();
    let panics = || writer.with(|_| panic!("on purpose"));
    assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
    writer.append(&event(0, 0)).unwrap();
    assert_eq!(writer.reader().read_full().unwrap().count(), 1);
}

#[test]
fn a_rotation_that_fails_fails_the_appends_that_wait_for_it_and_none_of_them_is_there() {
    let dir = tempdir().unwrap();
    let writer = EventWriter::open(&dir).unwrap();
    let writer = SharedWriter::new(writer.with_max_log_size(1).unwrap());
    writer.append(&event(0, 0)).unwrap();
    let archive = dir.path().join("archive.jsonl.zst");
    fs::create_dir(&archive).unwrap();
    let receipts = [1, 2].map(|n| writer.submit(&event(0, n)).unwrap());
    for receipt in receipts {
        let error = receipt.wait().unwrap_err();
        assert!(error.to_string().contains("archive.jsonl.zst"), "{error}");
    }
    fs::remove_dir(&archive).unwrap();
    drop(writer);
    let mut writer = EventWriter::open(&dir).unwrap();
    writer.append(&event(0, 3)).unwrap();
    let read = writer.reader().read_full().unwrap();
    let read: Vec<u64> = read.map(|record| record.unwrap().event.ts).collect();
    assert_eq!(read, [0, 3]);
}

#[test]
fn a_view_beside_the_threads_is_saved_and_starts_from_there() {
    let (dir, writer) = log();
    let count = || View::lazy("count", |count: u64, _| Ok(count + 1)).unwrap();
    let mut view = count();
    for n in 0..3 {
        writer.append(&event(0, n)).unwrap();
        view.refresh(&writer.reader()).unwrap();
    }
    assert_eq!(view.rebuilt(), Some(NoSnapshot::Missing));
    writer.with(|writer| view.save(writer)).unwrap();
    // One that was never refreshed saves what was there.
    writer.with(|writer| count().save(writer)).unwrap();
    drop(writer);

    let mut writer = EventWriter::open(&dir).unwrap();
    writer.append(&event(0, 3)).unwrap();
    writer.rotate().unwrap();
    let mut view = count();
    assert_eq!(*view.refresh(&writer.reader()).unwrap(), 4);
    assert_eq!(view.rebuilt(), None);
    let saved = writer.reader().saved_view("count").unwrap().unwrap();
    assert_eq!((saved.state.as_str(), saved.version), ("3", 0));
}

fn event(thread: u64, n: u64) -> Event {
    let data = json!({ "thread": thread, "text": "x".repeat((n % 50) as usize) });
    Event::at(n, "counted", data)
}

fn log() -> (TempDir, SharedWriter) {
    let dir = tempdir().unwrap();
    let writer = SharedWriter::new(EventWriter::open(&dir).unwrap());
    (dir, writer)
}

/// The log holds these events, each where it was acknowledged, and no others.
fn assert_holds(reader: &EventReader, expected: &BTreeMap<u64, (Event, Appended)>) {
    let (mut position, mut read) = (0, reader.read_full().unwrap());
    let mut last_of = BTreeMap::<u64, u64>::new();
    for (at, (event, appended)) in expected {
        let record = read.next().unwrap().unwrap();
        assert_eq!(
            (*at, record.position, &record.event),
            (position, position, event)
        );
        assert_eq!(
            (record.next_position, record.hash()),
            (appended.next_position, appended.hash)
        );
        position = record.next_position;
        let thread = thread_of(&record.event);
        if let Some(before) = last_of.insert(thread, event.ts) {
            assert!(event.ts == before + 1 || event.ts == 0, "thread {thread}");
        }
    }
    assert!(read.next().is_none());
}

fn thread_of(event: &Event) -> u64 {
    event.data.get("thread").and_then(Value::as_u64).unwrap()
}
