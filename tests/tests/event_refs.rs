//! Events looked at without parsing them tell what parsed ones tell.

#![cfg(not(target_arch = "wasm32"))]

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use eventfold::{Durability, Error, Event, EventRef, EventWriter, View};
use eventfold_tests::fuzz::event_refs;
use proptest::prelude::*;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

type Counts = BTreeMap<String, u64>;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn any_lines_read_in_any_way_agree_with_the_parser(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        event_refs::target(&bytes);
    }

    #[test]
    fn the_ends_of_a_line_of_the_log_agree_with_the_parser(
        event_type in any::<String>(), ts in any::<u64>(), data in any::<String>(),
        id in any::<Option<String>>(), actor in any::<Option<String>>(), meta in any::<Option<bool>>(),
    ) {
        let mut event = Event::at(ts, event_type, json!({ "id": data.clone(), "d": data }));
        (event.id, event.actor, event.meta) = (id, actor, meta.map(Into::into));
        event_refs::check([&*serde_json::to_vec(&event).unwrap()]);
    }
}

#[test]
fn every_line_of_the_fixtures_read_in_any_way_agrees_with_the_parser() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut lines = 0;
    for file in fs::read_dir(fixtures).unwrap() {
        let path = file.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "jsonl")
        {
            let text = fs::read(path).unwrap();
            event_refs::check(text.split(|byte| *byte == b'\n').inspect(|_| lines += 1));
        }
    }
    assert!(lines > 1000, "{lines} lines");
}

#[test]
fn a_lazy_view_is_the_same_view_across_rotations_and_reopenings() {
    let (dir, mut writer) = log();
    let mut lazy = by_type();
    for n in 0..300_u64 {
        let event = Event::at(n, format!("type {}", n % 7), json!({ "n": n }));
        writer.append(&event).unwrap();
        if n % 50 == 0 {
            writer.rotate().unwrap();
            drop(writer);
            writer = open(&dir);
        }
        if n % 11 == 0 {
            lazy.refresh(&writer.reader()).unwrap();
        }
    }
    let reader = writer.reader();
    let count = |mut counts: Counts, event: &Event| {
        *counts.entry(event.event_type.clone()).or_default() += 1;
        counts
    };
    let mut parsed = View::new("parsed", count).unwrap();
    assert_eq!(
        lazy.refresh(&reader).unwrap(),
        parsed.refresh(&reader).unwrap()
    );
    assert_eq!(by_type().refresh(&reader).unwrap(), parsed.state());
}

#[test]
fn events_that_are_lent_are_those_that_are_given() {
    let (_dir, mut writer) = log();
    for n in 0..1000_u64 {
        let mut event = Event::at(n, "t", json!({ "n": n, "text": "x".repeat(n as usize) }));
        event.id = (n % 3 == 0).then(|| n.to_string());
        event.actor = (n % 5 == 0).then(|| format!("\"{n}\""));
        event.meta = (n % 7 == 0).then_some(Value::Null);
        writer.append(&event).unwrap();
        if n == 400 {
            writer.rotate().unwrap();
        }
    }
    let (mut lent, given) = (
        writer.reader().read_full().unwrap(),
        writer.reader().read_full(),
    );
    for record in given.unwrap() {
        let record = record.unwrap();
        let event = lent.next_ref().unwrap().unwrap();
        assert_eq!(event.event_type(), record.event.event_type);
        assert_eq!(
            (event.ts(), event.id()),
            (record.event.ts, record.event.id.as_deref())
        );
        assert_eq!(event.actor(), record.event.actor.as_deref());
        assert_eq!(event.meta().unwrap(), record.event.meta);
        assert_eq!(event.event::<serde_json::Value>().unwrap(), record.event);
        assert_eq!((event.line(), event.hash()), (record.line(), record.hash()));
        assert_eq!(event.position(), record.position);
        assert_eq!(event.next_position(), record.next_position);
        // Data may borrow from the line.
        assert_eq!(
            event.data::<&RawValue>().unwrap().get(),
            record.event.data.to_string()
        );
    }
    assert!(lent.next_ref().is_none());
    writer.append(&Event::at(0, "later", 1)).unwrap();
    assert_eq!(lent.next_ref().unwrap().unwrap().event_type(), "later");
}

