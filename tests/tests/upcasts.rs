//! Events of old shapes, read in the shapes of today: by every way of reading, with the places,
//! hashes and lines of what is stored.
#![cfg(not(target_arch = "wasm32"))]

mod support;

use std::fs;
use std::io;

use eventfold::{
    Error, Event, EventLog, EventReader, EventRef, EventWriter, LineHash, NoSnapshot, Upcasts, View,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use support::quick_dir;
use tempfile::TempDir;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Added {
    title: String,
    tags: Vec<String>,
}

/// `added` is a title, `added.2` an object with it, `added.3` has tags. `paid` was in whole units
/// once and has its type still.
fn upcasts() -> Upcasts {
    let paid = |amount: Value| match amount.as_u64() {
        Some(units) => json!({ "cents": units * 100 }),
        None => amount,
    };
    Upcasts::new()
        .lift(
            "added",
            "added.2",
            |title: String| json!({ "title": title }),
        )
        .lift("added.2", "added.3", |old: Value| Added {
            title: old["title"].as_str().unwrap_or_default().to_owned(),
            tags: Vec::new(),
        })
        .lift("paid", "paid", paid)
}

fn stored() -> Vec<Event> {
    let added = json!({ "title": "c", "tags": ["x"] });
    vec![
        Event::at(1, "added", json!("a \u{e9}\n"))
            .with_id("1")
            .with_actor("ada")
            .with_meta(json!({ "trace": null })),
        Event::at(2, "added.2", json!({ "title": "b", "old": 1 })),
        Event::at(3, "added.3", added),
        Event::at(4, "paid", json!(3)),
        Event::at(5, "paid", json!({ "cents": 5 })).with_meta(json!(null)),
        Event::at(6, "other", json!(1.5)),
    ]
}

fn expected() -> Vec<Event> {
    let data = [
        json!({ "title": "a \u{e9}\n", "tags": [] }),
        json!({ "title": "b", "tags": [] }),
        json!({ "title": "c", "tags": ["x"] }),
        json!({ "cents": 300 }),
        json!({ "cents": 5 }),
        json!(1.5),
    ];
    let lifted = stored().into_iter().zip(data).map(|(mut event, data)| {
        if event.event_type.starts_with("added") {
            event.event_type = "added.3".into();
        }
        Event { data, ..event }
    });
    lifted.collect()
}

/// The stored events, half of them in the archive.
fn log() -> TempDir {
    let dir = quick_dir();
    let mut writer = EventWriter::open(dir.path()).unwrap();
    let events = stored();
    writer.append_batch(&events[..2]).unwrap();
    writer.rotate().unwrap();
    writer.append_batch(&events[2..]).unwrap();
    dir
}

#[test]
fn every_way_of_reading_tells_lifted_events_in_the_places_of_the_stored_ones() {
    let dir = log();
    let plain = EventReader::new(dir.path());
    let reader = plain.clone().with_upcasts(upcasts());
    let all: Vec<_> = reader.read_full().unwrap().map(Result::unwrap).collect();
    let events: Vec<_> = all.iter().map(|record| record.event.clone()).collect();
    assert_eq!(events, expected());
    let mut refs = reader.read_full().unwrap();
    for (lifted, stored) in all.iter().zip(plain.read_full().unwrap()) {
        let stored = stored.unwrap();
        assert_eq!(lifted.position, stored.position);
        assert_eq!(lifted.next_position, stored.next_position);
        assert_eq!(lifted.hash(), stored.hash());
        assert_eq!(lifted.line(), stored.line());

        let event = refs.next_ref().unwrap().unwrap();
        assert_eq!(event.event_type(), lifted.event.event_type);
        assert_eq!(
            (event.ts(), event.id()),
            (lifted.event.ts, lifted.event.id.as_deref())
        );
        assert_eq!(event.actor(), lifted.event.actor.as_deref());
        assert_eq!(event.meta().unwrap(), lifted.event.meta);
        assert_eq!(event.data::<Value>().unwrap(), lifted.event.data);
        assert_eq!(event.event::<Value>().unwrap(), lifted.event);
        assert_eq!(event.position(), stored.position);
        assert_eq!(event.next_position(), stored.next_position);
        assert_eq!((event.hash(), event.line()), (stored.hash(), stored.line()));
        // From the middle as from the start.
        let mut from = reader.read_from(stored.position).unwrap();
        assert_eq!(from.next().unwrap().unwrap(), *lifted);
    }
    assert!(refs.next_ref().is_none());
    let mut typed = reader.read_full().unwrap().typed::<Added>();
    assert_eq!(
        typed.next().unwrap().unwrap().event.data.title,
        "a \u{e9}\n"
    );

    // What a lifted event tells is what a condition takes.
    let last = all.last().unwrap();
    let mut writer = EventWriter::open(dir.path()).unwrap();
    let next = Event::at(7, "added", "d");
    writer
        .append_if(&next, last.next_position, last.hash())
        .unwrap();
    let lifted = reader
        .read_from(last.next_position)
        .unwrap()
        .next()
        .unwrap();
    assert_eq!(lifted.unwrap().event.event_type, "added.3");
}

#[test]
fn views_of_every_kind_fold_lifted_events_step_by_step_as_at_once() {
    let dir = log();
    let open = || {
        let builder = EventLog::builder(dir.path()).upcasts(upcasts());
        let builder = builder.view("all", |mut all: Vec<Value>, event: &Event| {
            all.push(json!([event.event_type, event.data]));
            all
        });
        let builder = builder.typed_view("cents", |sum: u64, event: &Event<Value>| {
            sum + event.data["cents"].as_u64().unwrap_or_default()
        });
        let titles = |mut titles: Vec<String>, event: &EventRef<'_>| {
            if event.event_type() == "added.3" {
                titles.push(event.data::<Added>()?.title);
            }
            Ok(titles)
        };
        builder.lazy_view("titles", titles).open().unwrap()
    };
    let check = |log: &EventLog, added: usize| {
        let all = log.view::<Vec<Value>>("all").unwrap();
        let new = vec![json!(["added.3", { "title": "n", "tags": [] }]); added];
        let expected = expected();
        let expected = expected
            .iter()
            .map(|event| json!([event.event_type, event.data]));
        assert_eq!(*all, expected.chain(new).collect::<Vec<_>>());
        assert_eq!(*log.view::<u64>("cents").unwrap(), 305);
        let titles = log.view::<Vec<String>>("titles").unwrap();
        assert_eq!(titles.len(), 3 + added);
    };
    for added in 0..4 {
        let mut log = open();
        if added > 0 {
            log.append(&Event::at(8, "added", "n")).unwrap();
        }
        log.refresh_all().unwrap();
        check(&log, added);
        if added % 2 == 1 {
            log.rotate().unwrap();
        }
        assert_eq!(log.reader().read_full().unwrap().count(), 6 + added);
        log.rebuild_all().unwrap();
        check(&log, added);
        assert_eq!(log.rebuilt("all").unwrap().is_some(), added == 0);
    }
}

