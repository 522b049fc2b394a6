//! The writer: opening, syncing, and what it still does after a failure.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use serde::Serialize;

use crate::archive::Codec;
use crate::error::Error;
use crate::fold::{Fold, Snapshot};
use crate::hash::LineHash;
use crate::history::History;
use crate::line::MAX_LINE;
use crate::named::NamedSource;
use crate::planted::{Bug, planted, unless};
use crate::recover::{Recovery, recover};
use crate::rotate::Ahead;
use crate::storage::{Access, Slot, Storage};

/// The writer of a log over a store.
///
/// After an error that leaves it unsure of what is on disk the writer is *poisoned*: every later
/// call that would write fails with [`Error::Poisoned`] until the log is opened again.
///
/// ```
/// use eventfold_core::{Access, Codec, Durability, Event, MemoryStore, Scan, Writer};
/// use serde_json::{Value, json};
///
/// let (mut writer, _) = Writer::open(MemoryStore::new(), Codec::PORTABLE, Access::Exclusive)?;
/// writer.append(&Event::at(0, "greeted", json!({ "name": "ada" })), Durability::Synced)?;
/// writer.rotate()?;
///
/// let mut scan = Scan::new(writer.store(), Codec::PORTABLE, 0);
/// let record = scan.next_record::<Value>()?.ok_or("no event")?;
/// assert_eq!(record.event.data["name"], "ada");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Writer<S> {
    pub(crate) store: S,
    pub(crate) codec: Codec,
    pub(crate) access: Access,
    /// Position of the log's first byte.
    pub(crate) base: u64,
    /// The log's length: the end of its last whole line.
    pub(crate) end: u64,
    /// How much of the log is known to be durable.
    pub(crate) durable: u64,
    /// The archive's length, all of it sealed.
    pub(crate) archive_len: u64,
    /// The hash of the last line, once somebody asked.
    pub(crate) last_hash: Option<LineHash>,
    pub(crate) ahead: Ahead,
    /// Memory to write lines in, kept from one append to the next.
    pub(crate) buffer: Vec<u8>,
    poisoned: Option<String>,
}

impl<S: Storage> Writer<S> {
    /// Opens the log in `store`, and with [`Access::Exclusive`] repairs what a crash left, which
    /// the [`Recovery`] tells. What is in the log then is durable.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the archive's unsealed end is damaged in a way that no crash
    /// leaves; nothing was changed then. [`Error::Storage`] when the store fails; opening again
    /// goes on with the repair.
    pub fn open(
        mut store: S,
        codec: Codec,
        access: Access,
    ) -> Result<(Self, Recovery), Error<S::Error>> {
        let (extent, recovery) = match access {
            Access::Exclusive => recover(&mut store, codec)?,
            Access::Shared => (History::new(codec).extent(&store)?, Recovery::default()),
        };
        let archive_len = store.length(Slot::Archive)?;
        let writer = Self {
            store,
            codec,
            access,
            base: extent.base,
            end: extent.log_len,
            // Recovery syncs; of what others append nothing is known.
            durable: match access {
                Access::Exclusive => extent.log_len,
                Access::Shared => 0,
            },
            archive_len,
            last_hash: None,
            ahead: Ahead::default(),
            buffer: Vec::new(),
            poisoned: None,
        };
        Ok((writer, recovery))
    }

    /// Makes everything appended so far durable.
    ///
    /// # Errors
    /// [`Error::DurabilityUnknown`] when the store fails; the writer is poisoned.
    pub fn sync(&mut self) -> Result<(), Error<S::Error>> {
        self.usable()?;
        self.sync_log(self.end)
    }

    /// Saves a fold under this name, in place of what was saved before. What it was folded from
    /// is made durable first, so that no snapshot holds an event that a power cut can take.
    ///
    /// # Errors
    /// As [`sync`](Self::sync) and [`Fold::save`].
    pub fn save<T: Serialize>(
        &mut self,
        fold: &Fold<T>,
        name: &str,
    ) -> Result<(), Error<S::Error>> {
        self.sync_for_snapshot()?;
        fold.save(&mut self.store, name)
    }

    /// As [`save`](Self::save).
    ///
    /// # Errors
    /// As [`save`](Self::save).
    pub fn save_snapshot(
        &mut self,
        snapshot: &Snapshot,
        name: &str,
    ) -> Result<(), Error<S::Error>> {
        self.sync_for_snapshot()?;
        snapshot.save(&mut self.store, name)
    }

    fn sync_for_snapshot(&mut self) -> Result<(), Error<S::Error>> {
        self.usable()?;
        // Of what others append nothing is known.
        if self.access == Access::Shared || self.durable < self.end {
            return unless(Bug::SnapshotUnsynced, || self.sync());
        }
        // A host can have taken back what it had made durable.
        match self.store.length(Slot::Log)? < self.end {
            true => self.check_alone(),
            false => Ok(()),
        }
    }

    /// Position after the last event: where the next one will start. Without
    /// [`Access::Exclusive`] it is where this writer last saw the end.
    #[must_use]
    pub fn end_position(&self) -> u64 {
        self.base + self.end
    }

    /// The log's length in bytes, without the archive.
    #[must_use]
    pub fn log_len(&self) -> u64 {
        self.end
    }

