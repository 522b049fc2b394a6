//! Folds and their snapshots.

use std::cell::Cell;

use eventfold_core::{
    Durability, Error, Fold, Line, NoSnapshot, Slot, Source, Storage, check_view_name,
};
use serde_json::Value;

use crate::faulty::Failed;
use crate::{Place, append, event};

type Sum = (u64, f64, Vec<u64>);

/// A state that depends on the order of what it is folded from.
fn add<E: core::error::Error>(mut state: Sum, line: &Line<'_>) -> Result<Sum, Error<E>> {
    let n = line.event::<Value, E>()?.data["n"].as_u64().unwrap();
    state.0 = state.0.wrapping_mul(31) + n;
    state.1 = state.1 / 3.0 + n as f64;
    state.2.push(n);
    Ok(state)
}

fn start() -> Fold<Sum> {
    Fold::new((0, 0.1, vec![]))
}

fn refreshed<P: Place>(place: &P, fold: &Fold<Sum>) -> Fold<Sum> {
    let further = fold.refreshed(place.store(), P::CODEC, add).unwrap();
    further.unwrap_or_else(|| fold.clone())
}

pub fn a_fold_refreshed_step_by_step_equals_one_from_the_start<P: Place>() {
    let place = P::empty();
    let mut writer = place.open();
    let mut fold = start();
    assert_eq!(fold.refreshed(place.store(), P::CODEC, add).unwrap(), None);
    for n in 0..50 {
        append(&mut writer, n);
        if n % 11 == 10 {
            writer.rotate().unwrap();
        }
        if n % 3 == 0 {
            fold = refreshed(&place, &fold);
            assert_eq!(fold, refreshed(&place, &start()));
            assert_eq!(fold.position(), writer.end_position());
            assert_eq!(fold.hash(), writer.last_hash().unwrap());
        }
        if n % 7 == 0 {
            fold.save(&mut place.store(), "sum").unwrap();
            let loaded = Fold::load(&place.store(), P::CODEC, "sum").unwrap();
            assert_eq!(loaded.as_ref(), Some(&fold));
        }
    }
}

pub fn a_snapshot_gives_back_state_and_position<P: Place>() {
    let place = P::empty();
    let mut writer = place.open();
    for n in 0..9 {
        append(&mut writer, n);
    }
    let fold = refreshed(&place, &start());
    fold.save(&mut place.store(), "sum").unwrap();
    let json: Value = serde_json::from_slice(&place.bytes(Slot::Snapshot("sum"))).unwrap();
    assert_eq!(json["state"][2], Value::from((0..9).collect::<Vec<u64>>()));
    assert_eq!(json["position"], writer.end_position());
    assert_eq!(json["hash"], writer.last_hash().unwrap().to_string());
    // Rotation changes no position, so the snapshot stays good.
    for n in 9..20 {
        writer.rotate().unwrap();
        append(&mut writer, n);
        let loaded = Fold::<Sum>::load(&place.store(), P::CODEC, "sum").unwrap();
        assert_eq!(loaded.as_ref(), Some(&fold));
        assert_eq!(
            refreshed(&place, &loaded.unwrap()),
            refreshed(&place, &start())
        );
    }
}

pub fn a_damaged_snapshot_is_none<P: Place>() {
    let place = P::empty();
    append(&mut place.open(), 7);
    let slot = Slot::Snapshot("sum");
    let load = || Fold::<Sum>::load(&place.store(), P::CODEC, "sum").unwrap();
    assert_eq!(load(), None);
    let fold = refreshed(&place, &start());
    fold.save(&mut place.store(), "sum").unwrap();
    let bytes = place.bytes(slot);
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        place.store().replace(slot, &flipped).unwrap();
        assert_eq!(load(), None, "bit {bit}");
    }
    for len in 0..bytes.len() {
        place.store().replace(slot, &bytes[..len]).unwrap();
        assert_eq!(load(), None, "{len} bytes");
    }
    for garbage in [
        &b"{}"[..],
        b"\xff\xfe",
        b"null",
        b"{\"state\":[0,0.0,[]],\"offset\":0,\"hash\":\"\",\"position\":0}",
    ] {
        place.store().replace(slot, garbage).unwrap();
        assert_eq!(load(), None);
    }
    place.store().replace(slot, &bytes).unwrap();
    assert_eq!(load(), Some(fold));
    let other = Fold::<String>::load(&place.store(), P::CODEC, "sum").unwrap();
    assert_eq!(other, None, "a state of another type");
}

