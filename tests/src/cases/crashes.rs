//! A crash or a failure at every call to the store.

use eventfold_core::{Access, Durability, Error, InterruptedRotation, Storage, Writer};

use crate::faulty::{Failed, Fault, Faulty};
use crate::{Place, append, event};

pub fn a_crash_at_any_call_keeps_what_was_acknowledged<P: Place>() {
    let mut crashes = 0;
    for at in 0.. {
        let mut met = false;
        for part in PARTS {
            let place = P::empty();
            let crashed = Script::run(&place, Fault::FromThenOn, at, part);
            met |= crashed.met;
            crashes += usize::from(crashed.met);
            drop(place.open());
            crashed.check(&place);
        }
        if !met {
            break;
        }
    }
    assert!(crashes > 100, "the script made {crashes} crashes only");
}

pub fn a_crash_at_any_call_of_the_recovery_is_recovered<P: Place>() {
    let mut second_crashes = 0;
    for at in 0.. {
        let mut met = false;
        for part in [0, 70, usize::MAX] {
            for second in 0.. {
                let place = P::empty();
                let crashed = Script::run(&place, Fault::FromThenOn, at, part);
                met |= crashed.met;
                let mut store = Faulty::new(place.store(), Fault::FromThenOn, second, 30);
                let stopped = Writer::open(&mut store, P::CODEC, Access::Exclusive).is_err();
                drop(place.open());
                crashed.check(&place);
                if !stopped {
                    break;
                }
                second_crashes += 1;
            }
        }
        if !met {
            break;
        }
    }
    assert!(
        second_crashes > 50,
        "only {second_crashes} recoveries were stopped"
    );
}

pub fn a_call_that_fails_once_leaves_no_event_that_was_refused<P: Place>() {
    for at in 0.. {
        let mut met = false;
        for part in PARTS {
            let place = P::empty();
            let failed = Script::run(&place, Fault::Once, at, part);
            met |= failed.met;
            drop(place.open());
            failed.check(&place);
        }
        if !met {
            break;
        }
    }
}

pub fn a_call_that_fails_from_then_on_poisons_or_refuses<P: Place>() {
    let place = P::empty();
    let store = Faulty::new(place.store(), Fault::FromThenOn, 3, 7);
    let (mut writer, _) = Writer::open(store, P::CODEC, Access::Exclusive).unwrap();
    append(&mut writer, 0);
    let first = writer.append(&event(1), Durability::Synced);
    assert!(
        matches!(first, Err(Error::DurabilityUnknown { .. })),
        "{first:?}"
    );
    for _ in 0..3 {
        let later = writer.append(&event(2), Durability::Buffered);
        assert!(matches!(later, Err(Error::Poisoned { .. })), "{later:?}");
        assert!(matches!(writer.rotate(), Err(Error::Poisoned { .. })));
        assert!(matches!(writer.sync(), Err(Error::Poisoned { .. })));
    }
    drop(writer);
    place.assert_sound(&[0]);
}

pub fn a_failed_sync_leaves_what_was_acknowledged_and_nothing_else<P: Place>() {
    let place = P::empty();
    // After the sync of the opening, an append and its sync, and three appends.
    let store = Faulty::new(place.store(), Fault::Once, 6, 0);
    let (mut writer, _) = Writer::open(store, P::CODEC, Access::Exclusive).unwrap();
    append(&mut writer, 0);
    writer.append(&event(1), Durability::Buffered).unwrap();
    let batch = [event(2), event(3)];
    writer.append_batch(&batch, Durability::Buffered).unwrap();
    let durable = event_len(0);
    match writer.append(&event(4), Durability::Synced) {
        Err(Error::DurabilityUnknown { position, .. }) => assert_eq!(position, durable),
        other => panic!("{other:?}"),
    }
    assert_eq!(place.numbers(), [0, 1, 2, 3]);
    let later = writer.append(&event(5), Durability::Buffered);
    assert!(matches!(later, Err(Error::Poisoned { .. })), "{later:?}");
    drop(writer);
    place.assert_sound(&[0, 1, 2, 3]);
}

