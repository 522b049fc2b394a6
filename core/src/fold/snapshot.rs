//! The file that keeps a fold between runs.
//!
//! One JSON object: `state`; `offset`, see below; `hash`, that of the last line folded;
//! `position`, the one after it; `version`, what its author numbers the view's code with, where it
//! is not 0; and last `check`, the xxh64 of everything before it. The crate
//! `eventfold` 0.2.0 reads the first three, with `offset` counted from the start of the present
//! `app.jsonl`, and believes it if a line with that hash ends there. After a rotation another line
//! with the same bytes can, so `offset` lies beyond any log, which makes that crate rebuild. Its
//! own snapshots have no `check` and are not believed here.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::hash::Hasher as _;

use serde::Serialize;
use twox_hash::XxHash64;

use super::{Fold, check_view_name};
use crate::archive::Codec;
use crate::error::{Error, Shown};
use crate::hash::LineHash;
use crate::history::{Extent, History};
use crate::line;
use crate::named::NamedSource;
use crate::planted::{Bug, planted};
use crate::storage::{Slot, Source, Storage};

const STATE: &str = "{\"state\":";
const OFFSET: &str = ",\"offset\":";
const HASH: &str = ",\"hash\":\"";
const POSITION: &str = "\",\"position\":";
const VERSION: &str = ",\"version\":";
const CHECK: &str = ",\"check\":\"";
const END: &str = "\"}\n";
/// Beyond the end of any log.
const NO_OFFSET: u64 = u64::MAX;
const SUFFIX_LEN: usize = CHECK.len() + 16 + END.len();
/// A snapshot of more bytes than this is checked before memory for all of it is taken.
const LARGE: usize = 1 << 20;

/// A state as a snapshot keeps it, for a program that makes and parses the JSON by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The state, as JSON.
    pub state: String,
    /// Position after the last event folded.
    pub position: u64,
    /// The hash of the last line folded.
    pub hash: LineHash,
    /// The version of the reducer that folded it.
    pub version: u32,
}

/// Why a view has no snapshot to go on from, so that its events are folded from the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoSnapshot {
    /// None was saved under its name.
    Missing,
    /// What lies there is damaged, or was saved by another program or over another history, also
    /// over events that a crash has taken.
    Foreign,
    /// It is whole, and was folded from events that are not there: the log ends before them. A crash
    /// took them, or it is of another history.
    Ahead {
        /// Up to where it was folded.
        position: u64,
        /// Where the log ends.
        end: u64,
    },
    /// It was folded by another version of the view.
    Version {
        /// Which.
        found: u32,
    },
    /// Its state is not of the view's type.
    State,
}

impl Snapshot {
    /// As [`Fold::find`]; without a version, one of any.
    ///
    /// # Errors
    /// As [`Fold::find`].
    pub fn find<S: Source>(
        source: &S,
        codec: Codec,
        name: &str,
        version: Option<u32>,
    ) -> Result<Result<Self, NoSnapshot>, Error<S::Error>> {
        check_view_name(name)?;
        let len = source.length(Slot::Snapshot(name))?;
        if len == 0 {
            return Ok(Err(NoSnapshot::Missing));
        }
        let Some(snapshot) = read_checked(source, name, len)?.and_then(parse) else {
            return Ok(Err(NoSnapshot::Foreign));
        };
        let found = snapshot.version;
        if version.is_some_and(|wanted| wanted != found) && !planted(Bug::SnapshotOfAnyVersion) {
            return Ok(Err(NoSnapshot::Version { found }));
        }
        // It was folded from this history if the line before its position is the same.
        let mut history = History::new(codec);
        let position = snapshot.position;
        let found = history
            .hash_before(source, position)
            .and_then(|hash| Ok((hash, history.extent(source)?)));
        match found {
            Ok((hash, _)) if hash == Some(snapshot.hash) || planted(Bug::SnapshotOfAnyLog) => {
                Ok(Ok(snapshot))
            }
            Ok((_, Extent { base, log_len })) if position > base + log_len => {
                let end = base + log_len;
                Ok(Err(NoSnapshot::Ahead { position, end }))
            }
            Ok(_) | Err(Error::Corrupt { .. }) => Ok(Err(NoSnapshot::Foreign)),
            Err(error) => Err(error),
        }
    }

    /// As [`Fold::save`].
    ///
    /// # Errors
    /// As [`Fold::save`].
    pub fn save<S: Storage>(&self, store: &mut S, name: &str) -> Result<(), Error<S::Error>> {
        check_view_name(name)?;
        line::check_value(self.state.as_bytes()).map_err(|reason| unreadable(name, &reason))?;
        let state = self.state.as_bytes();
        write(store, name, state, self.position, self.hash, self.version)
    }
}

