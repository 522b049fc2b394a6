//! The file that keeps a fold between runs.
//!
//! One JSON object: `state`; `offset`, see below; `hash`, that of the last line folded;
//! `position`, the one after it; and last `check`, the xxh64 of everything before it. The crate
//! `eventfold` 0.2.0 reads the first three, with `offset` counted from the start of the present
//! `app.jsonl`, and believes it if a line with that hash ends there. After a rotation another line
//! with the same bytes can, so `offset` lies beyond any log, which makes that crate rebuild. Its
//! own snapshots have no `check` and are not believed here.

use alloc::format;
use alloc::vec::Vec;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Fold, check_view_name};
use crate::archive::Codec;
use crate::error::Error;
use crate::hash::LineHash;
use crate::history::History;
use crate::line;
use crate::named::NamedSource;
use crate::planted::{Bug, planted};
use crate::storage::{Slot, Source, Storage};

const CHECK: &str = ",\"check\":\"";
const END: &str = "\"}\n";
/// Beyond the end of any log.
const NO_OFFSET: u64 = u64::MAX;
const SUFFIX_LEN: usize = CHECK.len() + 16 + END.len();

#[derive(Deserialize)]
struct Snapshot<T> {
    state: T,
    hash: LineHash,
    position: u64,
}

impl<T: Serialize> Fold<T> {
    /// Saves the fold under this name, in place of what was saved before.
    ///
    /// # Errors
    /// [`Error::Unreadable`] when the state cannot be written so that it reads back equal,
    /// [`Error::ViewName`], and [`Error::Storage`]. The snapshot before stays in each case.
    pub fn save<S: Storage>(&self, store: &mut S, name: &str) -> Result<(), Error<S::Error>> {
        check_view_name(name)?;
        let slot = Slot::Snapshot(name);
        let state = line::to_json(&self.state).map_err(line::unreadable)?;
        let (position, hash) = (self.position, self.hash);
        let mut bytes = Vec::with_capacity(state.len() + 128);
        bytes.extend(b"{\"state\":");
        bytes.extend(state);
        bytes.extend(
            format!(",\"offset\":{NO_OFFSET},\"hash\":\"{hash}\",\"position\":{position}")
                .into_bytes(),
        );
        let check = LineHash::of(&bytes);
        bytes.extend(format!("{CHECK}{check}{END}").into_bytes());
        store
            .replace(slot, &bytes)
            .map_err(|error| Error::storage("replace", slot, error))
    }
}

pub(super) fn load<T: DeserializeOwned, S: Source>(
    source: &S,
    codec: Codec,
    name: &str,
) -> Result<Option<Fold<T>>, Error<S::Error>> {
    let Some(bytes) = read_checked(source, name)? else {
        return Ok(None);
    };
    let Ok(snapshot) = line::from_json::<Snapshot<T>>(&bytes) else {
        return Ok(None);
    };
    let fold = Fold::made(snapshot.state, snapshot.position, snapshot.hash);
    // It was folded from this history if the line before its position is the same.
    match History::new(source, codec).hash_before(fold.position) {
        Ok(hash) if hash == Some(fold.hash) || planted(Bug::SnapshotOfAnyLog) => Ok(Some(fold)),
        Ok(_) | Err(Error::Corrupt { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether the snapshot of this name, if there is one, was saved by another program. The crate
/// `eventfold` 0.2.0 takes its own for folded up to where the log begins, so a rotation here
/// makes it wrong.
///
/// # Errors
/// [`Error::Storage`] when the source cannot be read.
pub fn is_foreign_snapshot<S: Source>(source: &S, name: &str) -> Result<bool, Error<S::Error>> {
    let len = source.length(Slot::Snapshot(name))?;
    Ok(len > 0 && own_check(source, name, len)?.is_none())
}

/// The `check` at the end of a snapshot of ours, which tells it before anything of unknown size
/// is read.
fn own_check<S: Source>(
    source: &S,
    name: &str,
    len: u64,
) -> Result<Option<LineHash>, Error<S::Error>> {
    let Some(checked) = len.checked_sub(SUFFIX_LEN as u64) else {
        return Ok(None);
    };
    let suffix = source.bytes(Slot::Snapshot(name), checked, SUFFIX_LEN)?;
    Ok(suffix
        .strip_prefix(CHECK.as_bytes())
        .and_then(|rest| rest.strip_suffix(END.as_bytes()))
        .and_then(|hex| core::str::from_utf8(hex).ok()?.parse::<LineHash>().ok()))
}

/// The snapshot's bytes, if they are as they were written.
fn read_checked<S: Source>(source: &S, name: &str) -> Result<Option<Vec<u8>>, Error<S::Error>> {
    let slot = Slot::Snapshot(name);
    let len = source.length(slot)?;
    let check = own_check(source, name, len)?;
    let (Some(check), Ok(len)) = (check, usize::try_from(len)) else {
        return Ok(None);
    };
    let bytes = source.bytes(slot, 0, len)?;
    let intact = bytes.len() == len
        && bytes
            .get(..len - SUFFIX_LEN)
            .is_some_and(|bytes| LineHash::of(bytes) == check || planted(Bug::SnapshotUnchecked));
    Ok(intact.then_some(bytes))
}
