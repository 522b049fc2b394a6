//! What can go wrong, with the file it went wrong in.

use std::io;
use std::path::{Path, PathBuf};

use eventfold_core::LineHash;

use crate::lock::Holder;

/// What the log's core says, without the directory it is about.
pub(crate) type CoreError = eventfold_core::Error<io::Error>;

/// The typed error inside the [`io::Error`] that this crate's functions return.
///
/// Unless a variant says otherwise the operation had no effect and the log is as it was.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// use eventfold::{Error, EventWriter};
///
/// let _writer = EventWriter::open(dir.path())?;
/// let refused = EventWriter::open(dir.path()).map(drop).unwrap_err();
/// assert!(matches!(Error::of(&refused), Some(Error::Locked { .. })));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another open file holds the lock, in this process or another one.
    /// [`io::ErrorKind::AlreadyExists`].
    #[error(
        "another writer holds the lock on {}{}; close it, or read with EventReader, which needs no lock",
        path.display(),
        by(holder.as_ref())
    )]
    Locked {
        /// The log file.
        path: PathBuf,
        /// Who holds it, where the system tells.
        holder: Option<Holder>,
    },
    /// Bytes that are part of history cannot be read as an event. [`io::ErrorKind::InvalidData`].
    #[error("{}: corrupt at position {position} (offset {offset} of the file): {reason}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Where the line or block starts in the whole history.
        position: u64,
        /// Where in the file.
        offset: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// An event is whole, but its data is not of the type asked for.
    /// [`io::ErrorKind::InvalidData`].
    #[error("{}: the event at position {position} is not of the type asked for: {reason}", dir.display())]
    Mismatch {
        /// The log's directory.
        dir: PathBuf,
        /// Where the line starts in the whole history.
        position: u64,
        /// What does not fit.
        reason: String,
    },
    /// `append_if` expected another end of the log. Nothing was written.
    #[error(
        "{}: expected the log to end at position {expected} after line {expected_hash}, it ends at \
         {found} after line {found_hash}; read what is new and decide again",
        dir.display()
    )]
    Conflict {
        /// The log's directory.
        dir: PathBuf,
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
    #[error("{}: this writer stopped after a failure ({reason}); open the log again to go on", dir.display())]
    Poisoned {
        /// The log's directory.
        dir: PathBuf,
        /// The failure.
        reason: String,
    },
    /// The events are in the log or not, durable or not: the file system failed at a point where
    /// this cannot be known. The writer is poisoned. The kind is that of the failure.
    #[error(
        "{}: durability unknown from position {position} on: cannot {action} the file: {source}; \
         open the log again and read from there",
        path.display()
    )]
    DurabilityUnknown {
        /// The file.
        path: PathBuf,
        /// Where the first event in doubt starts.
        position: u64,
        /// What was tried.
        action: &'static str,
        /// The failure.
        source: io::Error,
    },
    /// The event's line is longer than [`MAX_LINE`](crate::MAX_LINE).
    /// [`io::ErrorKind::InvalidInput`].
    #[error("{}: the event takes {len} bytes, more than the limit of {limit}; nothing was written", dir.display())]
    TooLarge {
        /// The log's directory.
        dir: PathBuf,
        /// The length of its line in bytes.
        len: usize,
        /// The limit.
        limit: usize,
    },
    /// What was given cannot be written so that it reads back equal. [`io::ErrorKind::InvalidInput`].
    #[error("{}: cannot be written so that it reads back equal: {reason}; nothing was written", dir.display())]
    Unreadable {
        /// The log's directory.
        dir: PathBuf,
        /// What stands in the way.
        reason: String,
    },
    /// The operation is safe only where nobody else writes, and this writer holds no lock.
    /// [`io::ErrorKind::Unsupported`].
    #[error("{}: cannot {action} without the lock, since others may be writing; open with LockMode::Flock", dir.display())]
    NotExclusive {
        /// The log's directory.
        dir: PathBuf,
        /// What was asked for.
        action: &'static str,
    },
    /// A position past the end of the log: it belongs to another log, or to events that were
    /// never durable and went in a crash. [`io::ErrorKind::InvalidInput`].
    #[error("{}: position {position} lies beyond the end of the log at {end}", dir.display())]
    Beyond {
        /// The log's directory.
        dir: PathBuf,
        /// The position given.
        position: u64,
        /// Where the log ends.
        end: u64,
    },
    /// A position inside a line. [`io::ErrorKind::InvalidInput`].
    #[error("{}: position {position} is not the start of an event", dir.display())]
    NotABoundary {
        /// The log's directory.
        dir: PathBuf,
        /// The position given.
        position: u64,
    },
    /// The log no longer holds the events before this position that a view has folded: a crash or a
    /// failed sync took them, and others may have their place, or it is another log. Only
    /// [`View::rebuild`](crate::View::rebuild) helps. [`io::ErrorKind::InvalidInput`].
    #[error(
        "{}: the log no longer holds the events before position {position} that the view has folded; \
         rebuild it",
        dir.display()
    )]
    Diverged {
        /// The log's directory.
        dir: PathBuf,
        /// Up to where the view has folded.
        position: u64,
    },
    /// No such view can be: its name is not a file name on every system, or is taken; or there is
    /// none of that name and type. [`io::ErrorKind::InvalidInput`].
    #[error("view {name:?} {reason}")]
    View {
        /// The name.
        name: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// The file system refused. The kind is that of the refusal.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The refusal.
        source: io::Error,
    },
}

