//! The writing half of a log.

use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use memchr::memmem;
use serde::Serialize;

use crate::archive::Codec;
use crate::error::Error;
use crate::event::Event;
use crate::history::{Extent, History};
use crate::line::{self, LineHash};
use crate::recover::{Recovery, recover};
use crate::storage::{Access, Slot, Storage};

/// What an append waits for, and so what a crash can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Until the store says that the event is durable. Neither the end of the process nor a power
    /// cut takes it.
    #[default]
    Synced,
    /// Until the store has the event. The end of the process does not take it; a power cut can
    /// take everything since the last sync, and can leave damage in the lines it takes.
    Buffered,
}

/// Where an appended event stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Appended {
    /// Where its line starts in the whole history, in bytes.
    pub position: u64,
    /// Where the line after it will start: what [`append_if`](Writer::append_if) expects next.
    pub next_position: u64,
    /// The hash of its line.
    pub hash: LineHash,
    /// What the event is safe from by now.
    pub durability: Durability,
}

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
#[derive(Debug)]
pub struct Writer<S> {
    pub(crate) store: S,
    pub(crate) codec: Codec,
    pub(crate) access: Access,
    /// Position of the log's first byte.
    pub(crate) base: u64,
    /// The log's length: the end of its last whole line.
    pub(crate) end: u64,
    /// The archive's length, all of it sealed.
    pub(crate) archive_len: u64,
    /// The hash of the last line, once somebody asked.
    last_hash: Option<LineHash>,
    poisoned: Option<String>,
}

