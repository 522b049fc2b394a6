//! Whatever is accepted reads back equal, to the last bit, before a rotation and after.

#![cfg(not(target_arch = "wasm32"))]

#[path = "exact_values/values.rs"]
mod values;

use std::collections::BTreeMap;
use std::fmt::Debug;

use eventfold::{Appended, Durability, Error, Event, EventWriter, LineHash, MAX_LINE, Record};
use proptest::collection::vec;
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Number, Value, json};
use tempfile::{TempDir, tempdir};

use crate::values::{Everything, event, everything, json_value};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_event_that_is_accepted_reads_back_equal(events in vec(event(), 1..12), rotations in vec(0..12_usize, 0..3)) {
        let (_dir, mut writer) = log();
        let mut appended = Vec::new();
        for (n, event) in events.iter().enumerate() {
            appended.push(writer.append(event).unwrap());
            if rotations.contains(&n) {
                writer.rotate().unwrap();
            }
        }
        assert_reads_back(&writer, &events, &appended);
        writer.rotate().unwrap();
        assert_reads_back(&writer, &events, &appended);
    }

    #[test]
    fn a_batch_is_the_same_as_its_events_one_by_one(events in vec(event(), 0..12)) {
        let (_one, mut one_by_one) = log();
        let (_batch, mut batch) = log();
        let expected: Vec<_> = events.iter().map(|event| one_by_one.append(event).unwrap()).collect();
        prop_assert_eq!(&batch.append_batch(&events).unwrap(), &expected);
        assert_reads_back(&batch, &events, &expected);
        prop_assert_eq!(batch.end_position(), one_by_one.end_position());
        prop_assert_eq!(batch.last_hash().unwrap(), one_by_one.last_hash().unwrap());
    }

    #[test]
    fn a_typed_event_comes_back_as_the_value_that_went_in(data in vec(everything(), 1..4)) {
        let (_dir, mut writer) = log();
        let events: Vec<_> = data.into_iter().map(|data| Event::at(0, "typed", data)).collect();
        let appended = writer.append_batch(&events).unwrap();
        assert_reads_back(&writer, &events, &appended);
        writer.rotate().unwrap();
        assert_reads_back(&writer, &events, &appended);
    }

    #[test]
    fn a_single_comes_back_with_every_bit(bits in vec(any::<u32>(), 100)) {
        let (_dir, mut writer) = log();
        let singles: Vec<f32> = bits.into_iter().map(f32::from_bits).filter(|single| single.is_finite()).collect();
        writer.append(&Event::at(0, "singles", &singles)).unwrap();
        let found: Event<Vec<f32>> = only(&writer);
        prop_assert!(found.data.iter().map(|single| single.to_bits()).eq(singles.iter().map(|single| single.to_bits())));
    }

    #[test]
    fn json_text_that_is_accepted_comes_back_as_that_text(value in json_value(), spaces in "[ \t\r]{0,3}") {
        // Spaces between tokens, as another writer of JSON might leave them.
        let text = format!("[{spaces}{value}{spaces},{spaces}1{spaces}]");
        let (_dir, mut writer) = log();
        let data = RawValue::from_string(text.clone()).unwrap();
        writer.append(&Event::at(0, "raw", data)).unwrap();
        for _ in 0..2 {
            let found: Event<Box<RawValue>> = only(&writer);
            prop_assert_eq!(found.data.get(), &text);
            let found: Event = only(&writer);
            prop_assert!(same(&found.data, &json!([value, 1])));
            writer.rotate().unwrap();
        }
    }

    #[test]
    fn a_chain_of_conditional_appends_holds_and_any_other_expectation_conflicts(
        steps in vec((event(), 0..6_u8, any::<u64>()), 1..16),
    ) {
        let (dir, mut writer) = log();
        let (mut position, mut hash) = (0_u64, LineHash::NONE);
        for (event, step, other) in steps {
            match step {
                0 => drop(writer.rotate().unwrap()),
                1 => {
                    drop(writer);
                    writer = open(&dir);
                }
                _ => {}
            }
            let wrong = [(position.wrapping_add(other | 1), hash), (position, LineHash(hash.0 ^ (other | 1)))];
            for (wrong_position, wrong_hash) in wrong {
                let error = writer.append_if(&event, wrong_position, wrong_hash).unwrap_err();
                let Some(Error::Conflict { expected, expected_hash, found, found_hash, .. }) = Error::of(&error) else {
                    panic!("{error}");
                };
                prop_assert_eq!((*expected, *expected_hash), (wrong_position, wrong_hash));
                prop_assert_eq!((*found, *found_hash), (position, hash));
            }
            let appended = writer.append_if(&event, position, hash).unwrap();
            prop_assert_eq!(appended.position, position);
            (position, hash) = (appended.next_position, appended.hash);
            prop_assert_eq!((writer.end_position(), writer.last_hash().unwrap()), (position, hash));
        }
    }
}

