//! What can go wrong.

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt::{self, Write as _};

use crate::hash::LineHash;
use crate::storage::Slot;

/// Why an operation on the log failed. `E` is the store's own error.
///
/// Unless a variant says otherwise the operation had no effect and the log is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error<E: core::error::Error + 'static> {
    /// The store refused.
    #[error("cannot {action} {file}: {source}")]
    Storage {
        /// What was tried: "read", "append to", "sync" and so on.
        action: &'static str,
        /// The slot's file name.
        file: String,
        /// The store's error.
        source: E,
    },
    /// Bytes that are part of history cannot be read as an event.
    #[error("corrupt at position {position} ({file}, offset {offset}): {reason}")]
    Corrupt {
        /// Where the line or block starts in the whole history.
        position: u64,
        /// The slot's file name.
        file: String,
        /// Where in that file.
        offset: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// An event is whole, but its data is not of the type asked for.
    #[error("the event at position {position} is not of the type asked for: {reason}")]
    Mismatch {
        /// Where the line starts in the whole history.
        position: u64,
        /// What does not fit.
        reason: String,
    },
    /// `append_if` expected another end of the log. Nothing was written.
    #[error(
        "conflict: expected the log to end at position {expected} after line {expected_hash}, \
         it ends at {found} after line {found_hash}; read what is new and decide again"
    )]
    Conflict {
        /// The end that the caller expected.
        expected: u64,
        /// The hash of the last line that the caller expected.
        expected_hash: LineHash,
        /// Where the log ends.
        found: u64,
        /// The hash of its last line.
        found_hash: LineHash,
    },
    /// An earlier failure left the writer unsure of what is on disk. Nothing was written.
    #[error("the writer stopped after a failure ({reason}); open the log again to go on")]
    Poisoned {
        /// The failure.
        reason: String,
    },
    /// The events are in the log or not, durable or not: the store failed at a point where this
    /// cannot be known. The writer is poisoned; open the log again and read from `position`.
    #[error(
        "durability unknown from position {position} on: cannot {action} {file}: {source}; \
         open the log again and read from there"
    )]
    DurabilityUnknown {
        /// Where the first event in doubt starts.
        position: u64,
        /// What was tried.
        action: &'static str,
        /// The slot's file name.
        file: String,
        /// The store's error.
        source: E,
    },
    /// The event's line is longer than [`MAX_LINE`](crate::MAX_LINE). Nothing was written.
    #[error("the event takes {len} bytes, more than the limit of {limit}")]
    TooLarge {
        /// The length of its line in bytes.
        len: usize,
        /// The limit.
        limit: usize,
    },
    /// What was given cannot be written so that it reads back equal. Nothing was written.
    #[error("cannot be written so that it reads back equal: {reason}")]
    Unreadable {
        /// What stands in the way.
        reason: String,
    },
    /// The operation is safe only where nobody else writes, and this writer was opened without a
    /// lock.
    #[error("cannot {action} without the lock: others may be writing; open with LockMode::Flock")]
    NotExclusive {
        /// What was asked for.
        action: &'static str,
    },
    /// A position past the end of the log: it belongs to another log, or to events that were
    /// never durable and went in a crash.
    #[error("position {position} lies beyond the end of the log at {end}")]
    Beyond {
        /// The position given.
        position: u64,
        /// Where the log ends.
        end: u64,
    },
    /// A position inside a line.
    #[error("position {position} is not the start of an event")]
    NotABoundary {
        /// The position given.
        position: u64,
    },
    /// The log no longer holds the events before this position that were folded: a crash or a failed
    /// sync took them, and others may have their place, or it is another log.
    #[error(
        "the log no longer holds the events before position {position} that were folded; fold again \
         from the first"
    )]
    Diverged {
        /// Up to where events were folded.
        position: u64,
    },
    /// A view's name that cannot be a file's name on every system.
    #[error("view name \"{}\" {reason}", Shown(.name))]
    ViewName {
        /// The name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}

impl<E: core::error::Error + 'static> Error<E> {
    pub(crate) fn storage(action: &'static str, slot: Slot<'_>, source: E) -> Self {
        Self::Storage {
            action,
            file: slot.to_string(),
            source,
        }
    }

    pub(crate) fn corrupt(
        position: u64,
        slot: Slot<'_>,
        offset: u64,
        reason: impl Into<String>,
    ) -> Self {
        Self::Corrupt {
            position,
            file: slot.to_string(),
            offset,
            reason: reason.into(),
        }
    }

    /// Says which event of a batch cannot be written.
    pub(crate) fn of_event(self, index: usize) -> Self {
        match self {
            Self::Unreadable { reason } => Self::Unreadable {
                reason: format!("event {index} of the batch, counted from 0: {reason}"),
            },
            error => error,
        }
    }
}

/// A text with its control characters escaped. The module for JavaScript is built without `Debug`.
pub(crate) struct Shown<'a>(pub(crate) &'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '"' | '\\' => write!(f, "\\{c}"),
            c if c.is_control() => c.escape_unicode().fmt(f),
            c => f.write_char(c),
        })
    }
}
