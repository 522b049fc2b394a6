//! What a crash or a failing store leaves, and what opening makes of it.

use eventfold_core::{
    Access, Durability, Error, InterruptedRotation, Slot, Source, Storage, Writer,
};
use serde_json::Value;

use crate::faulty::{Failed, Fault, Faulty};
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
    let store = Faulty::new(place.store(), Fault::FromThenOn, 2, 7);
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
        assert!(place.store().len(Slot::Log).is_ok());
    }
    assert!(seen.contains(&InterruptedRotation::Undone));
    assert!(seen.contains(&InterruptedRotation::Finished));
}
