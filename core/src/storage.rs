//! The seam between the log and whatever holds its bytes.

use core::fmt;

/// One of the files a log is made of. The set is closed: a store never sees a path.
///
/// `Display` writes the file's name relative to the log's directory, the same on every store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Slot<'a> {
    /// The active log: `app.jsonl`.
    Log,
    /// Rotated history: `archive.jsonl.zst`.
    Archive,
    /// Bytes that recovery removed, kept for a person to look at: `torn.bin`.
    Torn,
    /// The saved state of the view of this name: `views/<name>.snapshot.json`.
    Snapshot(&'a str),
}

impl fmt::Display for Slot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Log => f.write_str("app.jsonl"),
            Self::Archive => f.write_str("archive.jsonl.zst"),
            Self::Torn => f.write_str("torn.bin"),
            Self::Snapshot(name) => write!(f, "views/{name}.snapshot.json"),
        }
    }
}

/// The reading half of a store. A slot that does not exist reads as an empty one.
///
/// Two calls may see different states when a writer is at work in between; the log's readers
/// re-check what matters.
// A slot is not a collection: emptiness has no meaning of its own here.
#[allow(clippy::len_without_is_empty)]
pub trait Source {
    /// The store's own error, carried unchanged inside [`Error`](crate::Error).
    type Error: core::error::Error + 'static;

    /// The slot's length in bytes, 0 when it does not exist.
    ///
    /// # Errors
    /// When the store cannot tell.
    fn len(&self, slot: Slot<'_>) -> Result<u64, Self::Error>;

    /// Fills `buf` with the slot's bytes from `offset` on and returns how many there were: fewer
    /// than `buf.len()` only at the slot's end, 0 at or past it.
    ///
    /// # Errors
    /// When the bytes cannot be read; `buf` then holds nothing of meaning.
    fn read_at(&self, slot: Slot<'_>, offset: u64, buf: &mut [u8]) -> Result<usize, Self::Error>;
}

/// The writing half of a store.
///
/// Only [`sync`](Storage::sync) makes bytes durable. Writes to one slot reach the disk in any
/// order before it, so each step that relies on an earlier one syncs that one first.
pub trait Storage: Source {
    /// Adds `bytes` at the slot's end, making the slot when it does not exist.
    ///
    /// # Errors
    /// After an error any prefix of `bytes` may have been added.
    fn append(&mut self, slot: Slot<'_>, bytes: &[u8]) -> Result<(), Self::Error>;

    /// Cuts the slot to its first `len` bytes; `len` is never above its length.
    ///
    /// # Errors
    /// After an error the slot has its old length or the new one.
    fn truncate(&mut self, slot: Slot<'_>, len: u64) -> Result<(), Self::Error>;

    /// Returns when everything done to the slot before survives a power cut. A slot that does not
    /// exist is as durable as it can be.
    ///
    /// # Errors
    /// After an error nothing is known of what was done since the last sync that succeeded, and a
    /// later sync need not cover it: page caches give up what they could not write. The log cuts
    /// such bytes off and appends them anew.
    fn sync(&mut self, slot: Slot<'_>) -> Result<(), Self::Error>;

    /// Sets the slot's whole content. After a crash it holds the old bytes or the new ones.
    ///
    /// # Errors
    /// After an error the slot holds its old bytes.
    fn replace(&mut self, slot: Slot<'_>, bytes: &[u8]) -> Result<(), Self::Error>;

    /// Removes the slot; one that does not exist is removed already.
    ///
    /// # Errors
    /// After an error the slot is still there, or gone.
    fn remove(&mut self, slot: Slot<'_>) -> Result<(), Self::Error>;
}

macro_rules! source_by_reference {
    ($($reference:ty),*) => {
        $(impl<T: Source + ?Sized> Source for $reference {
            type Error = T::Error;

            fn len(&self, slot: Slot<'_>) -> Result<u64, Self::Error> {
                (**self).len(slot)
            }

            fn read_at(
                &self,
                slot: Slot<'_>,
                offset: u64,
                buf: &mut [u8],
            ) -> Result<usize, Self::Error> {
                (**self).read_at(slot, offset, buf)
            }
        })*
    };
}

source_by_reference!(&T, &mut T);

impl<T: Storage + ?Sized> Storage for &mut T {
    fn append(&mut self, slot: Slot<'_>, bytes: &[u8]) -> Result<(), Self::Error> {
        (**self).append(slot, bytes)
    }

    fn truncate(&mut self, slot: Slot<'_>, len: u64) -> Result<(), Self::Error> {
        (**self).truncate(slot, len)
    }

    fn sync(&mut self, slot: Slot<'_>) -> Result<(), Self::Error> {
        (**self).sync(slot)
    }

    fn replace(&mut self, slot: Slot<'_>, bytes: &[u8]) -> Result<(), Self::Error> {
        (**self).replace(slot, bytes)
    }

    fn remove(&mut self, slot: Slot<'_>) -> Result<(), Self::Error> {
        (**self).remove(slot)
    }
}

/// How a store keeps a second writer away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LockMode {
    /// An advisory exclusive `flock` on the log file, for as long as the writer lives.
    #[default]
    Flock,
    /// No lock. Whoever opens the store makes sure that there is one writer, or uses
    /// [`Access::Shared`].
    None,
}

/// Whether a writer may believe that nobody else writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// The writer holds the lock, or its host keeps others away: it may cut and rotate.
    Exclusive,
    /// Others may write too: this writer only ever appends.
    Shared,
}
