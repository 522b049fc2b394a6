//! Events that cannot be read back equal, and positions that are none: refused, and nothing
//! written.
#![cfg(not(target_arch = "wasm32"))]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io;

use eventfold::{Error, Event, EventLog, EventReader, EventWriter, LineHash};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use support::{numbered, numbers, quick_dir};

#[test]
fn a_number_that_is_not_finite() {
    #[derive(Serialize)]
    struct Reading {
        at: [f64; 2],
        error: Option<f32>,
    }
    let at = [0.5, -0.0];
    assert_refused(Reading {
        at: [0.0, f64::NAN],
        error: None,
    });
    assert_refused(Reading {
        at,
        error: Some(f32::NEG_INFINITY),
    });
    assert_refused(f64::INFINITY);
    assert_refused(BTreeMap::from([("x", vec![f64::NAN])]));
    assert_taken(Reading {
        at,
        error: Some(f32::MIN_POSITIVE),
    });
}

#[test]
fn json_text_that_breaks_the_line_or_means_nothing() {
    let raw = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
    for text in ["[1,\n2]", "{\n}", "1e999", "[-1e400]", r#""\ud800""#] {
        assert_refused(raw(text));
    }
    for text in ["[1, 2]", "-0.0", r#""\ud83d\ude00""#, "1e308"] {
        assert_taken(raw(text));
    }
}

#[test]
fn data_that_nests_too_deep() {
    let nested = |levels| (0..levels).fold(Value::Null, |inner, _| json!([inner]));
    assert_refused(nested(127));
    assert_refused(nested(1000));
    assert_taken(nested(126));
    let meta = Event::at(0, "meta", 1).with_meta(nested(127));
    let dir = quick_dir();
    let mut writer = EventWriter::open(dir.path()).unwrap();
    assert_unreadable(writer.append(&meta));
    assert_eq!(writer.log_len(), 0);
}

#[test]
fn data_that_is_no_json() {
    // A key has to be text.
    assert_refused(BTreeMap::from([(vec![1], 2)]));
}

