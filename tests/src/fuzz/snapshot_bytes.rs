//! Any bytes as a view's snapshot.

use std::convert::Infallible;
use std::sync::LazyLock;

use eventfold_core::{
    Access, Codec, Durability, Error, Fold, LineHash, MemoryStore, Slot, Storage, Writer,
    is_foreign_snapshot,
};
use serde_json::Value;

use super::choices::Choices;
use super::harm::Harm;
use crate::event;

const CODEC: Codec = Codec::PORTABLE;
const NAME: &str = "view";
const SLOT: Slot<'_> = Slot::Snapshot(NAME);

/// A state that depends on the order of what it is folded from.
type State = (u64, Vec<u64>);

/// A log with an archive, and the fold up to each of its events.
static HISTORY: LazyLock<(MemoryStore, Vec<Fold<State>>)> = LazyLock::new(|| {
    let (mut writer, _) = Writer::open(MemoryStore::new(), CODEC, Access::Exclusive).unwrap();
    let mut folds = vec![start()];
    for n in 1..7 {
        writer.append(&event(n), Durability::Synced).unwrap();
        folds.push(refreshed(&folds[folds.len() - 1], writer.store()));
        if n == 2 || n == 4 {
            writer.rotate().unwrap();
        }
    }
    (writer.store().clone(), folds)
});

/// Loading gives nothing or a fold that stands in this history. Unless somebody who knows the
/// format made it up, it equals the fold from the start, and so does its refresh.
pub fn target(bytes: &[u8]) {
    let (mut store, folds) = HISTORY.clone();
    let last = &folds[folds.len() - 1];
    let mut choices = Choices(bytes);
    let kind = choices.below(4);
    let bytes = match kind {
        0 => choices.0.to_vec(),
        1 => {
            let mut bytes = saved(&folds[choices.below(folds.len())]);
            Harm::to(&mut bytes, &mut choices);
            bytes
        }
        2 => checked(choices.0.to_vec()),
        _ => checked(made_up(&folds, &mut choices)),
    };
    store.replace(SLOT, &bytes).unwrap();

    let loaded = Fold::<State>::load(&store, CODEC, NAME).unwrap();
    if let Some(fold) = &loaded {
        assert!(!is_foreign_snapshot(&store, NAME).unwrap());
        let place = |fold: &Fold<State>| (fold.position(), fold.hash());
        assert!(folds.iter().any(|right| place(right) == place(fold)));
        assert!(kind > 1 || folds.contains(fold));
    }
    let further = refreshed(&loaded.unwrap_or_else(start), &store);
    assert_eq!(
        (further.position(), further.hash()),
        (last.position(), last.hash())
    );
    assert!(kind > 1 || further == *last);
    // A view of another type, which has no use for these bytes either way.
    Fold::<String>::load(&store, CODEC, NAME).unwrap();

    let (mut writer, recovery) = Writer::open(store, CODEC, Access::Exclusive).unwrap();
    assert!(
        recovery.is_clean(),
        "a snapshot is nothing to recover: {recovery:?}"
    );
    writer.save(last, NAME).unwrap();
    writer.rotate().unwrap();
    let loaded = Fold::<State>::load(writer.store(), CODEC, NAME).unwrap();
    assert_eq!(loaded.as_ref(), Some(last));
}

fn refreshed(fold: &Fold<State>, store: &MemoryStore) -> Fold<State> {
    let further = fold.refreshed(store, CODEC, |mut state, line| {
        let n = line.event::<Value, Infallible>()?.ts;
        state.0 = state.0.wrapping_mul(31).wrapping_add(n);
        state.1.push(n);
        Ok::<_, Error<Infallible>>(state)
    });
    further.unwrap().unwrap_or_else(|| fold.clone())
}

fn start() -> Fold<State> {
    Fold::new(State::default())
}

fn saved(fold: &Fold<State>) -> Vec<u8> {
    let mut store = MemoryStore::new();
    fold.save(&mut store, NAME).unwrap();
    store.bytes(SLOT).to_vec()
}

/// The fields of a snapshot, each of some fold or of none.
fn made_up(folds: &[Fold<State>], choices: &mut Choices<'_>) -> Vec<u8> {
    let fold = folds[choices.below(folds.len())].clone();
    let other = |choices: &mut Choices<'_>| folds.get(choices.below(2 * folds.len()));
    let state = serde_json::to_value(other(choices).unwrap_or(&fold).state()).unwrap();
    let hash = other(choices).map_or(LineHash(choices.u64()), Fold::hash);
    let position = other(choices).map_or_else(|| choices.u64(), Fold::position);
    format!("{{\"state\":{state},\"hash\":\"{hash}\",\"position\":{position}").into_bytes()
}

/// These bytes with the check behind them that makes them whole.
fn checked(mut bytes: Vec<u8>) -> Vec<u8> {
    let check = LineHash::of(&bytes);
    bytes.extend(format!(",\"check\":\"{check}\"}}\n").into_bytes());
    bytes
}