impl Error {
    /// The typed error inside `error`, if it came from this crate.
    #[must_use]
    pub fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }

    /// Adds where the log lies to an error of the log's core.
    pub(crate) fn in_dir(dir: &Path, error: CoreError) -> Self {
        let dir = dir.to_path_buf();
        match error {
            CoreError::Storage {
                action,
                file,
                source,
            } => Self::Io {
                action,
                path: dir.join(file),
                source,
            },
            CoreError::Corrupt {
                position,
                file,
                offset,
                reason,
            } => Self::Corrupt {
                path: dir.join(file),
                position,
                offset,
                reason,
            },
            CoreError::Mismatch { position, reason } => Self::Mismatch {
                dir,
                position,
                reason,
            },
            CoreError::Conflict {
                expected,
                expected_hash,
                found,
                found_hash,
            } => Self::Conflict {
                dir,
                expected,
                expected_hash,
                found,
                found_hash,
            },
            CoreError::Poisoned { reason } => Self::Poisoned { dir, reason },
            CoreError::DurabilityUnknown {
                position,
                action,
                file,
                source,
            } => Self::DurabilityUnknown {
                path: dir.join(file),
                position,
                action,
                source,
            },
            CoreError::TooLarge { len, limit } => Self::TooLarge { dir, len, limit },
            CoreError::Unreadable { reason } => Self::Unreadable { dir, reason },
            CoreError::NotExclusive { action } => Self::NotExclusive { dir, action },
            CoreError::Beyond { position, end } => Self::Beyond { dir, position, end },
            CoreError::NotABoundary { position } => Self::NotABoundary { dir, position },
            CoreError::Diverged { position } => Self::Diverged { dir, position },
            CoreError::ViewName { name, reason } => Self::View { name, reason },
            other => Self::Io {
                action: "use the log",
                path: dir,
                source: io::Error::other(other.to_string()),
            },
        }
    }

    /// A copy for each append that shared a failed write. The errors of a writer keep their variant.
    pub(crate) fn duplicate(&self) -> Self {
        match self {
            Self::Poisoned { dir, reason } => Self::Poisoned {
                dir: dir.clone(),
                reason: reason.clone(),
            },
            Self::DurabilityUnknown {
                path,
                position,
                action,
                source,
            } => Self::DurabilityUnknown {
                path: path.clone(),
                position: *position,
                action,
                source: again(source),
            },
            Self::Io {
                action,
                path,
                source,
            } => Self::Io {
                action,
                path: path.clone(),
                source: again(source),
            },
            Self::Corrupt {
                path,
                position,
                offset,
                reason,
            } => Self::Corrupt {
                path: path.clone(),
                position: *position,
                offset: *offset,
                reason: reason.clone(),
            },
            Self::NotExclusive { dir, action } => Self::NotExclusive {
                dir: dir.clone(),
                action,
            },
            other => Self::Io {
                action: "append to the log",
                path: PathBuf::new(),
                source: io::Error::new(other.kind(), other.to_string()),
            },
        }
    }

    fn kind(&self) -> io::ErrorKind {
        match self {
            Self::Locked { .. } => io::ErrorKind::AlreadyExists,
            Self::Corrupt { .. } | Self::Mismatch { .. } => io::ErrorKind::InvalidData,
            Self::Conflict { .. } | Self::Poisoned { .. } => io::ErrorKind::Other,
            Self::TooLarge { .. }
            | Self::Unreadable { .. }
            | Self::Beyond { .. }
            | Self::NotABoundary { .. }
            | Self::Diverged { .. }
            | Self::View { .. } => io::ErrorKind::InvalidInput,
            Self::NotExclusive { .. } => io::ErrorKind::Unsupported,
            Self::DurabilityUnknown { source, .. } | Self::Io { source, .. } => source.kind(),
        }
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        Self::new(error.kind(), error)
    }
}

fn again(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}

fn by(holder: Option<&Holder>) -> String {
    let Some(holder) = holder else {
        return String::new();
    };
    let program = holder.program.as_ref();
    let program = program.map_or_else(String::new, |program| format!("{program}, "));
    // Its pid says nothing here if it runs elsewhere.
    let host = holder.host.as_deref().filter(|_| holder.is_elsewhere());
    let host = host.map_or_else(String::new, |host| format!(" on {host}"));
    format!(" (held by {program}pid {}{host})", holder.pid)
}
