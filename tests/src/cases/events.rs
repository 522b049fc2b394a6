//! Appending and reading.

use eventfold_core::{Access, Durability, Error, Event, LineHash, Slot, Source, Storage, Writer};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::faulty::{Fault, Faulty};
use crate::{Place, append, event};

pub fn what_an_append_returns_is_what_reading_yields<P: Place>() {
    let place = P::empty();
    let mut writer = place.open();
    let appended: Vec<_> = (0..50).map(|n| append(&mut writer, n)).collect();
    let mut scan = place.scan(0);
    for (n, at) in appended.iter().enumerate() {
        let record = scan.next_record::<Value>().unwrap().unwrap();
        assert_eq!(record.event, event(n as u64));
        assert_eq!(record.position, at.position);
        assert_eq!(record.next_position, at.next_position);
        assert_eq!(record.hash(), at.hash);
        assert_eq!(record.hash(), LineHash::of(record.line()));
        let mut from_there = place.scan(at.position);
        let again = from_there.next_record().unwrap().unwrap();
        assert_eq!(again, record);
    }
    assert!(scan.next_record::<Value>().unwrap().is_none());
    assert_eq!(writer.end_position(), scan.position());
}

pub fn a_batch_is_read_back_in_order_and_an_empty_one_writes_nothing<P: Place>() {
    let place = P::empty();
    let mut writer = place.open();
    let events: Vec<Event> = (0..20).map(event).collect();
    let appended = writer.append_batch(&events, Durability::Buffered).unwrap();
    let none: [Event; 0] = [];
    assert!(
        writer
            .append_batch(&none, Durability::Synced)
            .unwrap()
            .is_empty()
    );
    writer.sync().unwrap();
    assert_eq!(writer.last_hash().unwrap(), appended[19].hash);
    for (n, at) in appended.iter().enumerate() {
        let record = place.scan(at.position).next_record().unwrap().unwrap();
        assert_eq!(record.event, events[n]);
        assert_eq!(record.hash(), at.hash);
    }
    place.assert_sound(&(0..20).collect::<Vec<_>>());
}

/// What came between a line and its newline, of another writer or a crash, would be lost with it.
pub fn an_event_is_written_in_one_call_with_its_newline_and_so_is_a_batch<P: Place>() {
    for access in [Access::Exclusive, Access::Shared] {
        let place = P::empty();
        let store = Faulty::new(place.store(), Fault::Once, usize::MAX, 0);
        let (mut writer, _) = Writer::open(store, P::CODEC, access).unwrap();
        let opened = writer.store().calls;
        writer.append(&event(0), Durability::Buffered).unwrap();
        assert_eq!(writer.store().calls, opened + 1, "{access:?}");
        let batch = [event(1), event(2)];
        writer.append_batch(&batch, Durability::Buffered).unwrap();
        assert_eq!(writer.store().calls, opened + 2, "{access:?}");
        drop(writer);
        place.assert_sound(&[0, 1, 2]);
    }
}

