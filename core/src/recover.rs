//! Opening: what a crash left is repaired, and nothing is cut that is not kept somewhere.

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use memchr::memrchr;

use crate::archive::{BlockMark, Codec, Decoder, Seal, Tail};
use crate::error::Error;
use crate::history::Extent;
use crate::line::{self, MAX_LINE};
use crate::rotate::{append_seal, empty_log, sync, truncate};
use crate::storage::{Slot, Storage};

const COPY_LEN: usize = 256 << 10;

/// What opening found and repaired. The default is a log that needed nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Recovery {
    /// Bytes of a torn line, or of lines with NULs, cut off the log's end and kept in `torn.bin`.
    pub torn_log_bytes: u64,
    /// Bytes of a torn frame cut off the archive's end and kept in `torn.bin`.
    pub torn_archive_bytes: u64,
    /// The log ended in a whole event without its newline, which it now has.
    pub completed_line: bool,
    /// What became of a rotation that a crash interrupted.
    pub rotation: Option<InterruptedRotation>,
    /// Bytes of history that another writer archived, now sealed.
    pub adopted_bytes: u64,
}

impl Recovery {
    /// Whether the log needed no repair.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        *self == Self::default()
    }
}

/// How recovery settled a rotation without a seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum InterruptedRotation {
    /// The log was whole still: the copy in the archive was dropped.
    Undone,
    /// The log was emptied already, or all it held is in the archive: it was sealed.
    Finished,
    /// The log holds something else: the archive's part was sealed and the log kept.
    Kept,
}

/// Repairs the store for its only writer.
///
/// Each step leaves a state that the next call understands, so a crash in here is repaired like
/// any other, and a second call finds nothing to do.
pub(crate) fn recover<S: Storage>(
    store: &mut S,
    codec: Codec,
) -> Result<(Extent, Recovery), Error<S::Error>> {
    let mut recovery = Recovery::default();
    let base = recover_archive(store, codec, &mut recovery)?;
    let log_len = recover_log(store, base, &mut recovery)?;
    Ok((Extent { base, log_len }, recovery))
}

/// Leaves an archive that ends with a seal, and returns the position after it.
fn recover_archive<S: Storage>(
    store: &mut S,
    codec: Codec,
    recovery: &mut Recovery,
) -> Result<u64, Error<S::Error>> {
    let mut tail = Tail::read(store)?;
    let had_rotation = !tail.pending.is_empty();
    let log = compare(store, codec, &mut tail)?;
    let archived = match log {
        // The copy may go, whole or torn: the log has all of it.
        LogIs::Longer => tail.counted_to,
        LogIs::Part | LogIs::Other => tail.whole_to(),
    };
    if had_rotation {
        recovery.rotation = Some(match log {
            LogIs::Longer => InterruptedRotation::Undone,
            LogIs::Part => InterruptedRotation::Finished,
            LogIs::Other => InterruptedRotation::Kept,
        });
    }
    let whole_to = tail.whole_to();
    if whole_to < tail.archive_len {
        recovery.torn_archive_bytes = tail.archive_len - whole_to;
        let position = tail.end(true);
        keep(store, Slot::Archive, whole_to, tail.archive_len, position)?;
    }
    if archived < tail.archive_len {
        truncate(store, Slot::Archive, archived)?;
    }
    recovery.adopted_bytes = tail.end(false) - tail.sealed_end;
    let mut blocks = tail.counted;
    if log != LogIs::Longer {
        blocks.append(&mut tail.pending);
    }
    if blocks.is_empty() {
        return Ok(tail.sealed_end);
    }
    sync(store, Slot::Archive)?;
    if had_rotation && log == LogIs::Part {
        empty_log(store)?;
    }
    let seal = Seal::new(tail.sealed, archived, tail.sealed_end, blocks);
    append_seal(store, &seal)?;
    Ok(seal.end_position())
}

/// What the log is, compared with the content of a rotation without a seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LogIs {
    /// It begins with that content, or there is none.
    Longer,
    /// It holds only a part of that content, or nothing.
    Part,
    /// Something else.
    Other,
}