impl<T: Serialize> Fold<T> {
    /// Saves the fold under this name, in place of what was saved before.
    ///
    /// # Errors
    /// [`Error::Unreadable`] when the state cannot be written so that it reads back equal,
    /// [`Error::ViewName`], and [`Error::Storage`]. The snapshot before stays in each case.
    pub fn save<S: Storage>(&self, store: &mut S, name: &str) -> Result<(), Error<S::Error>> {
        check_view_name(name)?;
        let state = line::to_json(&self.state).map_err(|reason| unreadable(name, &reason))?;
        write(store, name, &state, self.position, self.hash, self.version)
    }
}

fn unreadable<E: core::error::Error>(name: &str, reason: &str) -> Error<E> {
    line::unreadable(format!("the state of view \"{}\": {reason}", Shown(name)))
}

fn write<S: Storage>(
    store: &mut S,
    name: &str,
    state: &[u8],
    position: u64,
    hash: LineHash,
    version: u32,
) -> Result<(), Error<S::Error>> {
    let slot = Slot::Snapshot(name);
    let mut bytes = Vec::with_capacity(state.len() + 128);
    bytes.extend(STATE.as_bytes());
    bytes.extend(state);
    bytes.extend(format!("{OFFSET}{NO_OFFSET}{HASH}{hash}{POSITION}{position}").into_bytes());
    if version > 0 {
        bytes.extend(format!("{VERSION}{version}").into_bytes());
    }
    let check = LineHash::of(&bytes);
    bytes.extend(format!("{CHECK}{check}{END}").into_bytes());
    store
        .replace(slot, &bytes)
        .map_err(|error| Error::storage("replace", slot, error))
}

/// The snapshot in a file's bytes as [`write`] makes them, which is known of them by their check.
fn parse(bytes: Vec<u8>) -> Option<Snapshot> {
    let mut state = String::from_utf8(bytes).ok()?;
    let rest = state.get(..state.len().checked_sub(SUFFIX_LEN)?)?;
    let (rest, version) = number_after(rest, VERSION).unwrap_or((rest, 0));
    let version = u32::try_from(version).ok()?;
    let (rest, position) = number_after(rest, POSITION)?;
    let (rest, hash) = rest.split_at_checked(rest.len().checked_sub(16)?)?;
    let hash = hash.parse().ok()?;
    let (rest, _) = number_after(rest.strip_suffix(HASH)?, OFFSET)?;
    let len = rest.len();
    rest.starts_with(STATE).then_some(())?;
    state.truncate(len);
    state.drain(..STATE.len());
    Some(Snapshot {
        state,
        position,
        hash,
        version,
    })
}

/// The number that `text` ends with, and what stands before its name.
fn number_after<'a>(text: &'a str, name: &str) -> Option<(&'a str, u64)> {
    let rest = text.trim_end_matches(|digit: char| digit.is_ascii_digit());
    let number = text.get(rest.len()..)?.parse().ok()?;
    Some((rest.strip_suffix(name)?, number))
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
fn read_checked<S: Source>(
    source: &S,
    name: &str,
    len: u64,
) -> Result<Option<Vec<u8>>, Error<S::Error>> {
    let slot = Slot::Snapshot(name);
    let check = own_check(source, name, len)?;
    let (Some(check), Ok(len)) = (check, usize::try_from(len)) else {
        return Ok(None);
    };
    let checked = len - SUFFIX_LEN;
    // The length of a damaged file can be any.
    if len > LARGE && hash_of(source, slot, checked)? != check {
        return Ok(None);
    }
    let bytes = source.bytes(slot, 0, len)?;
    let intact = bytes.len() == len
        && bytes
            .get(..checked)
            .is_some_and(|bytes| LineHash::of(bytes) == check || planted(Bug::SnapshotUnchecked));
    Ok(intact.then_some(bytes))
}

/// The hash of a slot's first `len` bytes, in bounded memory.
fn hash_of<S: Source>(source: &S, slot: Slot<'_>, len: usize) -> Result<LineHash, Error<S::Error>> {
    let (mut hash, mut at) = (XxHash64::with_seed(0), 0);
    while at < len {
        let bytes = source.bytes(slot, at as u64, LARGE.min(len - at))?;
        if bytes.is_empty() {
            break;
        }
        hash.write(&bytes);
        at += bytes.len();
    }
    Ok(LineHash(hash.finish()))
}