impl<S: Storage> Writer<S> {
    /// Opens the log in `store`, and with [`Access::Exclusive`] repairs what a crash left, which
    /// the [`Recovery`] tells.
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
            Access::Shared => (History::new(&store, codec).extent()?, Recovery::default()),
        };
        let archive_len = store
            .len(Slot::Archive)
            .map_err(|error| Error::reading(Slot::Archive, error))?;
        let writer = Self {
            store,
            codec,
            access,
            base: extent.base,
            end: extent.log_len,
            archive_len,
            last_hash: None,
            poisoned: None,
        };
        Ok((writer, recovery))
    }

    /// Appends one event.
    ///
    /// # Errors
    /// [`Error::Unreadable`] and [`Error::TooLarge`] before anything is written.
    /// [`Error::Storage`] when the store refused; the event is not in the log.
    /// [`Error::DurabilityUnknown`] when that cannot be said; the writer is poisoned.
    pub fn append<D: Serialize>(
        &mut self,
        event: &Event<D>,
        durability: Durability,
    ) -> Result<Appended, Error<S::Error>> {
        self.usable()?;
        let line = line::encode(event)?;
        let hash = LineHash::of(line.strip_suffix(b"\n").unwrap_or(&line));
        let position = self.write(&line, durability)?;
        self.last_hash = Some(hash);
        Ok(Appended {
            position,
            next_position: position + line.len() as u64,
            hash,
            durability,
        })
    }

    /// Appends events with one write and, where asked, one sync. They become readable together,
    /// but a crash in between can leave the first of them without the rest.
    ///
    /// # Errors
    /// As [`append`](Writer::append), for the batch as a whole.
    pub fn append_batch<'e, D: Serialize + 'e>(
        &mut self,
        events: impl IntoIterator<Item = &'e Event<D>>,
        durability: Durability,
    ) -> Result<Vec<Appended>, Error<S::Error>> {
        self.usable()?;
        let (mut lines, mut appended) = (Vec::new(), Vec::new());
        for event in events {
            let line = line::encode(event)?;
            appended.push(Appended {
                position: lines.len() as u64,
                next_position: (lines.len() + line.len()) as u64,
                hash: LineHash::of(line.strip_suffix(b"\n").unwrap_or(&line)),
                durability,
            });
            lines.extend(line);
        }
        let Some(last) = appended.last() else {
            return Ok(appended);
        };
        let hash = last.hash;
        let start = self.write(&lines, durability)?;
        self.last_hash = Some(hash);
        for at in &mut appended {
            at.position += start;
            at.next_position += start;
        }
        Ok(appended)
    }

    /// Appends the event if the log still ends at `position` with the line of this hash: what the
    /// last [`Appended`] or record told. An empty log ends at 0 after [`LineHash::NONE`].
    ///
    /// # Errors
    /// [`Error::Conflict`] when it ends elsewhere, [`Error::NotExclusive`] without
    /// [`Access::Exclusive`], since another could append in between; else as
    /// [`append`](Writer::append).
    pub fn append_if<D: Serialize>(
        &mut self,
        event: &Event<D>,
        position: u64,
        hash: LineHash,
        durability: Durability,
    ) -> Result<Appended, Error<S::Error>> {
        self.exclusive("append on a condition")?;
        let found = self.end_position();
        let found_hash = self.last_hash()?;
        if (position, hash) != (found, found_hash) {
            return Err(Error::Conflict {
                expected: position,
                expected_hash: hash,
                found,
                found_hash,
            });
        }
        self.append(event, durability)
    }

    /// Makes everything appended so far durable.
    ///
    /// # Errors
    /// [`Error::DurabilityUnknown`] when the store fails; the writer is poisoned.
    pub fn sync(&mut self) -> Result<(), Error<S::Error>> {
        self.usable()?;
        self.sync_log(self.base)
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
        let hash = History::new(&self.store, self.codec).hash_before(end)?;
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

    /// The store, to save snapshots in. The log and the archive are the writer's.
    pub fn store_mut(&mut self) -> &mut S {
        &mut self.store
    }

    /// Writes whole lines and returns the position of the first.
    fn write(&mut self, lines: &[u8], durability: Durability) -> Result<u64, Error<S::Error>> {
        let position = match self.access {
            Access::Exclusive => self.write_exclusive(lines)?,
            Access::Shared => self.write_shared(lines)?,
        };
        if durability == Durability::Synced {
            self.sync_log(position)?;
        }
        Ok(position)
    }

    fn write_exclusive(&mut self, lines: &[u8]) -> Result<u64, Error<S::Error>> {
        let position = self.end_position();
        if let Err(source) = self.store.append(Slot::Log, lines) {
            // Synced as well: a part that came back after a crash would be an event that failed.
            let undone = self
                .store
                .truncate(Slot::Log, self.end)
                .and_then(|()| self.store.sync(Slot::Log));
            return Err(match undone {
                Ok(()) => Error::storage("append to", Slot::Log, source),
                Err(_) => self.in_doubt(position, "append to", source),
            });
        }
        self.end += lines.len() as u64;
        Ok(position)
    }

    /// Appends without cutting anything: a fragment that somebody left is ended with a newline in
    /// the same write, and then reads as a corrupt line instead of spoiling ours.
    fn write_shared(&mut self, lines: &[u8]) -> Result<u64, Error<S::Error>> {
        let Extent { base, log_len } = History::new(&self.store, self.codec).extent()?;
        let reading = |error| Error::reading(Slot::Log, error);
        let mut last = [b'\n'];
        if let Some(before) = log_len.checked_sub(1) {
            self.store
                .read_at(Slot::Log, before, &mut last)
                .map_err(reading)?;
        }
        let mut bytes = Vec::with_capacity(lines.len() + 1);
        if last != *b"\n" {
            bytes.push(b'\n');
        }
        bytes.extend_from_slice(lines);
        if let Err(source) = self.store.append(Slot::Log, &bytes) {
            return Err(self.in_doubt(base + log_len, "append to", source));
        }
        // Others may have appended in between; then ours lies further on.
        let len = self.store.len(Slot::Log).map_err(reading)?;
        let mut since = vec![0; usize::try_from(len.saturating_sub(log_len)).unwrap_or(0)];
        let n = self
            .store
            .read_at(Slot::Log, log_len, &mut since)
            .map_err(reading)?;
        since.truncate(n);
        let start = memmem::find(&since, lines).unwrap_or(bytes.len() - lines.len()) as u64;
        self.base = base;
        self.end = log_len + start + lines.len() as u64;
        Ok(base + log_len + start)
    }

    /// Syncs the log; on failure everything from `position` on is in doubt.
    pub(crate) fn sync_log(&mut self, position: u64) -> Result<(), Error<S::Error>> {
        self.store
            .sync(Slot::Log)
            .map_err(|source| self.in_doubt(position, "sync", source))
    }

    /// Poisons the writer over events in the log that may or may not be there, or durable.
    fn in_doubt(
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
        self.poisoned = Some(error.to_string());
        error
    }

    pub(crate) fn usable(&self) -> Result<(), Error<S::Error>> {
        match &self.poisoned {
            Some(reason) => Err(Error::Poisoned {
                reason: reason.to_owned(),
            }),
            None => Ok(()),
        }
    }

    pub(crate) fn exclusive(&self, action: &'static str) -> Result<(), Error<S::Error>> {
        match self.access {
            Access::Exclusive => Ok(()),
            Access::Shared => Err(Error::NotExclusive { action }),
        }
    }
}
