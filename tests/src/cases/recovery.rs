//! What a crash leaves in the log, and what opening makes of it.

use eventfold_core::{
    Access, Durability, Error, Event, InterruptedRotation, Slot, Storage, Writer,
};
use serde_json::{Value, json};

use crate::faulty::{Fault, Faulty};
use crate::{Place, append, event};

pub fn a_line_torn_at_any_byte_is_cut_and_kept_or_completed<P: Place>() {
    let line = serde_json::to_vec(&event(2)).unwrap();
    for len in 1..=line.len() {
        let place = P::empty();
        append(&mut place.open(), 0);
        append(&mut place.open(), 1);
        let whole = place.bytes(Slot::Log);
        place.store().append(Slot::Log, &line[..len]).unwrap();
        assert_eq!(place.numbers(), [0, 1], "a fragment was read");
        let (writer, recovery) = place.open_reporting();
        drop(writer);
        if len == line.len() {
            assert!(recovery.completed_line);
            assert_eq!(recovery.torn_log_bytes, 0);
            place.assert_sound(&[0, 1, 2]);
        } else {
            assert_eq!(recovery.torn_log_bytes, len as u64);
            assert_eq!(place.bytes(Slot::Log), whole);
            let kept = place.bytes(Slot::Torn);
            let (head, rest) = kept.split_at(kept.iter().position(|b| *b == b'\n').unwrap() + 1);
            let head: Value = serde_json::from_slice(head).unwrap();
            assert_eq!(head["cut_from"], "app.jsonl");
            assert_eq!(head["position"], whole.len());
            assert_eq!(head["bytes"], len);
            assert_eq!(rest, [&line[..len], b"\n"].concat());
            place.assert_sound(&[0, 1]);
        }
    }
}

pub fn a_tail_of_nuls_is_cut_and_a_nul_before_the_end_is_corrupt<P: Place>() {
    let nul_line = b"{\"type\":\"counted\",\"da\0\0\0\0,\"ts\":1}\n";
    let tails: [Vec<u8>; 4] = [
        vec![0; 700],
        nul_line.to_vec(),
        [&nul_line[..], nul_line, b"{\"type\":"].concat(),
        [&nul_line[..], &[0; 5000]].concat(),
    ];
    for tail in tails {
        let place = P::empty();
        append(&mut place.open(), 0);
        place.store().append(Slot::Log, &tail).unwrap();
        assert_eq!(place.numbers(), [0]);
        let (writer, recovery) = place.open_reporting();
        assert_eq!(recovery.torn_log_bytes, tail.len() as u64);
        drop(writer);
        place.assert_sound(&[0]);
    }

    let place = P::empty();
    append(&mut place.open(), 0);
    place.store().append(Slot::Log, nul_line).unwrap();
    let after = serde_json::to_vec(&event(1)).unwrap();
    place.store().append(Slot::Log, &after).unwrap();
    place.store().append(Slot::Log, b"\n").unwrap();
    let before = place.bytes(Slot::Log);
    drop(place.open());
    assert_eq!(place.bytes(Slot::Log), before);
    let mut scan = place.scan(0);
    assert!(scan.next_record::<Value>().unwrap().is_some());
    let corrupt = scan.next_record::<Value>();
    assert!(matches!(corrupt, Err(Error::Corrupt { .. })), "{corrupt:?}");
    assert_eq!(scan.next_record().unwrap().unwrap().event, event(1));
}

/// It is seen before its sync, which fails; what is acknowledged later takes its place.
pub fn a_reader_of_an_event_that_gave_its_place_to_a_longer_one_says_so<P: Place>() {
    let place = P::empty();
    let first = append(&mut place.open(), 0);
    let mut reader = place.scan(0);
    assert!(reader.next_record::<Value>().unwrap().is_some());
    let mut writer = place.open();
    let gone = writer.append(&event(1), Durability::Buffered).unwrap();
    assert_eq!(reader.next_record().unwrap().unwrap().event, event(1));
    drop(writer);
    let mut store = place.store();
    store.truncate(Slot::Log, first.next_position).unwrap();

    let longer = Event::at(2, "counted", json!({ "n": 2, "text": "longer" }));
    let mut writer = place.open();
    let at = writer.append(&longer, Durability::Synced).unwrap();
    for rotated in [false, true] {
        for _ in 0..2 {
            let read = reader.next_record::<Value>();
            let position = gone.next_position;
            assert!(
                matches!(read, Err(Error::NotABoundary { position: p }) if p == position),
                "{read:?}, rotated: {rotated}"
            );
        }
        if !rotated {
            writer.rotate().unwrap();
        }
    }
    reader.seek(at.position);
    assert_eq!(reader.next_record().unwrap().unwrap().event, longer);
    drop(writer);
    place.assert_sound(&[0, 2]);
}

/// Its copy in the archive may be dropped, or the log emptied, only where the other has it all.
pub fn a_rotation_without_its_seal_is_settled_by_what_the_log_holds<P: Place>() {
    use InterruptedRotation::{Finished, Kept, Undone};
    let lines = |numbers: &[u64]| {
        let line = |n: &u64| serde_json::to_string(&event(*n)).unwrap() + "\n";
        numbers.iter().map(line).collect::<String>().into_bytes()
    };
    let rotated = P::empty();
    let mut writer = rotated.open();
    for n in 0..3 {
        append(&mut writer, n);
    }
    writer.rotate().unwrap();
    drop(writer);
    let mut archive = rotated.bytes(Slot::Archive);
    let tag = archive.windows(4).position(|bytes| bytes == b"evs1");
    archive.truncate(tag.unwrap() - 8);

    for (log, settled, events) in [
        (lines(&[0, 1, 2]), Undone, &[0, 1, 2][..]),
        (lines(&[0, 1, 2, 3]), Undone, &[0, 1, 2, 3]),
        (lines(&[0, 1]), Finished, &[0, 1, 2]),
        (lines(&[0, 1])[..9].to_vec(), Finished, &[0, 1, 2]),
        (Vec::new(), Finished, &[0, 1, 2]),
        (lines(&[7]), Kept, &[0, 1, 2, 7]),
        (lines(&[0, 1, 7, 8]), Kept, &[0, 1, 2, 0, 1, 7, 8]),
    ] {
        let place = P::empty();
        place.set(Slot::Archive, &archive);
        place.set(Slot::Log, &log);
        let (writer, recovery) = place.open_reporting();
        assert_eq!(recovery.rotation, Some(settled), "{events:?}");
        drop(writer);
        place.assert_sound(events);
    }
}