pub fn every_field_reads_back_equal<P: Place>() {
    let place = P::empty();
    let mut writer = place.open();
    let events = [
        Event::at(0, "", Value::Null),
        Event::at(
            u64::MAX,
            "a\"\n\u{0}\u{2028}😀",
            json!({ "ключ": [1.5, -0.0, 1e-300, u64::MAX] }),
        ),
        Event::at(1, "t", json!("x"))
            .with_id("i")
            .with_actor("")
            .with_meta(Value::Null),
        Event::at(1, "t", json!([[], {}])).with_meta(json!({ "trace": "1" })),
    ];
    for event in &events {
        writer.append(event, Durability::Synced).unwrap();
    }
    let mut scan = place.scan(0);
    for event in &events {
        assert_eq!(&scan.next_record::<Value>().unwrap().unwrap().event, event);
    }
    let line = place.bytes(Slot::Log);
    assert!(line.starts_with(br#"{"type":"","data":null,"ts":0}"#));
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Shape {
    Point { x: f64, label: Option<String> },
    Many(Vec<u128>, char),
    Nothing,
}

pub fn data_goes_in_and_out_as_a_type_of_its_own<P: Place>() {
    let place = P::empty();
    let mut writer = place.open();
    let shapes = [
        Shape::Point {
            x: 0.1,
            label: None,
        },
        Shape::Many(vec![u128::MAX, 0], '\u{1F600}'),
        Shape::Nothing,
    ];
    for shape in &shapes {
        let event = Event::at(1, "shape", shape.clone());
        writer.append(&event, Durability::Synced).unwrap();
    }
    let mut scan = place.scan(0);
    for shape in &shapes {
        let record = scan.next_record::<Shape>().unwrap().unwrap();
        assert_eq!(&record.event.data, shape);
    }
}

pub fn an_append_on_a_condition_needs_the_very_end<P: Place>() {
    let place = P::empty();
    let mut writer = place.open();
    let synced = Durability::Synced;
    let first = writer
        .append_if(&event(0), 0, LineHash::NONE, synced)
        .unwrap();
    let second = writer
        .append_if(&event(1), first.next_position, first.hash, synced)
        .unwrap();
    let stale = [
        (0, LineHash::NONE),
        (first.next_position, first.hash),
        (second.next_position, first.hash),
        (second.position, second.hash),
    ];
    for (position, hash) in stale {
        match writer.append_if(&event(9), position, hash, synced) {
            Err(Error::Conflict {
                found, found_hash, ..
            }) => {
                assert_eq!(found, second.next_position);
                assert_eq!(found_hash, second.hash);
            }
            other => panic!("{other:?}"),
        }
    }
    drop(writer);
    let mut writer = place.open();
    writer
        .append_if(&event(2), second.next_position, second.hash, synced)
        .unwrap();
    drop(writer);
    place.assert_sound(&[0, 1, 2]);
}

pub fn reading_goes_on_with_what_came_since<P: Place>() {
    let place = P::empty();
    let mut scan = place.scan(0);
    let mut writer = place.open();
    for n in 0..30 {
        assert!(scan.next_line().unwrap().is_none());
        append(&mut writer, n);
        let record = scan.next_record::<Value>().unwrap().unwrap();
        assert_eq!(record.event.data["n"], n);
    }
}

pub fn a_position_inside_a_line_or_beyond_the_end_is_refused<P: Place>() {
    let place = P::empty();
    let mut writer = place.open();
    append(&mut writer, 0);
    let second = append(&mut writer, 1);
    for rotated in [false, true] {
        if rotated {
            writer.rotate().unwrap();
        }
        for position in 0..second.next_position + 3 {
            let read = place.scan(position).next_record::<Value>();
            if position == 0 || position == second.position {
                assert!(read.unwrap().is_some());
            } else if position == second.next_position {
                assert!(read.unwrap().is_none());
            } else if position > second.next_position {
                assert!(matches!(read, Err(Error::Beyond { .. })), "{read:?}");
            } else {
                assert!(matches!(read, Err(Error::NotABoundary { .. })), "{read:?}");
            }
        }
    }
}

pub fn lines_are_found_at_their_positions_with_blank_lines_and_carriage_returns<P: Place>() {
    let place = P::empty();
    let line = r#"{"type":"counted","data":{"n":1},"ts":1}"#;
    let log = format!("\n{line}\r\n\r\n\n{line}\n  {line}\r\n");
    place.set(Slot::Log, log.as_bytes());
    for rotated in [false, true] {
        let mut scan = place.scan(0);
        let mut starts = Vec::new();
        while let Some(record) = scan.next_record::<Value>().unwrap() {
            let at = record.position as usize;
            assert!(log[at..].trim_start().starts_with(line));
            let mut again = place.scan(record.next_position);
            let next = again.next_record::<Value>().unwrap();
            starts.push((record.position, next.map(|next| next.position)));
        }
        assert_eq!(starts.len(), 3);
        assert!(starts.windows(2).all(|pair| pair[0].1 == Some(pair[1].0)));
        if !rotated {
            place.open().rotate().unwrap();
        }
    }
    place.assert_sound(&[1, 1, 1]);
}

pub fn a_corrupt_line_is_reported_with_its_place_and_passed_over<P: Place>() {
    let corrupt: [&[u8]; 10] = [
        b"not json",
        b"[1]",
        b"\"text\"",
        br#"{"type":"a","data":1}"#,
        br#"{"data":1,"ts":1}"#,
        br#"{"type":"a","ts":1}"#,
        br#"{"type":"a","data":1,"ts":-1}"#,
        br#"{"type":"a","data":1,"ts":1.5}"#,
        b"{\"type\":\"\xff\",\"data\":1,\"ts\":1}",
        br#"{"type":"a","data":1,"ts":1}{"type":"b","data":1,"ts":1}"#,
    ];
    for bytes in corrupt {
        let place = P::empty();
        let first = append(&mut place.open(), 0);
        place.store().append(Slot::Log, bytes).unwrap();
        place.store().append(Slot::Log, b"\n").unwrap();
        append(&mut place.open(), 1);
        let before = place.bytes(Slot::Log);
        for rotated in [false, true] {
            let mut scan = place.scan(0);
            assert!(scan.next_record::<Value>().unwrap().is_some());
            match scan.next_record::<Value>() {
                Err(Error::Corrupt {
                    position,
                    offset,
                    file,
                    reason,
                }) => {
                    assert_eq!(position, first.next_position);
                    assert!(!reason.is_empty());
                    if !rotated {
                        assert_eq!(offset, first.next_position);
                        assert_eq!(file, "app.jsonl");
                    }
                }
                other => panic!("{other:?}"),
            }
            let after = scan.next_record::<Value>().unwrap().unwrap();
            assert_eq!(after.event, event(1));
            assert!(scan.next_record::<Value>().unwrap().is_none());
            if !rotated {
                assert_eq!(place.bytes(Slot::Log), before, "opening changed the log");
                place.open().rotate().unwrap();
            }
        }
    }
}

pub fn data_of_another_type_is_a_mismatch_and_no_corruption<P: Place>() {
    let place = P::empty();
    let mut writer = place.open();
    append(&mut writer, 0);
    writer
        .append(&Event::at(0, "text", "hello"), Durability::Synced)
        .unwrap();
    let mut scan = place.scan(0);
    let refused = scan.next_record::<String>();
    assert!(
        matches!(refused, Err(Error::Mismatch { position: 0, .. })),
        "{refused:?}"
    );
    assert_eq!(
        scan.next_record::<String>().unwrap().unwrap().event.data,
        "hello"
    );
}

pub fn an_event_that_is_refused_leaves_no_byte<P: Place>() {
    let place = P::empty();
    let mut writer = place.open();
    append(&mut writer, 0);
    let before = place.bytes(Slot::Log);
    let deep = (0..200).fold(json!(0), |inner, _| json!([inner]));
    let refused = writer.append(&Event::at(0, "deep", deep.clone()), Durability::Synced);
    assert!(
        matches!(refused, Err(Error::Unreadable { .. })),
        "{refused:?}"
    );
    let refused = writer.append(&Event::at(0, "nan", f64::NAN), Durability::Synced);
    assert!(
        matches!(refused, Err(Error::Unreadable { .. })),
        "{refused:?}"
    );
    let batch = [event(1), Event::at(0, "deep", deep)];
    let lines = "{\"type\":\"a\",\"data\":1,\"ts\":0}\n{\"type\":\"a\",\"data\":1e999,\"ts\":0}\n";
    for refused in [
        writer.append_batch(&batch, Durability::Synced),
        writer.append_lines(lines.as_bytes(), Durability::Synced),
    ] {
        let Err(Error::Unreadable { reason }) = refused else {
            panic!("{refused:?}");
        };
        let told = "event 1 of the batch, counted from 0: ";
        assert!(reason.starts_with(told), "{reason}");
    }
    assert_eq!(place.bytes(Slot::Log), before);
    assert_eq!(place.store().len(Slot::Log).unwrap(), writer.log_len());
    drop(writer);
    place.assert_sound(&[0]);
}
