//! Values that come back as something else.

use std::fs;
use std::path::Path;

use eventfold::{Durability, Event, EventReader, EventWriter};
use eventfold_0_2 as old;
use serde_json::{Value, json};
use tempfile::tempdir;

// 0.2.0 itself reads numbers exactly in this build, since cargo gives both versions one serde_json
// with the feature that it lacks; alone it changes 29.6% of random bit patterns.
#[test]
fn a_hundred_thousand_random_doubles_read_back_with_every_bit() {
    const EVENTS: usize = 100;
    const EACH: usize = 1_000;
    let mut random = 0x0123_4567_89ab_cdef_u64;
    let mut doubles = std::iter::repeat_with(|| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        f64::from_bits(random)
    })
    .filter(|double| double.is_finite());

    let dir = tempdir().unwrap();
    let mut writer = EventWriter::open(dir.path()).unwrap();
    let written: Vec<Vec<f64>> = (0..EVENTS)
        .map(|_| doubles.by_ref().take(EACH).collect())
        .collect();
    for (n, doubles) in written.iter().enumerate() {
        // As a typed event and as JSON of any kind, in the log and in the archive.
        if n % 2 == 0 {
            writer
                .append_with(&Event::at(0, "typed", doubles), Durability::Buffered)
                .unwrap();
        } else {
            let event = Event::at(0, "any", json!(doubles));
            writer.append_with(&event, Durability::Buffered).unwrap();
        }
        if n == EVENTS / 2 {
            writer.rotate().unwrap();
        }
    }
    let reader = EventReader::new(dir.path());
    let typed = reader.read_full().unwrap().typed::<Vec<f64>>();
    let any = reader
        .read_full()
        .unwrap()
        .map(|record| record.unwrap().event.data);
    for ((doubles, typed), any) in written.iter().zip(typed).zip(any) {
        let typed = typed.unwrap().event.data;
        let any: Vec<f64> = any
            .as_array()
            .unwrap()
            .iter()
            .map(|number| number.as_f64().unwrap())
            .collect();
        assert!(bits(&typed).eq(bits(doubles)));
        assert!(bits(&any).eq(bits(doubles)));
    }
}

#[test]
fn numbers_that_are_hard_to_read_come_back_as_the_double_that_they_name() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/number-extremes.jsonl");
    let lines = fs::read_to_string(path).unwrap();
    let events: Vec<Event> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let dir = tempdir().unwrap();
    let mut writer = EventWriter::open(dir.path()).unwrap();
    writer.append_batch(&events).unwrap();
    for _ in 0..2 {
        let found = EventReader::new(dir.path()).read_full().unwrap();
        let (mut numbers, mut overflows) = (0, 0);
        for (event, record) in events.iter().zip(found) {
            let found = record.unwrap().event;
            assert_eq!(found, *event);
            let expected = u64::from_str_radix(found.data["f64"].as_str().unwrap(), 16).unwrap();
            match &found.data["n"] {
                Value::Number(number) => {
                    let double = number.as_f64().unwrap();
                    // An integer has no sign of its own at zero.
                    let text = found.data["text"].as_str().unwrap();
                    assert_eq!(double.to_bits(), expected, "{text}");
                    numbers += 1;
                }
                other => {
                    assert_eq!(
                        (other, &*found.event_type),
                        (&Value::Null, "number.overflow")
                    );
                    let text = found.data["text"].as_str().unwrap();
                    let infinite = format!(r#"{{"type":"a","data":{text},"ts":0}}"#);
                    assert!(serde_json::from_str::<Event>(&infinite).is_err(), "{text}");
                    overflows += 1;
                }
            }
        }
        assert_eq!(numbers + overflows, events.len());
        assert!(numbers > 500 && overflows > 0);
        writer.rotate().unwrap();
    }
}

#[test]
fn a_meta_of_null_stays_and_no_meta_stays_absent() {
    let dir = tempdir().unwrap();
    let mut theirs = old::EventWriter::open(dir.path()).unwrap();
    theirs
        .append(&old::Event::new("a", json!(null)).with_meta(json!(null)))
        .unwrap();
    let (found, _) = theirs
        .reader()
        .read_full()
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    assert_eq!(found.meta, None, "0.2.0 loses it");
    drop(theirs);

    let dir = tempdir().unwrap();
    let mut writer = EventWriter::open(dir.path()).unwrap();
    let with = Event::at(0, "a", json!(null)).with_meta(json!(null));
    let without = Event::at(0, "a", json!(null));
    assert_ne!(with, without);
    writer
        .append_batch(&[with.clone(), without.clone()])
        .unwrap();
    for _ in 0..2 {
        let read = crate::support::read(dir.path());
        assert_eq!(read, [with.clone(), without.clone()]);
        assert_eq!(read[0].meta, Some(Value::Null));
        writer.rotate().unwrap();
    }
}

fn bits(doubles: &[f64]) -> impl Iterator<Item = u64> {
    doubles.iter().map(|double| double.to_bits())
}