#[test]
fn every_character_comes_back_in_a_key_and_in_a_text() {
    let (_dir, mut writer) = log();
    let all: Vec<char> = ('\0'..=char::MAX).collect();
    for chars in all.chunks(1 << 16) {
        let text: String = chars.iter().collect();
        let event = Event::at(0, text.clone(), json!({ text.clone(): text }));
        let appended = writer
            .append(&event.with_id(text.clone()).with_actor(text))
            .unwrap();
        assert!(appended.next_position > appended.position);
    }
    for _ in 0..2 {
        let mut read = writer.reader().read_full().unwrap();
        for chars in all.chunks(1 << 16) {
            let text: String = chars.iter().collect();
            let event = read.next().unwrap().unwrap().event;
            assert_eq!(event.data[&text], json!(text));
            assert_eq!(
                (event.id, event.actor),
                (Some(text.clone()), Some(text.clone()))
            );
            assert_eq!(event.event_type, text);
        }
        writer.rotate().unwrap();
    }
}

#[test]
fn values_at_the_edge_of_their_type_come_back() {
    let edges = json!([
        u64::MAX, i64::MIN, i64::MAX, 0, -1, 0.0, -0.0, f64::MIN, f64::MAX, f64::MIN_POSITIVE,
        f64::EPSILON, 5e-324, -5e-324, 1e15, 1e16, 1e17, 9_007_199_254_740_993_u64, 1e300,
        18_446_744_073_709_551_616.0, "", {}, [], { "": { "": [] } }, null, true, false,
    ]);
    let (_dir, mut writer) = log();
    let events = [
        Event::at(u64::MAX, "", edges.clone())
            .with_meta(edges)
            .with_id("")
            .with_actor(""),
        Event::at(0, "\"type\":\"x\"", json!(null)).with_meta(json!(null)),
    ];
    let appended = writer.append_batch(&events).unwrap();
    assert_reads_back(&writer, &events, &appended);
    writer.rotate().unwrap();
    assert_reads_back(&writer, &events, &appended);

    let wide = (
        u128::MAX,
        i128::MIN,
        i128::MAX,
        u64::MAX,
        i64::MIN,
        '\0',
        char::MAX,
    );
    writer.append(&Event::at(0, "wide", wide)).unwrap();
    let mut read = writer
        .reader()
        .read_full()
        .unwrap()
        .typed::<(u128, i128, i128, u64, i64, char, char)>();
    assert_eq!(read.nth(2).unwrap().unwrap().event.data, wide);
}

#[test]
fn a_number_that_is_not_finite_is_refused_wherever_it_stands() {
    let (_dir, mut writer) = log();
    let hidden = |number| Everything {
        ratios: vec![0.5, number],
        ..Everything::default()
    };
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let in_key = BTreeMap::from([(1, vec![Some(hidden(number))])]);
        let refused = writer.append(&Event::at(0, "x", in_key)).unwrap_err();
        assert!(matches!(
            Error::of(&refused),
            Some(Error::Unreadable { .. })
        ));
    }
    assert_eq!(writer.end_position(), 0);
}

