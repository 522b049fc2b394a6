//! Rotation.

use eventfold_core::{Access, Durability, Error, Event, LineHash, Slot, Source, Writer};
use serde_json::{Value, json};

use crate::faulty::{Fault, Faulty};
use crate::{Place, append, event};

pub fn no_position_changes<P: Place>() {
    let place = P::empty();
    let mut writer = place.open();
    let mut appended = Vec::new();
    for n in 0..40 {
        appended.push(append(&mut writer, n));
        if n % 7 == 3 {
            let before = writer.end_position();
            let rotation = writer.rotate().unwrap();
            assert!(rotation.bytes > 0 && rotation.archived > 0);
            assert_eq!(writer.end_position(), before);
            assert_eq!(writer.log_len(), 0);
        }
    }
    for (n, at) in appended.iter().enumerate().rev() {
        let record = place
            .scan(at.position)
            .next_record::<Value>()
            .unwrap()
            .unwrap();
        assert_eq!(record.event, event(n as u64));
        assert_eq!((record.position, record.hash()), (at.position, at.hash));
        assert_eq!(record.next_position, at.next_position);
    }
    drop(writer);
    place.assert_sound(&(0..40).collect::<Vec<_>>());
}

pub fn a_scan_goes_on_across_rotations<P: Place>() {
    let place = P::empty();
    let mut writer = place.open();
    let mut scan = place.scan(0);
    let mut late = place.scan(0);
    for n in 0..60 {
        append(&mut writer, n);
        if n % 5 == 4 {
            writer.rotate().unwrap();
        }
        let record = scan.next_record::<Value>().unwrap().unwrap();
        assert_eq!(record.event.data["n"], n);
        if n % 9 == 0 {
            assert!(late.next_record::<Value>().unwrap().is_some());
        }
    }
    let mut rest = 7;
    while let Some(record) = late.next_record::<Value>().unwrap() {
        assert_eq!(record.event.data["n"], rest);
        rest += 1;
    }
    assert_eq!(rest, 60);
}

pub fn lines_longer_than_a_block_are_archived_whole<P: Place>() {
    let place = P::empty();
    let mut writer = place.open();
    let mut appended = Vec::new();
    for n in 0..6_usize {
        let text = "x".repeat(n * 700_000);
        let event = Event::at(n as u64, "long", text);
        appended.push(writer.append(&event, Durability::Buffered).unwrap());
    }
    writer.rotate().unwrap();
    let archived = place.store().len(Slot::Archive).unwrap();
    assert!(archived < 20_000, "{archived} bytes");
    for (n, at) in appended.iter().enumerate().rev() {
        let record = place
            .scan(at.position)
            .next_record::<String>()
            .unwrap()
            .unwrap();
        assert_eq!(record.event.data.len(), n * 700_000);
        assert_eq!(record.next_position, at.next_position);
    }
}

pub fn a_rotation_prepared_before_each_append_archives_the_same_bytes<P: Place>() {
    let (prepared, plain) = (P::empty(), P::empty());
    let mut writers = (prepared.open(), plain.open());
    let mut numbers = Vec::new();
    // A block that is full with the fourth, a few lines, and one that is longer than a block.
    let lens = [1_500_000, 100, 2 << 20, 900_000, 10, 20, 5 << 20, 30];
    for (n, len) in lens.into_iter().enumerate() {
        let event = Event::at(
            0,
            "long",
            json!({ "n": n, "text": "abcd ".repeat(len / 5) }),
        );
        writers.0.prepare_rotation(u64::MAX).unwrap();
        writers.0.append(&event, Durability::Buffered).unwrap();
        writers.1.append(&event, Durability::Buffered).unwrap();
        numbers.push(n as u64);
        if [3, 4].contains(&n) {
            writers.0.prepare_rotation(u64::MAX).unwrap();
            assert_eq!(writers.0.rotate().unwrap(), writers.1.rotate().unwrap());
        }
    }
    // What was made ready and not written is gone with its writer.
    writers = (prepared.open(), plain.open());
    assert_eq!(writers.0.rotate().unwrap(), writers.1.rotate().unwrap());
    drop(writers);
    assert!(prepared.bytes(Slot::Archive) == plain.bytes(Slot::Archive));
    prepared.assert_sound(&numbers);
}

