//! A program's life drawn from bytes, against a plain list of what it was told.

mod run;

use eventfold_core::{Access, Durability, Error, Fold, LineHash, Scan, Slot, Storage, Writer};

use super::choices::Choices;
use crate::Place;
use crate::sim::codec::STORED;
use crate::sim::run::VIEW;
use run::{Run, whole};

/// Whatever is done in whatever order, and whatever fails on the way: what was acknowledged is
/// read once and in order, what was refused is not, and a view equals the fold over all of it.
pub fn target(bytes: &[u8]) {
    let mut choices = Choices(bytes);
    let mut run = Run::default();
    while !choices.is_empty() {
        match choices.below(16) {
            0..=2 => append(&mut run, &mut choices),
            3 => append_batch(&mut run, &mut choices),
            4 => append_if(&mut run, &mut choices),
            5 | 6 => rotate(&mut run),
            7 => sync(&mut run),
            8 => reopen(&mut run, &mut choices),
            9 => tear(&mut run, &mut choices),
            10 => refresh(&mut run),
            11 => save(&mut run),
            12 => load(&mut run),
            13 => read(&mut run, &mut choices),
            14 => intrude(&mut run, &mut choices),
            _ => run.plan_failure(&mut choices),
        }
    }
    run.restart();
    append(&mut run, &mut choices);
    rotate(&mut run);
    run.restart();
}

fn durability(choices: &mut Choices<'_>) -> Durability {
    match choices.flag() {
        true => Durability::Synced,
        false => Durability::Buffered,
    }
}

fn append(run: &mut Run, choices: &mut Choices<'_>) {
    let event = run.fresh(choices);
    let appended = run.writer.append(&event, durability(choices));
    run.learn(&[event], appended.map(|at| vec![at]));
}

fn append_batch(run: &mut Run, choices: &mut Choices<'_>) {
    let events: Vec<_> = (0..choices.below(4)).map(|_| run.fresh(choices)).collect();
    let appended = run.writer.append_batch(&events, durability(choices));
    run.learn(&events, appended);
}

/// On a condition that holds, or on one that is a little off.
fn append_if(run: &mut Run, choices: &mut Choices<'_>) {
    let event = run.fresh(choices);
    let (end, hash) = run.end();
    let (after, other) = (choices.below(2) as u64, choices.below(2) as u64);
    let (position, line) = (end + after, LineHash(hash.0 ^ other));
    let appended = run
        .writer
        .append_if(&event, position, line, durability(choices));
    if (after, other) == (0, 0) {
        run.learn(&[event], appended.map(|at| vec![at]));
        return;
    }
    match appended {
        Err(Error::Conflict {
            found, found_hash, ..
        }) => {
            assert_eq!((found, found_hash), (end, hash));
        }
        other => panic!("{other:?}"),
    }
}

fn rotate(run: &mut Run) {
    let log_len = run.writer.log_len();
    match run.writer.rotate() {
        Ok(rotation) => {
            assert_eq!((rotation.bytes, run.writer.log_len()), (log_len, 0));
            assert!(run.place.bytes(Slot::Log).is_empty());
        }
        Err(error) => run.failed(&error, &[]),
    }
}

fn sync(run: &mut Run) {
    if let Err(error) = run.writer.sync() {
        run.failed(&error, &[]);
    }
}

/// At the first attempt, or after one that failed on the way.
fn reopen(run: &mut Run, choices: &mut Choices<'_>) {
    if choices.flag() {
        let mut store = whole(&run.place);
        store.at = choices.below(6);
        if let Err(error) = run::open(store) {
            assert!(matches!(error, Error::Storage { .. }), "{error}");
        }
    }
    run.restart();
}

/// Leaves at the log's end what a crash may leave there.
fn tear(run: &mut Run, choices: &mut Choices<'_>) {
    let event = run.fresh(choices);
    let line = serde_json::to_vec(&event).unwrap();
    let cut = choices.below(line.len() + 1);
    let torn = match choices.below(4) {
        0 => vec![0; cut],
        _ => line[..cut].to_vec(),
    };
    run.place.store().append(Slot::Log, &torn).unwrap();
    run.read_on();
    let recovery = match torn == line {
        true => run.restart_with(&[event]),
        false => run.restart(),
    };
    assert_eq!(recovery.completed_line, torn == line);
    let lost = if torn == line { 0 } else { torn.len() };
    assert_eq!(recovery.torn_log_bytes, lost as u64);
}

/// What another program does that knows of no lock, or that had it for a while.
fn intrude(run: &mut Run, choices: &mut Choices<'_>) {
    if choices.flag() {
        // Archives as eventfold 0.2.0 does, in a frame without marks.
        let (mut store, log) = (run.place.store(), run.place.bytes(Slot::Log));
        if !log.is_empty() {
            store
                .append(
                    Slot::Archive,
                    &(STORED.compress)(std::slice::from_ref(&log)).concat(),
                )
                .unwrap();
            store.truncate(Slot::Log, 0).unwrap();
        }
        assert_eq!(run.restart().adopted_bytes, log.len() as u64);
        return;
    }
    let event = run.fresh(choices);
    let (mut other, _) = Writer::open(run.place.store(), STORED, Access::Shared).unwrap();
    other.append(&event, durability(choices)).unwrap();
    run.know(&[event]);
    run.refuses();
    run.restart();
}

fn refresh(run: &mut Run) {
    run.fold = run.refreshed();
    assert_eq!(*run.fold.state(), run.state());
    assert_eq!((run.fold.position(), run.fold.hash()), run.end());
}

fn save(run: &mut Run) {
    match run.writer.save(&run.fold, VIEW) {
        Ok(()) => run.saved = Some(run.fold.clone()),
        Err(error) => run.failed(&error, &[]),
    }
}

fn load(run: &mut Run) {
    let loaded = Fold::load(&run.place, STORED, VIEW).unwrap();
    assert_eq!(loaded, run.saved);
    run.fold = loaded.unwrap_or_else(run::start);
}

/// From the start of an event, from inside one, or from beyond the end.
fn read(run: &mut Run, choices: &mut Choices<'_>) {
    run.read_on();
    let (end, _) = run.end();
    let from = choices.below(run.known.len() + 1);
    let position = run.known.get(from).map_or(end, |known| known.position);
    let mut scan = Scan::new(run.place.store(), STORED, position);
    run.assert_next(&mut scan, from);
    scan.seek(end + 1);
    assert!(matches!(scan.next_line(), Err(Error::Beyond { .. })));
    if position < end {
        scan.seek(position + 1);
        assert!(matches!(scan.next_line(), Err(Error::NotABoundary { .. })));
    }
}