/// Compares the log with the pending blocks, and counts everything from the first of them that
/// is damaged as torn.
fn compare<S: Storage>(store: &S, codec: Codec, tail: &mut Tail) -> Result<LogIs, Error<S::Error>> {
    let mut decoder = Decoder::new(codec);
    let (mut log, mut offset, mut whole) = (LogIs::Longer, 0, 0);
    for block in &tail.pending {
        let content = decoder
            .read(store, block)
            .map_err(|error| Error::reading(Slot::Archive, error))?;
        let Some(content) = content else {
            tail.torn = Some(block.frame - BlockMark::LEN as u64);
            break;
        };
        whole += 1;
        let mut bytes = vec![0; content.len()];
        let n = store
            .read_at(Slot::Log, offset, &mut bytes)
            .map_err(|error| Error::reading(Slot::Log, error))?;
        offset += n as u64;
        if log == LogIs::Other || content.get(..n) != bytes.get(..n) {
            log = LogIs::Other;
        } else if n < content.len() {
            log = LogIs::Part;
        }
    }
    tail.pending.truncate(whole);
    Ok(log)
}

/// Leaves a log that ends with a whole line, and returns its length.
fn recover_log<S: Storage>(
    store: &mut S,
    base: u64,
    recovery: &mut Recovery,
) -> Result<u64, Error<S::Error>> {
    let len = store
        .len(Slot::Log)
        .map_err(|error| Error::reading(Slot::Log, error))?;
    let mut keep_to = line_start(store, len)?;
    if keep_to < len && len - keep_to <= MAX_LINE as u64 {
        let fragment = read(store, keep_to, len)?;
        if line::is_event(&fragment) {
            store
                .append(Slot::Log, b"\n")
                .map_err(|error| Error::storage("append to", Slot::Log, error))?;
            sync(store, Slot::Log)?;
            recovery.completed_line = true;
            return Ok(len + 1);
        }
    }
    // A power cut leaves NULs where a line's bytes did not reach the disk.
    while keep_to > 0 {
        let start = line_start(store, keep_to - 1)?;
        if !any_nul(store, start, keep_to)? {
            break;
        }
        keep_to = start;
    }
    if keep_to < len {
        recovery.torn_log_bytes = len - keep_to;
        keep(store, Slot::Log, keep_to, len, base + keep_to)?;
        truncate(store, Slot::Log, keep_to)?;
    }
    Ok(keep_to)
}

/// Copies a slot's bytes that are about to be cut to `torn.bin`, behind one line that says what
/// they are.
fn keep<S: Storage>(
    store: &mut S,
    slot: Slot<'_>,
    from: u64,
    to: u64,
    position: u64,
) -> Result<(), Error<S::Error>> {
    let keeping = |error| Error::storage("append to", Slot::Torn, error);
    let len = to - from;
    let head = format!(
        "{{\"cut_from\":\"{slot}\",\"offset\":{from},\"position\":{position},\"bytes\":{len}}}\n"
    );
    store.append(Slot::Torn, head.as_bytes()).map_err(keeping)?;
    let mut at = from;
    while at < to {
        let mut bytes = vec![0; COPY_LEN.min((to - at) as usize)];
        let n = store
            .read_at(slot, at, &mut bytes)
            .map_err(|error| Error::reading(slot, error))?;
        bytes.truncate(n);
        store.append(Slot::Torn, &bytes).map_err(keeping)?;
        at += n.max(1) as u64;
    }
    store.append(Slot::Torn, b"\n").map_err(keeping)?;
    sync(store, Slot::Torn)
}

/// Offset after the last newline before offset `end`, or 0.
fn line_start<S: Storage>(store: &S, end: u64) -> Result<u64, Error<S::Error>> {
    let mut to = end;
    while to > 0 {
        let from = to.saturating_sub(COPY_LEN as u64);
        if let Some(newline) = memrchr(b'\n', &read(store, from, to)?) {
            return Ok(from + newline as u64 + 1);
        }
        to = from;
    }
    Ok(0)
}

fn any_nul<S: Storage>(store: &S, from: u64, to: u64) -> Result<bool, Error<S::Error>> {
    let mut at = from;
    while at < to {
        let until = to.min(at + COPY_LEN as u64);
        if line::holds_nul(&read(store, at, until)?) {
            return Ok(true);
        }
        at = until;
    }
    Ok(false)
}

/// The log's bytes between two offsets.
fn read<S: Storage>(store: &S, from: u64, to: u64) -> Result<Vec<u8>, Error<S::Error>> {
    let mut bytes = vec![0; (to - from) as usize];
    let n = store
        .read_at(Slot::Log, from, &mut bytes)
        .map_err(|error| Error::reading(Slot::Log, error))?;
    bytes.truncate(n);
    Ok(bytes)
}
