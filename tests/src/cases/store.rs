//! What a store promises the log.

use eventfold_core::{Slot, Source, Storage};

use crate::Place;

const SLOTS: [Slot<'static>; 5] = [
    Slot::Log,
    Slot::Archive,
    Slot::Torn,
    Slot::Snapshot("a"),
    Slot::Snapshot("b"),
];

pub fn a_slot_that_does_not_exist_is_empty<P: Place>() {
    let place = P::empty();
    for slot in SLOTS {
        assert_eq!(place.store().len(slot).unwrap(), 0);
        let mut buf = [7; 4];
        assert_eq!(place.store().read_at(slot, 0, &mut buf).unwrap(), 0);
    }
    for slot in [Slot::Log, Slot::Archive, Slot::Torn] {
        place.store().sync(slot).unwrap();
        assert_eq!(place.store().len(slot).unwrap(), 0);
    }
}

pub fn bytes_appended_are_read_back_from_any_offset<P: Place>() {
    let place = P::empty();
    for slot in [Slot::Log, Slot::Archive, Slot::Torn] {
        let mut store = place.store();
        store.append(slot, b"abc").unwrap();
        store.append(slot, b"").unwrap();
        store.append(slot, b"defg").unwrap();
        store.sync(slot).unwrap();
        assert_eq!(store.len(slot).unwrap(), 7);
        for offset in 0..9_u64 {
            for room in 0..9 {
                let mut buf = vec![b'.'; room];
                let n = store.read_at(slot, offset, &mut buf).unwrap();
                let rest = &b"abcdefg"[7.min(offset as usize)..];
                assert_eq!(&buf[..n], &rest[..rest.len().min(room)]);
            }
        }
    }
}

pub fn cutting_keeps_what_is_before<P: Place>() {
    let place = P::empty();
    for slot in [Slot::Log, Slot::Archive] {
        let mut store = place.store();
        store.truncate(slot, 0).unwrap();
        store.sync(slot).unwrap();
        store.append(slot, b"abcdefg").unwrap();
        store.truncate(slot, 3).unwrap();
        assert_eq!(place.bytes(slot), b"abc");
        store.append(slot, b"x").unwrap();
        assert_eq!(place.bytes(slot), b"abcx");
        store.truncate(slot, 0).unwrap();
        assert_eq!(place.bytes(slot), b"");
    }
}

pub fn replacing_sets_the_whole_content<P: Place>() {
    let place = P::empty();
    let slot = Slot::Snapshot("view");
    for bytes in [&b"a longer one"[..], b"short", b""] {
        place.store().replace(slot, bytes).unwrap();
        assert_eq!(place.bytes(slot), bytes);
    }
}

pub fn a_removed_slot_is_empty_and_removing_again_is_fine<P: Place>() {
    let place = P::empty();
    let slot = Slot::Snapshot("view");
    place.store().replace(slot, b"state").unwrap();
    for _ in 0..2 {
        place.store().remove(slot).unwrap();
        assert_eq!(place.store().len(slot).unwrap(), 0);
    }
}

pub fn slots_do_not_share_bytes<P: Place>() {
    let place = P::empty();
    for (n, slot) in SLOTS.into_iter().enumerate() {
        match slot {
            Slot::Snapshot(_) => place.store().replace(slot, &[n as u8]).unwrap(),
            slot => place.store().append(slot, &[n as u8]).unwrap(),
        }
    }
    for (n, slot) in SLOTS.into_iter().enumerate() {
        assert_eq!(place.bytes(slot), [n as u8]);
    }
}