pub fn a_snapshot_of_another_history_is_none<P: Place>() {
    let (place, other) = (P::empty(), P::empty());
    append(&mut place.open(), 1);
    append(&mut other.open(), 2);
    refreshed(&other, &start())
        .save(&mut place.store(), "sum")
        .unwrap();
    let why = || {
        let found = Fold::<Sum>::find(&place.store(), P::CODEC, "sum", 0).unwrap();
        found.unwrap_err()
    };
    assert_eq!(why(), NoSnapshot::Foreign);
    append(&mut other.open(), 3);
    let further = refreshed(&other, &start());
    further.save(&mut place.store(), "sum").unwrap();
    let end = place.open().end_position();
    let position = further.position();
    assert_eq!(why(), NoSnapshot::Ahead { position, end });
    place.open().rotate().unwrap();
    assert_eq!(why(), NoSnapshot::Ahead { position, end });
}

/// Whoever edits a log by hand may leave them.
pub fn blank_lines_are_nothing_to_a_view_its_snapshot_or_a_condition<P: Place>() {
    let (place, other) = (P::empty(), P::empty());
    let blank = |place: &P, lines: &str| place.store().append(Slot::Log, lines.as_bytes());
    let mut fold = start();
    for (n, lines) in ["\n", "\r\n", "\n\r\n\n", "", "\n"].iter().enumerate() {
        let mut writer = place.open();
        let appended = append(&mut writer, n as u64);
        drop(writer);
        blank(&place, lines).unwrap();
        let end = place.bytes(Slot::Log).len() as u64;
        fold = refreshed(&place, &fold);
        assert_eq!(fold, refreshed(&place, &start()));
        assert_eq!(
            (fold.position(), fold.hash()),
            (appended.next_position, appended.hash)
        );
        fold.save(&mut place.store(), "sum").unwrap();
        let loaded = Fold::load(&place.store(), P::CODEC, "sum").unwrap();
        assert_eq!(loaded.as_ref(), Some(&fold));

        let mut writer = place.open();
        assert_eq!(writer.last_hash().unwrap(), appended.hash);
        if n == 2 {
            writer.rotate().unwrap();
            assert_eq!(writer.last_hash().unwrap(), appended.hash);
        } else if n < 2 {
            let at = writer.end_position();
            assert_eq!(at, end);
            let appended = writer.append_if(&event(7), at, appended.hash, Durability::Synced);
            appended.unwrap();
        }
    }
    // More of them than are looked at in one piece, of which the second is nobody's.
    append(&mut other.open(), 1);
    append(&mut other.open(), 2);
    let (long, log) = ("\n".repeat(10_000), other.bytes(Slot::Log));
    other.set(Slot::Log, &log[..log.len() / 2]);
    blank(&other, &long).unwrap();
    refreshed(&other, &start())
        .save(&mut other.store(), "sum")
        .unwrap();
    let load = || Fold::<Sum>::load(&other.store(), P::CODEC, "sum").unwrap();
    let behind = other.bytes(Slot::Log).len() as u64;
    assert_eq!(load().unwrap().position(), behind - 10_000);
    other.set(Slot::Log, &log[log.len() / 2..]);
    blank(&other, &long).unwrap();
    assert_eq!(load(), None);
    let mut writer = other.open();
    let hash = writer.last_hash().unwrap();
    writer
        .append_if(&event(3), behind, hash, Durability::Synced)
        .unwrap();
    assert_eq!(other.numbers(), [2, 3]);
}

pub fn a_position_in_a_blank_line_is_no_end_of_a_fold<P: Place>() {
    let place = P::empty();
    let appended = append(&mut place.open(), 0);
    place.store().append(Slot::Log, b"\r\n").unwrap();
    append(&mut place.open(), 1);
    let at = |behind| {
        let position = appended.next_position + behind;
        start().refreshed_to(place.store(), P::CODEC, position, add)
    };
    assert_eq!(at(0).unwrap().state().2, [0]);
    assert!(matches!(at(1), Err(Error::NotABoundary { .. })));
    assert_eq!(at(2).unwrap().state().2, [0]);
}