pub fn a_rotation_that_cannot_be_undone_poisons<P: Place>() {
    let place = P::empty();
    append(&mut place.open(), 0);
    // After the syncs of the opening and of the log the append to the archive fails, and so does
    // cutting it back.
    let store = Faulty::new(place.store(), Fault::FromThenOn, 2, 70);
    let (mut writer, _) = Writer::open(store, P::CODEC, Access::Exclusive).unwrap();
    assert!(matches!(writer.rotate(), Err(Error::Storage { .. })));
    // The store works again, and what is in the archive is not known.
    writer.store_mut().at = usize::MAX;
    let refused = writer.append(&event(1), Durability::Synced);
    assert!(
        matches!(refused, Err(Error::Poisoned { .. })),
        "{refused:?}"
    );
    drop(writer);
    place.assert_sound(&[0]);
}

fn event_len(n: u64) -> u64 {
    serde_json::to_vec(&event(n)).unwrap().len() as u64 + 1
}

/// Bytes that a failing append leaves.
const PARTS: [usize; 4] = [0, 1, 70, usize::MAX];

/// What a run of the script was told about the events it appended.
#[derive(Default)]
struct Script {
    met: bool,
    acknowledged: Vec<u64>,
    /// Refused: may not be in the log.
    refused: Vec<u64>,
    /// In flight at the crash, or of unknown durability: may be.
    in_doubt: Vec<u64>,
}

impl Script {
    /// Appends, in batches too, and rotates, over a store with a fault. After [`Fault::Once`] it
    /// goes on as a program would, with a new writer where the old one says so.
    fn run<P: Place>(place: &P, fault: Fault, at: usize, part: usize) -> Self {
        let mut script = Self::default();
        let mut store = Faulty::new(place.store(), fault, at, part);
        let mut next = 0;
        // Each turn is one writer.
        for _ in 0..10 {
            match Writer::open(&mut store, P::CODEC, Access::Exclusive) {
                Ok((mut writer, _)) => script.go_on(&mut writer, &mut next, fault),
                Err(_) if fault == Fault::Once => continue,
                Err(_) => break,
            }
            if next >= END || fault == Fault::FromThenOn {
                break;
            }
        }
        script.met = store.met();
        script
    }

    fn go_on<S: Storage<Error = Failed>>(
        &mut self,
        writer: &mut Writer<S>,
        next: &mut u64,
        fault: Fault,
    ) {
        while *next < END {
            let n = *next;
            *next += 1;
            let (events, result) = match n % 8 {
                3 | 6 => (vec![], writer.rotate().map(drop)),
                4 => {
                    let batch = [event(n * 10), event(n * 10 + 1), event(n * 10 + 2)];
                    let appended = writer.append_batch(&batch, Durability::Synced);
                    let numbers = vec![n * 10, n * 10 + 1, n * 10 + 2];
                    (numbers, appended.map(drop))
                }
                _ => {
                    let appended = writer.append(&event(n * 10), Durability::Synced);
                    (vec![n * 10], appended.map(drop))
                }
            };
            match result {
                Ok(()) => self.acknowledged.extend(events),
                Err(_) if fault == Fault::FromThenOn => {
                    self.in_doubt.extend(events);
                    return;
                }
                Err(Error::DurabilityUnknown { .. }) => {
                    self.in_doubt.extend(events);
                    return;
                }
                Err(Error::Poisoned { .. }) => {
                    self.refused.extend(events);
                    return;
                }
                Err(_) => self.refused.extend(events),
            }
        }
    }

    #[track_caller]
    fn check<P: Place>(&self, place: &P) {
        let found = place.numbers();
        assert!(
            found.is_sorted_by(|a, b| a < b),
            "out of order or twice: {found:?}"
        );
        for n in &self.acknowledged {
            assert!(
                found.contains(n),
                "{n} was acknowledged and is lost: {found:?}"
            );
        }
        for n in &found {
            let known = self.acknowledged.contains(n) || self.in_doubt.contains(n);
            assert!(known, "{n} was refused and is there: {found:?}");
        }
        place.assert_sound(&found);
    }
}

/// How many steps the script has: two rounds of appends, batches and rotations.
const END: u64 = 17;

/// The states that a rotation can be interrupted in are told apart.
pub fn an_interrupted_rotation_is_told<P: Place>() {
    let mut seen = Vec::new();
    for at in 0..40 {
        let place = P::empty();
        Script::run(&place, Fault::FromThenOn, at, 0);
        seen.extend(place.open_reporting().1.rotation);
    }
    assert!(seen.contains(&InterruptedRotation::Undone));
    assert!(seen.contains(&InterruptedRotation::Finished));
}
