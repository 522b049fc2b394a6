//! Reducers that panic or meet what they did not ask for: the view stays as it was.
#![cfg(not(target_arch = "wasm32"))]

mod support;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use eventfold::{Error, Event, EventLog, EventReader, View};
use serde_json::json;
use support::{numbered, numbers, quick_dir};

#[test]
fn a_reducer_that_panics_changes_neither_state_nor_position_nor_snapshot() {
    let dir = quick_dir();
    let panics = Arc::new(AtomicBool::new(false));
    let mut log = open(dir.path(), &panics);
    for number in 1..=3 {
        log.append(&numbered(number)).unwrap();
    }
    log.refresh_all().unwrap();
    let before = snapshots(dir.path());
    log.append(&numbered(4)).unwrap();
    log.append(&numbered(5)).unwrap();

    panics.store(true, SeqCst);
    for refresh in [EventLog::refresh_all, EventLog::rebuild_all] {
        let panicked = catch_unwind(AssertUnwindSafe(|| refresh(&mut log)));
        assert!(panicked.is_err());
        assert_eq!(*log.view::<u64>("sum").unwrap(), 6);
        assert_eq!(snapshots(dir.path()), before);
    }
    // Nor is the writer any the worse.
    log.append(&numbered(6)).unwrap();
    log.rotate().unwrap();

    panics.store(false, SeqCst);
    log.refresh_all().unwrap();
    assert_eq!(*log.view::<u64>("sum").unwrap(), 21);
    assert_ne!(snapshots(dir.path()), before);
    log.rebuild_all().unwrap();
    assert_eq!(*log.view::<u64>("sum").unwrap(), 21);
    drop(log);
    assert_eq!(*open(dir.path(), &panics).view::<u64>("sum").unwrap(), 21);
    assert_eq!(numbers(dir.path()), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn a_view_by_itself_outlives_a_panic_of_its_reducer_too() {
    let dir = quick_dir();
    let panics = Arc::new(AtomicBool::new(false));
    let mut log = EventLog::open(dir.path()).unwrap();
    log.append(&numbered(1)).unwrap();
    let mut view = View::new("alone", reducer(&panics)).unwrap();
    let reader = EventReader::new(dir.path());
    assert_eq!(*view.refresh(&reader).unwrap(), 1);
    let position = view.position();
    log.append(&numbered(4)).unwrap();
    panics.store(true, SeqCst);
    assert!(catch_unwind(AssertUnwindSafe(|| view.refresh(&reader).map(|_| ()))).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| view.rebuild(&reader).map(|_| ()))).is_err());
    assert_eq!((*view.state(), view.position()), (1, position));
    panics.store(false, SeqCst);
    assert_eq!(*view.refresh(&reader).unwrap(), 5);
}

#[test]
fn an_event_that_is_not_of_the_type_asked_for_is_told_and_passed_when_asked() {
    let dir = quick_dir();
    let mut log = EventLog::builder(dir.path())
        .typed_view("total", |total: u64, event: &Event<u64>| total + event.data)
        .open()
        .unwrap();
    log.append(&Event::at(1, "a", 1)).unwrap();
    log.refresh_all().unwrap();
    let odd = log
        .append(&Event::at(2, "b", json!({ "not": "a number" })))
        .unwrap();
    log.append(&Event::at(3, "a", 3)).unwrap();
    let error = log.refresh_all().unwrap_err();
    let found = Error::of(&error);
    assert!(matches!(found, Some(Error::Mismatch { position, .. }) if *position == odd.position));
    assert_eq!(*log.view::<u64>("total").unwrap(), 1);

    let read: Vec<_> = log.read_full().unwrap().typed::<u64>().collect();
    assert_eq!(read.len(), 3);
    assert_eq!(read[0].as_ref().unwrap().event.data, 1);
    let found = Error::of(read[1].as_ref().unwrap_err());
    assert!(matches!(found, Some(Error::Mismatch { position, .. }) if *position == odd.position));
    assert_eq!(read[2].as_ref().unwrap().event.data, 3);
}

#[test]
fn one_view_that_fails_does_not_keep_the_others_back() {
    let dir = quick_dir();
    let mut log = EventLog::builder(dir.path())
        .typed_view("before", |n: u64, _: &Event<serde_json::Value>| n + 1)
        .typed_view("typed", |n: u64, event: &Event<u64>| n + event.data)
        .view("after", |n: u64, _: &Event| n + 1)
        .open()
        .unwrap();
    log.append(&Event::at(1, "a", "text")).unwrap();
    let error = log.refresh_all().unwrap_err();
    assert!(
        matches!(Error::of(&error), Some(Error::Mismatch { reason, .. }) if reason.starts_with("view \"typed\": ")),
        "{error:?}"
    );
    let state = |name| *log.view::<u64>(name).unwrap();
    assert_eq!((state("before"), state("typed"), state("after")), (1, 0, 1));
}

fn open(dir: &Path, panics: &Arc<AtomicBool>) -> EventLog {
    EventLog::builder(dir)
        .view("sum", reducer(panics))
        .open()
        .unwrap()
}

/// Adds the numbers up; while told so, it panics at 5, or else at 4.
fn reducer(panics: &Arc<AtomicBool>) -> impl Fn(u64, &Event) -> u64 + Send + Sync + 'static {
    let panics = Arc::clone(panics);
    move |sum, event| {
        let at_fault = event.ts >= 4 && panics.load(SeqCst);
        assert!(!at_fault, "a panic that this test asked for");
        sum + event.ts
    }
}

/// The snapshot's bytes, and the names of all files beside it.
fn snapshots(dir: &Path) -> (Vec<u8>, Vec<std::ffi::OsString>) {
    let bytes = fs::read(dir.join("views/sum.snapshot.json")).unwrap();
    let files = dir.join("views").read_dir().unwrap();
    (bytes, files.map(|file| file.unwrap().file_name()).collect())
}