#[test]
fn the_deepest_event_comes_back_also_as_a_type_and_as_json_text() {
    let deep = |levels: usize| {
        (0..levels).fold(json!(1), |inner, n| match n % 2 {
            0 => json!([inner]),
            _ => json!({ "x": inner }),
        })
    };
    let (_dir, mut writer) = log();
    let events = [
        Event::at(0, "deep", deep(126)),
        Event::at(0, "meta", json!(0)).with_meta(deep(126)),
    ];
    let appended = writer.append_batch(&events).unwrap();
    writer.rotate().unwrap();
    assert_reads_back(&writer, &events, &appended);
    let text = RawValue::from_string(deep(126).to_string()).unwrap();
    writer.append(&Event::at(0, "raw", text)).unwrap();
    let text = RawValue::from_string(deep(127).to_string()).unwrap();
    assert!(writer.append(&Event::at(0, "raw", text)).is_err());
    assert!(writer.append(&Event::at(0, "deep", deep(127))).is_err());
    assert_eq!(
        writer
            .reader()
            .read_full()
            .unwrap()
            .map(Result::unwrap)
            .count(),
        3
    );
}

#[test]
fn the_longest_event_comes_back_with_short_ones_around_it_and_a_longer_one_is_refused() {
    let (dir, writer) = log();
    let mut writer = writer.with_durability(Durability::Buffered);
    let frame = serde_json::to_string(&Event::at(0, "long", ""))
        .unwrap()
        .len();
    let long = |len: usize| Event::at(0, "long", "x".repeat(len - frame));
    let short = Event::at(0, "short", "y".to_owned());
    let refused = writer.append(&long(MAX_LINE + 1)).unwrap_err();
    assert!(
        matches!(Error::of(&refused), Some(Error::TooLarge { len, .. }) if *len == MAX_LINE + 1)
    );

    let longest = long(MAX_LINE);
    let written = [&short, &longest, &short, &short];
    for event in written {
        writer.append(event).unwrap();
    }
    for round in 0..3 {
        let read = writer.reader().read_full().unwrap().typed::<String>();
        let read: Vec<Event<String>> = read.map(|record| record.unwrap().event).collect();
        assert!(
            read.iter().eq(written),
            "round {round}: {} events",
            read.len()
        );
        match round {
            0 => drop(writer.rotate().unwrap()),
            _ => {
                drop(writer);
                writer = open(&dir);
            }
        }
    }
}

fn log() -> (TempDir, EventWriter) {
    let dir = tempdir().unwrap();
    let writer = open(&dir);
    (dir, writer)
}

fn open(dir: &TempDir) -> EventWriter {
    EventWriter::open(dir)
        .unwrap()
        .with_durability(Durability::Buffered)
}

fn only<D: DeserializeOwned>(writer: &EventWriter) -> Event<D> {
    let mut read = writer.reader().read_full().unwrap().typed::<D>();
    let event = read.next().unwrap().unwrap().event;
    assert!(read.next().is_none());
    event
}

/// Reads everything, in one go and from each position, and compares it with what went in and with
/// what the appends told.
fn assert_reads_back<D>(writer: &EventWriter, events: &[Event<D>], appended: &[Appended])
where
    D: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let reader = writer.reader();
    let records = reader.read_full().unwrap().typed::<D>();
    let records: Vec<Record<D>> = records.map(Result::unwrap).collect();
    assert_eq!(
        (records.len(), appended.len()),
        (events.len(), events.len())
    );
    let mut position = 0;
    for ((record, event), appended) in records.iter().zip(events).zip(appended) {
        assert_eq!(record.event, *event);
        // Equality alone takes 0.0 for -0.0.
        let bytes = serde_json::to_vec(event).unwrap();
        assert_eq!(serde_json::to_vec(&record.event).unwrap(), bytes);
        assert_eq!(record.line(), bytes);
        assert_eq!((record.position, appended.position), (position, position));
        position = record.next_position;
        assert_eq!(appended.next_position, position);
        assert_eq!(
            (record.hash(), appended.hash),
            (LineHash::of(&bytes), LineHash::of(&bytes))
        );
        let mut from = reader.read_from(record.position).unwrap().typed::<D>();
        assert_eq!(from.next().unwrap().unwrap(), *record);
    }
    assert_eq!(writer.end_position(), position);
}

/// Equal, and each number of the same kind and bits.
fn same(a: &Value, b: &Value) -> bool {
    let exact = |number: &Number| {
        (
            number.is_f64(),
            number.as_f64().map(f64::to_bits),
            number.to_string(),
        )
    };
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => exact(a) == exact(b),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (a, b) => a == b,
    }
}