    /// The hash of the last line, [`LineHash::NONE`] in an empty log.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the last line cannot be found in a damaged archive.
    pub fn last_hash(&mut self) -> Result<LineHash, Error<S::Error>> {
        if let Some(hash) = self.last_hash {
            return Ok(hash);
        }
        let end = self.end_position();
        let hash = History::new(self.codec).hash_before(&self.store, end)?;
        let hash = hash.ok_or_else(|| {
            let offset = self.archive_len;
            Error::corrupt(end, Slot::Archive, offset, "the last line cannot be read")
        })?;
        self.last_hash = Some(hash);
        Ok(hash)
    }

    /// The store, to read from.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// The store, to change what lies beside the log and the archive. Those two are the writer's.
    pub fn store_mut(&mut self) -> &mut S {
        &mut self.store
    }

    /// Syncs the log, whose lines are acknowledged up to the offset `acknowledged`. On failure
    /// everything that is not durable is in doubt.
    pub(crate) fn sync_log(&mut self, acknowledged: u64) -> Result<(), Error<S::Error>> {
        if let Err(source) = self.store.sync(Slot::Log) {
            let error = self.unsynced(acknowledged, "sync", source);
            self.poisoned.take_if(|_| planted(Bug::SyncForgiven));
            return Err(error);
        }
        self.durable = self.end;
        Ok(())
    }

    /// Poisons the writer after a sync that failed or was not reached.
    pub(crate) fn unsynced(
        &mut self,
        acknowledged: u64,
        action: &'static str,
        source: S::Error,
    ) -> Error<S::Error> {
        let position = self.base + self.durable.min(acknowledged);
        self.renew(acknowledged);
        self.in_doubt(position, action, source)
    }

    /// Cuts off what a failed sync was about, and appends anew what of it is acknowledged.
    ///
    /// A page cache gives up what it could not write, goes on showing it, and lets later syncs
    /// succeed without it; on some file systems also what shares a block with it, even when it is
    /// written once more in its place. Only bytes that were cut off and appended are sure to be
    /// what the next successful sync is about. Where the store refuses this too, or the process
    /// ends before it, the log shows what the disk may not have.
    fn renew(&mut self, acknowledged: u64) {
        let len = acknowledged.saturating_sub(self.durable);
        let alone =
            self.access == Access::Exclusive && self.store.length(Slot::Log).ok() == Some(self.end);
        // Memory is bounded as it is for a line.
        if !alone || len > MAX_LINE as u64 || planted(Bug::GivenUpLeft) {
            return;
        }
        let bytes = match len {
            0 => Ok(Vec::new()),
            len => self.store.bytes(Slot::Log, self.durable, len as usize),
        };
        let Ok(bytes) = bytes else { return };
        if bytes.len() as u64 != len || self.store.truncate(Slot::Log, self.durable).is_err() {
            return;
        }
        self.end = self.durable;
        self.last_hash = None;
        if !bytes.is_empty() && self.store.append(Slot::Log, &bytes).is_ok() {
            self.end = acknowledged;
        }
    }

    /// Poisons the writer over events in the log that may or may not be there, or durable.
    pub(crate) fn in_doubt(
        &mut self,
        position: u64,
        action: &'static str,
        source: S::Error,
    ) -> Error<S::Error> {
        self.poison(Error::DurabilityUnknown {
            position,
            action,
            file: Slot::Log.to_string(),
            source,
        })
    }

    pub(crate) fn poison(&mut self, error: Error<S::Error>) -> Error<S::Error> {
        // The first failure is the one to tell.
        self.poisoned.get_or_insert_with(|| error.to_string());
        error
    }

    /// Whether it refuses every append until the log is opened again.
    #[must_use]
    pub fn is_poisoned(&self) -> bool {
        self.poisoned.is_some()
    }

    pub(crate) fn usable(&self) -> Result<(), Error<S::Error>> {
        match &self.poisoned {
            Some(reason) => Err(Error::Poisoned {
                reason: reason.to_owned(),
            }),
            None => Ok(()),
        }
    }

    /// Sees that the log is as this writer left it, so that nothing of others is cut.
    pub(crate) fn check_alone(&mut self) -> Result<(), Error<S::Error>> {
        self.check_left(Slot::Log, self.end)
    }

    /// Sees that the slot is as long as this writer left it.
    pub(crate) fn check_left(&mut self, slot: Slot<'_>, len: u64) -> Result<(), Error<S::Error>> {
        let found = self.store.length(slot)?;
        if found == len || planted(Bug::OthersUnseen) {
            return Ok(());
        }
        let reason = format!(
            "{slot} is {found} bytes long and was left with {len}: somebody changed it without the \
             lock"
        );
        self.poisoned = Some(reason.clone());
        Err(Error::Poisoned { reason })
    }

    pub(crate) fn exclusive(&self, action: &'static str) -> Result<(), Error<S::Error>> {
        match self.access {
            Access::Exclusive => Ok(()),
            Access::Shared => Err(Error::NotExclusive { action }),
        }
    }
}

/// Without the events that it holds in memory, which are many megabytes when a rotation is near.
impl<S: fmt::Debug> fmt::Debug for Writer<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("store", &self.store)
            .field("base", &self.base)
            .field("end", &self.end)
            .field("poisoned", &self.poisoned)
            .finish_non_exhaustive()
    }
}