#[test]
fn a_key_that_reads_back_as_something_else() {
    #[derive(Serialize)]
    enum Renamed {
        #[serde(rename = "$serde_json::private::RawValue")]
        Variant(&'static str),
        Field {
            #[serde(rename = "$serde_json::private::Number")]
            text: &'static str,
        },
    }
    assert_refused(Renamed::Variant("[1]"));
    assert_refused(Renamed::Field { text: "1" });
    for key in [
        "$serde_json::private::RawValue",
        "$serde_json::private::Number",
    ] {
        assert_refused(json!({ key: "[1]" }));
        assert_refused(json!({"a": [{"$": 1, key: "[1]"}]}));
        assert_taken(json!({"a": key, "$serde_json::private::": key}));
    }
}

#[test]
fn one_bad_event_of_a_batch_keeps_the_others_out_too() {
    let dir = quick_dir();
    let mut writer = EventWriter::open(dir.path()).unwrap();
    let first = writer.append(&Event::at(0, "numbered", 0.5)).unwrap();
    let events = [0.5, f64::NAN, 1.5].map(|number| Event::at(1, "numbered", number));
    assert_unreadable(writer.append_batch(&events));
    assert_eq!(writer.end_position(), first.next_position);
    assert_eq!(numbers(dir.path()), [0]);
    writer.append_batch(&[numbered(1), numbered(2)]).unwrap();
    assert_eq!(numbers(dir.path()), [0, 1, 2]);
}

#[test]
fn a_position_inside_a_line_or_beyond_the_end() {
    for rotated in [false, true] {
        let dir = quick_dir();
        let mut log = EventLog::open(dir.path()).unwrap();
        let first = log.append(&numbered(0)).unwrap();
        let second = log.append(&numbered(1)).unwrap();
        if rotated {
            log.rotate().unwrap();
        }
        let reader = EventReader::new(dir.path());
        for position in (1..second.next_position).filter(|at| *at != first.next_position) {
            let error = only_error(&reader, position);
            let found = Error::of(&error);
            let expected = |at: &u64| *at == position;
            let inside =
                matches!(found, Some(Error::NotABoundary { position, .. }) if expected(position));
            assert!(inside, "{position}: {error:?}");
            assert!(
                error.to_string().contains(&format!("position {position} ")),
                "{error}"
            );
        }
        let end = second.next_position;
        for position in [end + 1, end + 1000, u64::MAX] {
            let error = only_error(&reader, position);
            let beyond =
                matches!(Error::of(&error), Some(Error::Beyond { end: at, .. }) if *at == end);
            assert!(beyond, "{position}: {error:?}");
            assert_eq!(
                reader.has_new_events(position).unwrap_err().kind(),
                io::ErrorKind::InvalidInput
            );
        }
        assert_eq!(reader.read_from(end).unwrap().count(), 0);
        // A place that is none is a conflict for a conditional append.
        for (position, hash) in [
            (end + 1, second.hash),
            (end, LineHash::NONE),
            (0, LineHash::NONE),
        ] {
            let error = log.append_if(&numbered(9), position, hash).unwrap_err();
            assert!(
                matches!(Error::of(&error), Some(Error::Conflict { .. })),
                "{error:?}"
            );
        }
        log.append_if(&numbered(2), end, second.hash).unwrap();
        assert_eq!(numbers(dir.path()), [0, 1, 2]);
    }
}

#[test]
fn a_reader_of_a_directory_that_is_missing_or_none() {
    let dir = quick_dir();
    let missing = dir.path().join("missing");
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    for (path, kind) in [
        (&missing, io::ErrorKind::NotFound),
        (&file, io::ErrorKind::NotADirectory),
    ] {
        let error = EventReader::new(path).read_full().unwrap_err();
        assert_eq!(error.kind(), kind);
        let path = std::path::absolute(path).unwrap();
        assert!(
            error.to_string().contains(&*path.to_string_lossy()),
            "{error}"
        );
    }
    assert!(!missing.exists());
}

/// Between two good events: refused before a byte is written, and in nobody's way.
fn assert_refused<D: Serialize>(data: D) {
    let dir = quick_dir();
    let mut writer = EventWriter::open(dir.path()).unwrap();
    let first = writer.append(&numbered(0)).unwrap();
    let before = fs::read(dir.path().join("app.jsonl")).unwrap();
    let event = Event::at(1, "bad", data);
    assert_unreadable(writer.append(&event));
    assert_unreadable(writer.append_batch([&event]));
    assert_unreadable(writer.append_if(&event, first.next_position, first.hash));
    assert_eq!(fs::read(dir.path().join("app.jsonl")).unwrap(), before);
    writer.append(&numbered(1)).unwrap();
    drop(writer);
    assert!(EventWriter::open(dir.path()).unwrap().recovery().is_clean());
    assert_eq!(numbers(dir.path()), [0, 1]);
}

fn assert_unreadable<T>(appended: io::Result<T>) {
    let Err(error) = appended else {
        panic!("what cannot be read back was taken");
    };
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    assert!(
        matches!(Error::of(&error), Some(Error::Unreadable { .. })),
        "{error:?}"
    );
}

fn assert_taken<D: Serialize>(data: D) {
    let dir = quick_dir();
    let mut writer = EventWriter::open(dir.path()).unwrap();
    writer.append(&Event::at(1, "good", &data)).unwrap();
    let read = writer
        .reader()
        .read_full()
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    let text = serde_json::to_string(&data).unwrap();
    assert_eq!(
        read.event.data,
        serde_json::from_str::<Value>(&text).unwrap()
    );
}

/// The error of a read that has nothing else to tell.
fn only_error(reader: &EventReader, position: u64) -> io::Error {
    let mut records = reader.read_from(position).unwrap();
    let error = records.next().unwrap().unwrap_err();
    assert!(records.next().is_none(), "it goes on after {error}");
    error
}