/// As after a sync that failed: an event that was read already is cut off, and none or another is
/// appended in its place.
pub fn a_fold_over_events_that_the_log_has_lost_says_so<P: Place>() {
    let (place, other, longer) = (P::empty(), P::empty(), P::empty());
    let (mut writer, mut others) = (place.open(), other.open());
    append(&mut writer, 1);
    let fold = refreshed(&place, &start());
    let position = fold.position();
    let assert_diverged = |place: &P, end: u64| {
        let further = fold.refreshed(place.store(), P::CODEC, add).map(drop);
        let further_to = fold.refreshed_to(place.store(), P::CODEC, end, add);
        for further in [further, further_to.map(drop)] {
            assert!(matches!(further, Err(Error::Diverged { position: at }) if at == position));
        }
    };
    append(&mut longer.open(), 1000);
    for lost in [&other, &longer] {
        assert_diverged(lost, position + 1);
    }
    append(&mut others, 2);
    assert_eq!(others.end_position(), position);
    // Also when nothing comes after it.
    let further = fold.refreshed(other.store(), P::CODEC, add);
    assert!(matches!(further, Err(Error::Diverged { position: at }) if at == position));
    for rotated in [false, true] {
        append(&mut others, 3);
        if rotated {
            others.rotate().unwrap();
        }
        assert_diverged(&other, others.end_position());
    }
    append(&mut writer, 4);
    assert_eq!(refreshed(&place, &fold), refreshed(&place, &start()));
    assert_eq!(refreshed(&other, &start()).state().2, [2, 3, 3]);
}

pub fn an_error_while_refreshing_changes_nothing<P: Place>() {
    let place = P::empty();
    let mut writer = place.open();
    append(&mut writer, 0);
    let fold = refreshed(&place, &start());
    let before = fold.clone();
    append(&mut writer, 1);
    drop(writer);
    place.store().append(Slot::Log, b"not json\n").unwrap();
    append(&mut place.open(), 2);
    for _ in 0..2 {
        let refused = fold.refreshed(place.store(), P::CODEC, add);
        assert!(matches!(refused, Err(Error::Corrupt { .. })), "{refused:?}");
        assert_eq!(fold, before);
    }
}

/// What could be read before the failure is not taken for all there is.
pub fn a_refresh_that_cannot_read_on_is_an_error_wherever_it_stops<P: Place>() {
    let place = P::empty();
    let mut writer = place.open();
    for n in 0..6 {
        append(&mut writer, n);
        if n % 2 == 1 {
            writer.rotate().unwrap();
        }
    }
    let (whole, mut refused) = (refreshed(&place, &start()), 0);
    for call in 0.. {
        let source = UnreadableOnce {
            source: place.store(),
            before: Cell::new(Some(call)),
        };
        match start().refreshed(&source, P::CODEC, add) {
            Err(Error::Storage { .. }) => refused += 1,
            Ok(Some(fold)) => {
                // What could not be read ahead of its time is read again.
                assert_eq!(fold, whole, "read {call}");
                if source.before.get().is_some() {
                    break;
                }
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(refused > 10, "{refused} failures noticed only");
}

/// A source of which one read fails, after so many `before` it.
struct UnreadableOnce<S> {
    source: S,
    before: Cell<Option<usize>>,
}

impl<S: Source> Source for UnreadableOnce<S> {
    type Error = Failed;

    fn len(&self, slot: Slot<'_>) -> Result<u64, Failed> {
        Ok(self.source.len(slot).unwrap())
    }

    fn read_at(&self, slot: Slot<'_>, offset: u64, buf: &mut [u8]) -> Result<usize, Failed> {
        if let Some(before) = self.before.get() {
            self.before.set(before.checked_sub(1));
            self.before.get().ok_or(Failed)?;
        }
        Ok(self.source.read_at(slot, offset, buf).unwrap())
    }
}

pub fn a_state_that_json_cannot_hold_is_refused_and_the_snapshot_stays<P: Place>() {
    let place = P::empty();
    append(&mut place.open(), 7);
    let fold = refreshed(&place, &start());
    fold.save(&mut place.store(), "sum").unwrap();
    let before = place.bytes(Slot::Snapshot("sum"));
    let refused = Fold::new(f64::NAN).save(&mut place.store(), "sum");
    assert!(
        matches!(refused, Err(Error::Unreadable { .. })),
        "{refused:?}"
    );
    assert_eq!(place.bytes(Slot::Snapshot("sum")), before);
}

pub fn a_name_that_is_no_file_name_is_refused<P: Place>() {
    let place = P::empty();
    for name in ["", "..", "../app", "a/b", "nul", "a\\b"] {
        assert!(check_view_name::<Failed>(name).is_err());
        let saved = Fold::new(0).save(&mut place.store(), name);
        assert!(matches!(saved, Err(Error::ViewName { .. })), "{saved:?}");
        let loaded = Fold::<u64>::load(&place.store(), P::CODEC, name);
        assert!(matches!(loaded, Err(Error::ViewName { .. })), "{loaded:?}");
    }
}