pub fn an_empty_log_rotates_to_nothing<P: Place>() {
    let place = P::empty();
    let mut writer = place.open();
    for _ in 0..2 {
        assert_eq!(writer.rotate().unwrap().bytes, 0);
        assert_eq!(place.store().len(Slot::Archive).unwrap(), 0);
    }
    append(&mut writer, 0);
    writer.rotate().unwrap();
    let archived = place.bytes(Slot::Archive);
    assert_eq!(writer.rotate().unwrap().archived, 0);
    assert_eq!(place.bytes(Slot::Archive), archived);
}

pub fn a_reader_sees_each_event_once_at_every_step_of_a_rotation<P: Place>() {
    for at in 0.. {
        let place = P::empty();
        let mut writer = place.open();
        for n in 0..5 {
            append(&mut writer, n);
        }
        writer.rotate().unwrap();
        for n in 5..9 {
            append(&mut writer, n);
        }
        let end = writer.end_position();
        drop(writer);
        let mut early = place.scan(0);
        for _ in 0..7 {
            early.next_record::<Value>().unwrap();
        }

        let mut store = Faulty::new(place.store(), Fault::FromThenOn, at, 40);
        let rotated = Writer::open(&mut store, P::CODEC, Access::Exclusive)
            .and_then(|(mut writer, _)| writer.rotate());
        assert_eq!(
            place.numbers(),
            (0..9).collect::<Vec<_>>(),
            "stopped at call {at}"
        );
        for n in [7, 8] {
            let record = early.next_record::<Value>().unwrap().unwrap();
            assert_eq!(record.event.data["n"], n);
        }
        assert!(early.next_record::<Value>().unwrap().is_none());
        assert_eq!(early.position(), end);
        assert!(place.scan(end).next_record::<Value>().unwrap().is_none());
        if rotated.is_ok() {
            assert!(at >= 7, "a rotation of {at} calls syncs too little");
            break;
        }
    }
}

/// Up to the call that empties the log, before which it looks for the last time.
pub fn a_rotation_beside_which_another_changes_the_log_is_refused<P: Place>() {
    // It syncs the log, appends to the archive and syncs it.
    for at in 0..3 {
        for fault in [Fault::OtherAppends, Fault::OtherCuts] {
            let place = P::empty();
            let mut writer = place.open();
            for n in 0..3 {
                append(&mut writer, n);
            }
            drop(writer);
            let mut store = Faulty::new(place.store(), fault, at, 0);
            let (mut writer, _) = Writer::open(&mut store, P::CODEC, Access::Exclusive).unwrap();
            assert!(writer.rotate().is_err(), "{fault:?} before call {at}");
            drop(writer);
            drop(place.open());
            let found = place.numbers();
            if fault == Fault::OtherAppends {
                assert_eq!(found, [0, 1, 2, 1000], "before call {at}");
            }
            place.assert_sound(&found);
        }
    }
}

pub fn a_rotation_whose_archive_another_removes_takes_no_event_along<P: Place>() {
    // Before it syncs the log, and when the archive has got all of it.
    for at in [0, 2] {
        let place = P::empty();
        let mut writer = place.open();
        append(&mut writer, 0);
        writer.rotate().unwrap();
        append(&mut writer, 1);
        append(&mut writer, 2);
        drop(writer);
        // Opening syncs both.
        let mut store = Faulty::new(place.store(), Fault::OtherRemovesArchive, 2 + at, 0);
        let (mut writer, _) = Writer::open(&mut store, P::CODEC, Access::Exclusive).unwrap();
        let rotated = writer.rotate();
        assert!(
            matches!(rotated, Err(Error::Poisoned { .. })),
            "before call {at}: {rotated:?}"
        );
        drop(writer);
        assert!(store.met());
        let mut writer = place.open();
        append(&mut writer, 3);
        writer.rotate().unwrap();
        drop(writer);
        assert_eq!(place.numbers(), [1, 2, 3], "before call {at}");
    }
}

pub fn an_append_on_a_condition_works_right_after_a_rotation_and_a_reopening<P: Place>() {
    let place = P::empty();
    let mut last = (0, LineHash::NONE);
    for n in 0..12 {
        let mut writer = place.open();
        let at = writer
            .append_if(&event(n), last.0, last.1, Durability::Synced)
            .unwrap();
        last = (at.next_position, at.hash);
        if n % 3 != 0 {
            writer.rotate().unwrap();
        }
        assert_eq!(writer.last_hash().unwrap(), at.hash);
    }
    place.assert_sound(&(0..12).collect::<Vec<_>>());
}
