//! The archive: other writers' frames, and damage.

use eventfold_core::{Access, Durability, Error, Event, Slot, Storage, Writer};
use serde_json::{Value, json};

use crate::faulty::{Fault, Faulty};
use crate::{Place, append, event};

/// Lines of the events with these numbers.
fn lines(numbers: std::ops::Range<u64>) -> Vec<u8> {
    let line = |n| serde_json::to_string(&event(n)).unwrap() + "\n";
    numbers.map(line).collect::<String>().into_bytes()
}

pub fn frames_of_another_writer_are_history_and_get_a_seal<P: Place>() {
    let place = P::empty();
    let mut archive = Vec::new();
    for n in 0..3 {
        archive.extend((P::CODEC.compress)(&[lines(n * 10..n * 10 + 10)]).concat());
        if n == 1 {
            // A skippable frame of somebody else.
            archive.extend([0x50, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 1, 2, 3]);
        }
    }
    place.set(Slot::Archive, &archive);
    place.set(Slot::Log, &lines(30..35));
    let all: Vec<u64> = (0..35).collect();
    assert_eq!(place.numbers(), all);
    let base = lines(0..30).len() as u64;
    assert_eq!(
        place.scan(base).next_record().unwrap().unwrap().event,
        event(30)
    );
    let (writer, recovery) = place.open_reporting();
    assert_eq!(recovery.adopted_bytes, base);
    drop(writer);
    assert!(place.bytes(Slot::Archive).starts_with(&archive));
    assert_eq!(place.numbers(), all);
    let middle = lines(0..17).len() as u64;
    assert_eq!(
        place.scan(middle).next_record().unwrap().unwrap().event,
        event(17)
    );
    place.open().rotate().unwrap();
    // Another writer archives behind our seal.
    place
        .store()
        .append(
            Slot::Archive,
            &(P::CODEC.compress)(&[lines(35..40)]).concat(),
        )
        .unwrap();
    place.assert_sound(&(0..40).collect::<Vec<_>>());
}

pub fn frames_without_content_are_passed_over_by_readers_and_rotations<P: Place>() {
    let skippable = [0x57, 0x2A, 0x4D, 0x18, 4, 0, 0, 0, 9, 9, 9, 9];
    for nothing in [&skippable[..], &(P::CODEC.compress)(&[vec![]]).concat()] {
        let place = rotated_twice::<P>();
        place.store().append(Slot::Archive, nothing).unwrap();
        let all: Vec<u64> = (0..6).collect();
        assert_eq!(place.numbers(), all);
        place.open().rotate().unwrap();
        assert_eq!(place.numbers(), all);
        place.assert_sound(&all);
    }
}

pub fn a_torn_frame_of_another_writer_is_cut_and_kept<P: Place>() {
    let frame = (P::CODEC.compress)(&[lines(5..15)]).concat();
    for len in 1..frame.len() {
        let place = P::empty();
        place.set(Slot::Archive, &(P::CODEC.compress)(&[lines(0..5)]).concat());
        place.store().append(Slot::Archive, &frame[..len]).unwrap();
        place.set(Slot::Log, &lines(5..15));
        let all: Vec<u64> = (0..15).collect();
        assert_eq!(place.numbers(), all, "cut at {len}");
        let (writer, recovery) = place.open_reporting();
        assert_eq!(recovery.torn_archive_bytes, len as u64);
        drop(writer);
        let kept = place.bytes(Slot::Torn);
        assert!(kept.windows(len).any(|bytes| bytes == &frame[..len]));
        place.assert_sound(&all);
    }
}

/// We are killed at any step of a rotation of two blocks, and another writer goes on.
pub fn a_log_that_another_writer_archives_behind_a_copy_of_it_is_read_once<P: Place>() {
    let long = |n| Event::at(n, "counted", json!({ "n": n, "text": "x".repeat(720_000) }));
    for step in 0.. {
        let place = P::empty();
        let store = Faulty::new(place.store(), Fault::FromThenOn, usize::MAX, 0);
        let (mut writer, _) = Writer::open(store, P::CODEC, Access::Exclusive).unwrap();
        let events = [0, 1, 2].map(long);
        writer.append_batch(&events, Durability::Synced).unwrap();
        writer.store_mut().at = writer.store().calls + step;
        let is_done = writer.rotate().is_ok();
        drop(writer);

        place.store().append(Slot::Log, &lines(3..4)).unwrap();
        let frame = (P::CODEC.compress)(&[place.bytes(Slot::Log)]).concat();
        place.store().append(Slot::Archive, &frame).unwrap();
        place.set(Slot::Log, &lines(4..5));
        assert_eq!(place.numbers(), [0, 1, 2, 3, 4], "after {step} steps");
        let (writer, recovery) = place.open_reporting();
        assert_eq!(recovery.torn_archive_bytes, 0);
        drop(writer);
        place.assert_sound(&[0, 1, 2, 3, 4]);
        if is_done {
            assert!(step > 5, "{step} steps only");
            break;
        }
    }
}