pub fn a_shared_writer_cuts_nothing_and_ends_the_fragment<P: Place>() {
    let place = P::empty();
    let first = append(&mut place.open(), 0);
    place
        .store()
        .append(Slot::Log, b"{\"type\":\"frag")
        .unwrap();
    let (mut writer, recovery) = Writer::open(place.store(), P::CODEC, Access::Shared).unwrap();
    assert!(recovery.is_clean());
    let at = append(&mut writer, 1);
    assert_eq!(
        place
            .scan(at.position)
            .next_record()
            .unwrap()
            .unwrap()
            .event,
        event(1)
    );
    let corrupt = place.scan(first.next_position).next_record::<Value>();
    assert!(matches!(corrupt, Err(Error::Corrupt { .. })), "{corrupt:?}");
    assert!(
        place
            .bytes(Slot::Log)
            .windows(6)
            .any(|bytes| bytes == b"\"frag\n")
    );
    assert!(matches!(writer.rotate(), Err(Error::NotExclusive { .. })));
    let conditional = writer.append_if(&event(2), at.next_position, at.hash, Durability::Synced);
    assert!(matches!(conditional, Err(Error::NotExclusive { .. })));
}

/// Until it has its seal, what it archived counts only while the log is empty.
pub fn a_shared_writer_appends_nothing_behind_a_rotation_that_is_not_finished<P: Place>() {
    let place = P::empty();
    let mut writer = place.open();
    for n in 0..3 {
        append(&mut writer, n);
    }
    drop(writer);
    // Opening syncs the log. Rotating does, appends to the archive and syncs it, empties the log and
    // syncs it.
    let mut store = Faulty::new(place.store(), Fault::FromThenOn, 1 + 5, 0);
    let (mut writer, _) = Writer::open(&mut store, P::CODEC, Access::Exclusive).unwrap();
    writer.rotate().unwrap_err();
    drop(writer);
    assert_eq!(place.bytes(Slot::Log), b"");
    assert_eq!(place.numbers(), [0, 1, 2]);

    let (mut shared, _) = Writer::open(place.store(), P::CODEC, Access::Shared).unwrap();
    let refused = shared.append(&event(0), Durability::Synced).unwrap_err();
    assert!(matches!(refused, Error::NotExclusive { .. }), "{refused:?}");
    assert_eq!(place.numbers(), [0, 1, 2]);
    drop(place.open());
    append(&mut shared, 0);
    append(&mut place.open(), 4);
    assert_eq!(place.numbers(), [0, 1, 2, 0, 4]);
}

pub fn a_shared_writer_finds_the_place_of_its_event_beside_rotations<P: Place>() {
    let place = P::empty();
    append(&mut place.open(), 0);
    let mut store = Faulty::new(place.store(), Fault::OtherRotates, 0, 0);
    let (mut shared, _) = Writer::open(&mut store, P::CODEC, Access::Shared).unwrap();
    let mut appended = vec![append(&mut shared, 1)];
    place.open().rotate().unwrap();
    appended.push(append(&mut shared, 2));
    drop(shared);
    for (n, at) in (1..).zip(appended) {
        let record = place.scan(at.position).next_record::<Value>();
        let record = record.unwrap().unwrap();
        assert_eq!(record.event, event(n));
        assert_eq!(record.next_position, at.next_position);
    }
    assert_eq!(place.numbers(), [0, 1, 2]);
}

pub fn what_a_shared_writer_has_not_synced_is_in_doubt_also_behind_a_rotation<P: Place>() {
    let place = P::empty();
    // It appends and syncs ten times, appends, appends again, and then cannot sync.
    let mut store = Faulty::new(place.store(), Fault::Once, 20 + 2, 0);
    let (mut shared, _) = Writer::open(&mut store, P::CODEC, Access::Shared).unwrap();
    for n in 0..10 {
        append(&mut shared, n);
    }
    place.open().rotate().unwrap();
    let buffered = shared.append(&event(10), Durability::Buffered).unwrap();
    let failed = shared.append(&event(11), Durability::Synced).unwrap_err();
    let Error::DurabilityUnknown { position, .. } = failed else {
        panic!("{failed:?}");
    };
    assert_eq!(position, buffered.position);
}

pub fn a_shared_writer_finds_the_place_of_its_event<P: Place>() {
    let place = P::empty();
    let open = || {
        Writer::open(place.store(), P::CODEC, Access::Shared)
            .unwrap()
            .0
    };
    let mut writers = [open(), open(), open()];
    for n in 0..30 {
        let at = append(&mut writers[n % 3], n as u64);
        let record = place
            .scan(at.position)
            .next_record::<Value>()
            .unwrap()
            .unwrap();
        assert_eq!(record.event, event(n as u64));
        assert_eq!(record.next_position, at.next_position);
    }
    drop(writers);
    place.assert_sound(&(0..30).collect::<Vec<_>>());
}