#[test]
fn damage_is_found_where_it_is_looked_at_and_reading_goes_on_behind_it() {
    let (dir, mut writer) = log();
    let first = writer.append(&Event::at(1, "a", 1)).unwrap();
    drop(writer);
    let lines = "{\"type\":\"b\",\"data\":?,\"ts\":2}\nno event\n";
    OpenOptions::new()
        .append(true)
        .open(dir.path().join("app.jsonl"))
        .unwrap()
        .write_all(lines.as_bytes())
        .unwrap();
    let mut writer = open(&dir);
    writer.append(&Event::at(3, "c", 3)).unwrap();

    let mut events = writer.reader().read_full().unwrap();
    assert_eq!(
        events.next_ref().unwrap().unwrap().data::<u64>().unwrap(),
        1
    );
    let damaged = events.next_ref().unwrap().unwrap();
    assert_eq!(
        (damaged.event_type(), damaged.ts(), damaged.id()),
        ("b", 2, None)
    );
    assert_corrupt_at(first.next_position, damaged.data::<u64>());
    assert_corrupt_at(first.next_position, damaged.meta());
    let next = damaged.next_position();
    assert_corrupt_at(next, events.next_ref().unwrap());
    assert_eq!(
        events.next_ref().unwrap().unwrap().data::<u64>().unwrap(),
        3
    );
    assert!(events.next_ref().is_none());
}

#[test]
fn a_refresh_fails_with_what_the_reducer_fails_with_and_changes_nothing() {
    let (_dir, mut writer) = log();
    let add = |sum: u64, event: &EventRef<'_>| match event.event_type() {
        "stop" => Err(io::Error::other("that is enough")),
        _ => Ok(sum + event.data::<u64>()?),
    };
    let mut view = View::lazy("sum", add).unwrap();
    writer.append(&Event::at(0, "add", 1)).unwrap();
    assert_eq!(*view.refresh(&writer.reader()).unwrap(), 1);
    let position = view.position();

    let text = writer.append(&Event::at(0, "add", "text")).unwrap();
    let error = view.refresh(&writer.reader()).unwrap_err();
    let Some(Error::Mismatch {
        position: found, ..
    }) = Error::of(&error)
    else {
        panic!("{error}");
    };
    assert_eq!(
        (*found, *view.state(), view.position()),
        (text.position, 1, position)
    );

    let (_dir, mut writer) = log();
    writer.append(&Event::at(0, "stop", 1)).unwrap();
    let error = View::lazy("sum", add)
        .unwrap()
        .refresh(&writer.reader())
        .map(drop);
    assert_eq!(error.unwrap_err().to_string(), "that is enough");
}

fn assert_corrupt_at<T: std::fmt::Debug>(position: u64, result: io::Result<T>) {
    let error = result.unwrap_err();
    let Some(Error::Corrupt {
        position: found, ..
    }) = Error::of(&error)
    else {
        panic!("{error}");
    };
    assert_eq!(*found, position);
}

fn by_type() -> View<Counts> {
    let count = |mut counts: Counts, event: &EventRef<'_>| {
        *counts.entry(event.event_type().to_owned()).or_default() += 1;
        Ok(counts)
    };
    View::lazy("by-type", count).unwrap()
}

fn log() -> (TempDir, EventWriter) {
    let dir = tempdir().unwrap();
    let writer = open(&dir);
    (dir, writer)
}

fn open(dir: &TempDir) -> EventWriter {
    let writer = EventWriter::open(dir).unwrap();
    writer.with_durability(Durability::Buffered)
}
