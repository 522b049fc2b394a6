//! A view's state at any point of history: what it was when history ended there.
#![cfg(not(target_arch = "wasm32"))]

mod support;

use std::fs;
use std::io::Write;

use eventfold::{Error, Event, EventLog, EventRef, EventWriter, NoSnapshot, Upcasts, View};
use serde_json::{Value, json};
use support::quick_dir;

fn hashed(state: u64, event: &Event<u64>) -> u64 {
    state.wrapping_mul(31).wrapping_add(event.data + 1)
}

#[test]
fn the_state_at_each_event_is_what_it_was_then_wherever_the_view_stands() {
    let dir = quick_dir();
    let open = || {
        EventLog::builder(dir.path())
            .typed_view("hashed", hashed)
            .open()
            .unwrap()
    };
    let (mut log, mut states) = (open(), vec![(0, 0)]);
    for number in 0..60_u64 {
        let event = Event::at(number, "t", number * number);
        let next = log.append(&event).unwrap().next_position;
        states.push((next, hashed(states.last().unwrap().1, &event)));
        if number % 13 == 12 {
            log.rotate().unwrap();
        }
        if number % 7 == 6 {
            log.refresh_all().unwrap();
        }
        if number % 17 == 16 {
            drop(log);
            log = open();
        }
        if number % 5 == 0 {
            let before = *log.view::<u64>("hashed").unwrap();
            for (position, state) in &states {
                assert_eq!(log.state_at::<u64>("hashed", *position).unwrap(), *state);
            }
            assert_eq!(*log.view::<u64>("hashed").unwrap(), before);
        }
    }
    // A view by itself that has looked at nothing yet, and still has not afterwards.
    let view = View::typed("hashed", hashed).unwrap();
    for (position, state) in states {
        assert_eq!(view.state_at(&log.reader(), position).unwrap(), state);
    }
    assert_eq!((view.position(), view.rebuilt()), (0, None));
}

#[test]
fn a_place_that_is_none_is_refused_and_damage_behind_it_does_not_matter() {
    let dir = quick_dir();
    let mut writer = EventWriter::open(dir.path()).unwrap();
    let events = [1, 2, 3].map(|n| Event::at(0, "t", n));
    let appended = writer.append_batch(&events).unwrap();
    let (end, reader) = (writer.end_position(), writer.reader());
    let mut view = View::typed("sum", |sum: u64, event: &Event<u64>| sum + event.data).unwrap();
    for refreshed in [false, true] {
        if refreshed {
            view.refresh(&reader).unwrap();
        }
        for position in [1, appended[1].position + 1, end - 1] {
            let error = view.state_at(&reader, position).unwrap_err();
            let refused = matches!(Error::of(&error), Some(Error::NotABoundary { position: p, .. }) if *p == position);
            assert!(refused, "{error}");
        }
        for position in [end + 1, u64::MAX] {
            let error = view.state_at(&reader, position).unwrap_err();
            let refused = matches!(Error::of(&error), Some(Error::Beyond { position: p, end: e, .. }) if (*p, *e) == (position, end));
            assert!(refused, "{error}");
        }
    }
    drop(writer);
    let log = dir.path().join("app.jsonl");
    let mut log = fs::OpenOptions::new().append(true).open(log).unwrap();
    log.write_all(b"no event\n\n\r\n{\"type\":\"t\",\"data\":4,\"ts\":0}\n")
        .unwrap();
    let view = View::typed("sum", |sum: u64, event: &Event<u64>| sum + event.data).unwrap();
    assert_eq!(view.state_at(&reader, end).unwrap(), 6);
    let error = view.state_at(&reader, end + 12).unwrap_err();
    assert!(
        matches!(Error::of(&error), Some(Error::Corrupt { .. })),
        "{error}"
    );
}

#[test]
fn lines_without_an_event_are_no_part_of_history_and_stop_nobody() {
    let dir = quick_dir();
    let line = |n| format!("{{\"type\":\"t\",\"data\":{n},\"ts\":0}}\n");
    let text = format!("\n{}\r\n\n{}\n", line(1), line(2));
    fs::write(dir.path().join("app.jsonl"), &text).unwrap();
    let reader = eventfold::EventReader::new(dir.path());
    let view = View::typed("sum", |sum: u64, event: &Event<u64>| sum + event.data).unwrap();
    for record in reader.read_full().unwrap() {
        let record = record.unwrap();
        let (at, after) = (record.position, record.next_position);
        let before = record.event.data.as_u64().unwrap() - 1;
        assert_eq!(view.state_at(&reader, at).unwrap(), before);
        assert_eq!(view.state_at(&reader, after).unwrap(), 2 * before + 1);
    }
    assert_eq!(view.state_at(&reader, text.len() as u64).unwrap(), 3);
}

#[test]
fn lifted_events_and_lazy_reducers_come_to_the_same_state() {
    let dir = quick_dir();
    let upcasts = Upcasts::new().lift("old", "new", |n: u64| json!({ "n": n }));
    let sum = |sum: u64, event: &EventRef<'_>| match event.event_type() {
        "new" => Ok(sum + event.data::<Value>()?["n"].as_u64().unwrap_or_default()),
        _ => Err(std::io::Error::other("not lifted")),
    };
    let builder = EventLog::builder(dir.path()).upcasts(upcasts);
    let mut log = builder.lazy_view("sum", sum).open().unwrap();
    let events = [3, 4, 5].map(|n| Event::at(0, "old", n));
    let appended = log.append_batch(&events).unwrap();
    log.refresh_all().unwrap();
    assert_eq!(log.state_at::<u64>("sum", appended[2].position).unwrap(), 7);
    assert_eq!(log.state_at::<u64>("sum", log.end_position()).unwrap(), 12);
    assert!(log.state_at::<String>("sum", 0).is_err());
    assert!(log.state_at::<u64>("some", 0).is_err());
    assert_eq!(log.rebuilt("sum").unwrap(), Some(NoSnapshot::Missing));
}
