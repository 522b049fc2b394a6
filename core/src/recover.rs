//! Opening: what a crash left is repaired, and nothing is cut that is not kept somewhere.

use alloc::format;
use alloc::vec::Vec;
use core::fmt;

use memchr::memrchr;

use crate::archive::{BlockMark, Codec, Decoder, Seal, Tail};
use crate::error::Error;
use crate::history::Extent;
use crate::line::{self, MAX_LINE};
use crate::named::{NamedSource, NamedStorage};
use crate::planted::{Bug, planted, unless};
use crate::storage::{Slot, Storage};
use crate::torn::TornTail;

const COPY_LEN: u64 = 256 << 10;

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

impl fmt::Display for Recovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let torn = Slot::Torn;
        let mut sep = "";
        let mut say = |done: bool, text: fmt::Arguments<'_>| {
            if done {
                write!(f, "{sep}{text}")?;
                sep = ", ";
            }
            Ok(())
        };
        let (log, archive) = (self.torn_log_bytes, self.torn_archive_bytes);
        let adopted = self.adopted_bytes;
        say(self.is_clean(), format_args!("nothing to repair"))?;
        say(
            log > 0,
            format_args!("cut {log} bytes of a torn line, kept in {torn}"),
        )?;
        say(
            archive > 0,
            format_args!("cut {archive} bytes of a torn frame, kept in {torn}"),
        )?;
        say(
            self.completed_line,
            format_args!("ended a whole event with its newline"),
        )?;
        match self.rotation {
            Some(InterruptedRotation::Undone) => say(true, format_args!("undid a rotation"))?,
            Some(InterruptedRotation::Kept) => say(
                true,
                format_args!("sealed what the archive has of a rotation whose end is missing"),
            )?,
            Some(_) => say(true, format_args!("finished a rotation"))?,
            None => {}
        }
        say(
            adopted > 0,
            format_args!("sealed {adopted} bytes that another writer archived"),
        )
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
        LogIs::Whole => tail.counted_to,
        LogIs::Part | LogIs::Other => tail.whole_to(),
    };
    if had_rotation {
        recovery.rotation = Some(match log {
            LogIs::Whole => InterruptedRotation::Undone,
            LogIs::Part => InterruptedRotation::Finished,
            LogIs::Other => InterruptedRotation::Kept,
        });
    }
    recovery.adopted_bytes = tail.counted_end() - tail.sealed_end;
    let (whole_to, position) = (tail.whole_to(), tail.end());
    let mut blocks = tail.counted;
    if log != LogIs::Whole {
        blocks.append(&mut tail.pending);
    }
    let seal = Seal::new(tail.sealed_to, archived, tail.sealed_end, blocks)?;
    if whole_to < tail.archive_len {
        recovery.torn_archive_bytes = tail.archive_len - whole_to;
        keep(store, Slot::Archive, whole_to, tail.archive_len, position)?;
    }
    if archived < tail.archive_len {
        store.cut(Slot::Archive, archived)?;
    }
    // What a killed process wrote is seen before it is durable, and what is appended now relies
    // on it: a seal that went in a power cut would leave its rotation to be settled again.
    if tail.archive_len > 0 {
        unless(Bug::SeenTakenForDurable, || store.settle(Slot::Archive))?;
    }
    // Frames without content get their seal too: each seal starts where the one before ends.
    if archived == tail.sealed_to || seal.blocks.is_empty() && planted(Bug::EmptyFramesUnsealed) {
        return Ok(tail.sealed_end);
    }
    if had_rotation && (log == LogIs::Part || planted(Bug::LogUncompared)) {
        store.cut(Slot::Log, 0)?;
    }
    store.add_for_good(Slot::Archive, archived, &seal.encode())?;
    Ok(seal.end_position())
}

/// What the log is, compared with the content of a rotation without a seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LogIs {
    /// It begins with all of that content; also where there is none.
    Whole,
    /// It holds only a part of that content, or nothing.
    Part,
    /// Something else.
    Other,
}

/// Compares the log with the pending blocks, and counts everything from the first of them that
/// is damaged as torn.
fn compare<S: Storage>(store: &S, codec: Codec, tail: &mut Tail) -> Result<LogIs, Error<S::Error>> {
    let mut decoder = Decoder::new(codec);
    let (mut log, mut offset, mut whole) = (LogIs::Whole, 0, 0);
    let mut content = Vec::new();
    for block in &tail.pending {
        if !decoder.read(store, block, &mut content)? {
            tail.torn = Some(block.frame - BlockMark::LEN as u64);
            break;
        }
        whole += 1;
        let bytes = store.bytes(Slot::Log, offset, content.len())?;
        offset += bytes.len() as u64;
        if log == LogIs::Other || !content.starts_with(&bytes) {
            log = LogIs::Other;
        } else if bytes.len() < content.len() {
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
    let len = store.length(Slot::Log)?;
    if planted(Bug::TornLineLeft) {
        return Ok(len);
    }
    let mut keep_to = line_start(store, base, len)?;
    if keep_to < len && len - keep_to <= MAX_LINE as u64 {
        let fragment = store.bytes_between(Slot::Log, keep_to, len, base + keep_to)?;
        if line::is_event(&fragment) {
            store.add_for_good(Slot::Log, len, b"\n")?;
            recovery.completed_line = true;
            return Ok(len + 1);
        }
    }
    keep_to = torn_tail_start(store, base, keep_to)?;
    if keep_to < len {
        recovery.torn_log_bytes = len - keep_to;
        keep(store, Slot::Log, keep_to, len, base + keep_to)?;
        store.cut(Slot::Log, keep_to)?;
    } else {
        // As with the archive; an empty log too can be one whose end was cut and not synced.
        unless(Bug::SeenLogTakenForDurable, || store.settle(Slot::Log))?;
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
    if planted(Bug::CutUnkept) {
        return Ok(());
    }
    let len = to - from;
    let head = format!(
        "{{\"cut_from\":\"{slot}\",\"offset\":{from},\"position\":{position},\"bytes\":{len}}}\n"
    );
    let torn_len = store.length(Slot::Torn)?;
    store.add(Slot::Torn, head.as_bytes())?;
    let mut at = from;
    while at < to {
        let next = to.min(at + COPY_LEN);
        let bytes = store.bytes_between(slot, at, next, position)?;
        store.add(Slot::Torn, &bytes)?;
        at = next;
    }
    store.add_for_good(Slot::Torn, torn_len, b"\n")
}

/// Offset after the last newline before offset `end`, or 0.
fn line_start<S: Storage>(store: &S, base: u64, end: u64) -> Result<u64, Error<S::Error>> {
    let mut to = end;
    while to > 0 {
        let from = to.saturating_sub(COPY_LEN);
        let bytes = store.bytes_between(Slot::Log, from, to, base + from)?;
        if let Some(newline) = memrchr(b'\n', &bytes) {
            return Ok(from + newline as u64 + 1);
        }
        to = from;
    }
    Ok(0)
}

/// Offset where the torn tail of the whole lines before offset `end` begins.
fn torn_tail_start<S: Storage>(store: &S, base: u64, end: u64) -> Result<u64, Error<S::Error>> {
    let (mut tail, mut to) = (TornTail::ending_at(end), end);
    while to > 0 {
        let from = to.saturating_sub(COPY_LEN);
        let bytes = store.bytes_between(Slot::Log, from, to, base + from)?;
        if !tail.goes_on_before(&bytes, from) {
            return Ok(tail.start);
        }
        to = from;
    }
    tail.takes_line_at(0);
    Ok(tail.start)
}