pub fn what_follows_the_last_seal_is_cut_and_kept<P: Place>() {
    for garbage in [
        &b"x"[..],
        &[0; 100],
        b"\x57\x2a\x4d\x18\xff\xff\xff\xff",
        b"not zstd at all",
    ] {
        let place = P::empty();
        let mut writer = place.open();
        append(&mut writer, 0);
        writer.rotate().unwrap();
        append(&mut writer, 1);
        drop(writer);
        let sealed = place.bytes(Slot::Archive);
        place.store().append(Slot::Archive, garbage).unwrap();
        assert_eq!(place.numbers(), [0, 1]);
        let (writer, recovery) = place.open_reporting();
        assert_eq!(recovery.torn_archive_bytes, garbage.len() as u64);
        drop(writer);
        assert_eq!(place.bytes(Slot::Archive), sealed);
        place.assert_sound(&[0, 1]);
    }
}

/// Two rotations of a few events, and two events in the log.
fn rotated_twice<P: Place>() -> P {
    let place = P::empty();
    let mut writer = place.open();
    for n in 0..6 {
        append(&mut writer, n);
        if n == 1 || n == 3 {
            writer.rotate().unwrap();
        }
    }
    place
}

/// The numbers that can be read, and how many errors were met on the way.
fn readable<P: Place>(place: &P) -> (Vec<u64>, usize) {
    let mut scan = place.scan(0);
    let (mut numbers, mut errors) = (Vec::new(), 0);
    loop {
        match scan.next_record::<Value>() {
            Ok(Some(record)) => numbers.push(record.event.data["n"].as_u64().unwrap()),
            Ok(None) => return (numbers, errors),
            Err(Error::Corrupt { .. }) => errors += 1,
            Err(error) => panic!("{error}"),
        }
        assert!(errors < 20, "an error repeats");
    }
}

pub fn no_flipped_bit_comes_back_as_an_event<P: Place>() {
    let archive = rotated_twice::<P>().bytes(Slot::Archive);
    let place = rotated_twice::<P>();
    for bit in 0..archive.len() * 8 {
        let mut flipped = archive.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        place.set(Slot::Archive, &flipped);
        let (numbers, errors) = readable(&place);
        assert!(numbers.is_sorted_by(|a, b| a < b), "bit {bit}: {numbers:?}");
        assert!(
            numbers.ends_with(&[4, 5]),
            "bit {bit} hides the log: {numbers:?}"
        );
        assert!(numbers.iter().all(|n| *n < 6), "bit {bit}: {numbers:?}");
        assert!(
            errors > 0 || numbers.len() == 6,
            "bit {bit} hides events in silence"
        );
    }
}

pub fn a_damaged_block_is_reported_once_and_passed_over<P: Place>() {
    let place = rotated_twice::<P>();
    let mut archive = place.bytes(Slot::Archive);
    // Behind the first block's mark and the header of its frame.
    archive[60 + 12] ^= 0x55;
    place.set(Slot::Archive, &archive);
    let refused = place.scan(0).next_record::<Value>();
    match refused {
        Err(Error::Corrupt {
            position,
            file,
            offset,
            ..
        }) => {
            assert_eq!(
                (position, file.as_str(), offset),
                (0, "archive.jsonl.zst", 60)
            );
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(readable(&place), (vec![2, 3, 4, 5], 1));
    // It disturbs nobody who writes.
    append(&mut place.open(), 6);
    place.open().rotate().unwrap();
    assert_eq!(readable(&place), (vec![2, 3, 4, 5, 6], 1));
}

pub fn a_damaged_seal_hides_its_own_part_only<P: Place>() {
    let place = rotated_twice::<P>();
    let mut archive = place.bytes(Slot::Archive);
    let end = archive
        .windows(8)
        .position(|bytes| bytes == b"\x18evseal1")
        .unwrap();
    archive[end - 20] ^= 1;
    place.set(Slot::Archive, &archive);
    assert_eq!(readable(&place), (vec![2, 3, 4, 5], 1));
    let second = lines(0..2).len() as u64;
    assert_eq!(
        place.scan(second).next_record().unwrap().unwrap().event,
        event(2)
    );
}

pub fn a_damaged_last_seal_loses_nothing<P: Place>() {
    let place = rotated_twice::<P>();
    let mut archive = place.bytes(Slot::Archive);
    let len = archive.len();
    archive[len - 30] ^= 1;
    place.set(Slot::Archive, &archive);
    assert_eq!(readable(&place), ((0..6).collect(), 0));
    let (writer, recovery) = Writer::open(place.store(), P::CODEC, Access::Exclusive).unwrap();
    assert!(recovery.torn_archive_bytes > 0);
    drop(writer);
    place.assert_sound(&(0..6).collect::<Vec<_>>());
}