#[test]
fn what_cannot_be_lifted_is_told_with_its_place_and_passed() {
    let dir = quick_dir();
    let mut writer = EventWriter::open(dir.path()).unwrap();
    let events = [json!("a"), json!(7), json!("c")].map(|data| Event::at(0, "added", data));
    let appended = writer.append_batch(&events).unwrap();
    let upcasts = Upcasts::new().lift("added", "added.2", |title: String| title);
    let reader = writer.reader().with_upcasts(upcasts);
    let mut records = reader.read_full().unwrap();
    assert_eq!(records.next().unwrap().unwrap().event.event_type, "added.2");
    let error = records.next().unwrap().unwrap_err();
    assert!(
        error.to_string().contains(r#"from "added" to "added.2""#),
        "{error}"
    );
    match Error::of(&error) {
        Some(Error::Mismatch { position, .. }) => assert_eq!(*position, appended[1].position),
        _ => panic!("{error}"),
    }
    assert_eq!(records.next().unwrap().unwrap().event.data, json!("c"));
    assert!(records.next().is_none());

    // A view does not move, and says the same.
    let mut count = View::new("count", |count: u64, _: &Event| count + 1).unwrap();
    let error = count.refresh(&reader).map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    assert_eq!((*count.state(), count.position()), (0, 0));
    assert_eq!(*count.refresh(&writer.reader()).unwrap(), 3);
    assert_eq!(count.rebuilt(), Some(NoSnapshot::Missing));
}

#[test]
fn data_that_no_reader_could_take_back_comes_out_of_no_lift() {
    let dir = quick_dir();
    let mut writer = EventWriter::open(dir.path()).unwrap();
    writer.append(&Event::at(0, "a", 1)).unwrap();
    let deep = |levels: usize| move |_: u64| (0..levels).fold(json!(0), |inner, _| json!([inner]));
    let not_finite = |_: u64| f64::NAN;
    let first = |upcasts| {
        let reader = writer.reader().with_upcasts(upcasts);
        reader.read_full().unwrap().next().unwrap()
    };
    let error = first(Upcasts::new().lift("a", "b", not_finite)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    first(Upcasts::new().lift("a", "b", deep(126))).unwrap();
    let error = first(Upcasts::new().lift("a", "b", deep(127))).unwrap_err();
    assert!(
        matches!(Error::of(&error), Some(Error::Mismatch { .. })),
        "{error}"
    );
}

#[test]
fn a_damaged_line_is_corrupt_whether_it_is_lifted_or_not() {
    let dir = quick_dir();
    drop(EventWriter::open(dir.path()).unwrap());
    let lines = [
        r#"{"type":"added","data":"#,
        r#"{"type":"added","data":"\ud800","ts":1}"#,
        r#"{"type":"added","data":[1,,2],"ts":1}"#,
        r#"{"type":"added","data":"fine","ts":1}"#,
    ];
    fs::write(dir.path().join("app.jsonl"), lines.join("\n") + "\n").unwrap();
    let reader = EventReader::new(dir.path()).with_upcasts(upcasts());
    let mut records = reader.read_full().unwrap();
    let mut refs = reader.read_full().unwrap();
    for _ in 0..3 {
        for error in [
            records.next().unwrap().unwrap_err(),
            refs.next_ref().unwrap().unwrap_err(),
        ] {
            assert!(
                matches!(Error::of(&error), Some(Error::Corrupt { .. })),
                "{error}"
            );
        }
    }
    assert_eq!(records.next().unwrap().unwrap().event.event_type, "added.3");
    assert_eq!(refs.next_ref().unwrap().unwrap().event_type(), "added.3");
}

#[test]
fn lifts_in_a_circle_end() {
    let dir = quick_dir();
    let mut writer = EventWriter::open(dir.path()).unwrap();
    writer.append(&Event::at(0, "a", 0)).unwrap();
    let more = |n: u64| n + 1;
    let circle = Upcasts::new()
        .lift("a", "b", more)
        .lift("b", "c", more)
        .lift("c", "a", more);
    let record = writer
        .reader()
        .with_upcasts(circle)
        .read_full()
        .unwrap()
        .next();
    let record = record.unwrap().unwrap();
    assert_eq!(record.event, Event::at(0, "a", json!(3)));
    assert_eq!(
        record.hash(),
        LineHash::of(br#"{"type":"a","data":0,"ts":0}"#)
    );
}
