//! Appending: one event, one line, one write.

use alloc::vec::Vec;
use core::iter;
use core::mem::take;

use memchr::memchr_iter;
use serde::Serialize;

use crate::batch::{Batch, KEPT};
use crate::error::Error;
use crate::event::Event;
use crate::hash::LineHash;
use crate::history::{Extent, History};
use crate::line;
use crate::named::{NamedSource, NamedStorage};
use crate::planted::{Bug, planted, unless};
use crate::storage::{Access, Slot, Storage};
use crate::writer::Writer;

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

impl<S: Storage> Writer<S> {
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
        let mut line = self.take_buffer();
        let appended = self.append_in(event, &mut line, durability);
        self.buffer = line;
        appended
    }

    fn append_in<D: Serialize>(
        &mut self,
        event: &Event<D>,
        line: &mut Vec<u8>,
        durability: Durability,
    ) -> Result<Appended, Error<S::Error>> {
        line::encode(event, line)?;
        let hash = LineHash::of(line.strip_suffix(b"\n").unwrap_or(line));
        let position = self.write(line, durability)?;
        self.last_hash = Some(hash);
        Ok(Appended {
            position,
            next_position: position + line.len() as u64,
            hash,
            durability,
        })
    }

    /// Appends events with one write and, where asked, one sync. If the process ends before this
    /// returns, the first of them can be there without the rest; after a power cut any part of them
    /// can, with damage where the rest was.
    ///
    /// # Errors
    /// As [`append`](Writer::append), for the batch as a whole.
    pub fn append_batch<'e, D: Serialize + 'e>(
        &mut self,
        events: impl IntoIterator<Item = &'e Event<D>>,
        durability: Durability,
    ) -> Result<Vec<Appended>, Error<S::Error>> {
        self.usable()?;
        let mut batch = self.empty_batch();
        for (index, event) in events.into_iter().enumerate() {
            batch.push(event).map_err(|error| error.of_event(index))?;
        }
        self.append_encoded(batch, durability)
    }

    /// Appends the events of a batch that was made before, as
    /// [`append_batch`](Writer::append_batch) does.
    ///
    /// # Errors
    /// As [`append`](Writer::append), for the batch as a whole.
    pub fn append_encoded(
        &mut self,
        batch: Batch,
        durability: Durability,
    ) -> Result<Vec<Appended>, Error<S::Error>> {
        self.usable()?;
        let (lines, ends) = batch.into_parts();
        let appended = self.write_batch(&lines, &ends, durability);
        self.buffer = lines;
        appended
    }

    /// A batch without events, in the memory of what was appended last.
    #[must_use]
    pub fn empty_batch(&mut self) -> Batch {
        Batch::in_buffer(self.take_buffer())
    }

    /// Appends events given as their lines, each ending in a newline, as
    /// [`append_batch`](Writer::append_batch) does. A line is taken as it is, so its fields have to
    /// be in the order `type`, `data`, `ts`, then `id`, `actor`, `meta` where there.
    ///
    /// # Errors
    /// As [`append`](Writer::append), for all lines as a whole. [`Error::Unreadable`] also for a
    /// line that is no event, or lacks its newline.
    pub fn append_lines(
        &mut self,
        lines: &[u8],
        durability: Durability,
    ) -> Result<Vec<Appended>, Error<S::Error>> {
        self.usable()?;
        let (mut ends, mut start) = (Vec::new(), 0);
        for newline in memchr_iter(b'\n', lines) {
            let checked = line::check(lines.get(start..newline).unwrap_or_default());
            start = newline + 1;
            let is_batch = !ends.is_empty() || start < lines.len();
            checked.map_err(|error: Error<_>| match is_batch {
                true => error.of_event(ends.len()),
                false => error,
            })?;
            ends.push(start);
        }
        if start < lines.len() {
            return Err(line::unreadable("the last line does not end in a newline"));
        }
        self.write_batch(lines, &ends, durability)
    }

    /// Appends the event if the log still ends at `position` with the line of this hash, as the
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
        self.check_end(position, hash)?;
        self.append(event, durability)
    }

    /// Checks that the log ends at `position` with the line of this hash, for an append that
    /// follows at once: what [`append_if`](Writer::append_if) does before it writes.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it ends elsewhere; [`Error::NotExclusive`] without
    /// [`Access::Exclusive`].
    pub fn check_end(&mut self, position: u64, hash: LineHash) -> Result<(), Error<S::Error>> {
        self.usable()?;
        self.exclusive("append on a condition")?;
        let found = self.end_position();
        let found_hash = self.last_hash()?;
        if (position, hash) == (found, found_hash) {
            return Ok(());
        }
        Err(Error::Conflict {
            expected: position,
            expected_hash: hash,
            found,
            found_hash,
        })
    }

    /// An empty buffer for lines. One that a large event made is not kept.
    fn take_buffer(&mut self) -> Vec<u8> {
        let mut buffer = take(&mut self.buffer);
        buffer.clear();
        buffer.shrink_to(KEPT);
        buffer
    }

    /// Writes lines, each of which ends at one of `ends`.
    fn write_batch(
        &mut self,
        lines: &[u8],
        ends: &[usize],
        durability: Durability,
    ) -> Result<Vec<Appended>, Error<S::Error>> {
        if ends.is_empty() {
            return Ok(Vec::new());
        }
        let position = self.write(lines, durability)?;
        let starts = iter::once(&0).chain(ends);
        let appended = starts.zip(ends).map(|(start, end)| Appended {
            position: position + *start as u64,
            next_position: position + *end as u64,
            hash: LineHash::of(lines.get(*start..end - 1).unwrap_or_default()),
            durability,
        });
        let appended: Vec<_> = appended.collect();
        self.last_hash = appended.last().map(|last| last.hash);
        Ok(appended)
    }

    /// Writes whole lines and returns the position of the first.
    fn write(&mut self, lines: &[u8], durability: Durability) -> Result<u64, Error<S::Error>> {
        let position = match self.access {
            Access::Exclusive => self.write_exclusive(lines)?,
            Access::Shared => self.write_shared(lines)?,
        };
        if durability == Durability::Synced && !planted(Bug::AppendUnsynced) {
            self.sync_log(position.saturating_sub(self.base))?;
        }
        Ok(position)
    }

    fn write_exclusive(&mut self, lines: &[u8]) -> Result<u64, Error<S::Error>> {
        self.check_alone()?;
        let position = self.end_position();
        if let Err(source) = self.add_lines(lines) {
            // Synced as well: a part that came back after a crash would be an event that failed.
            let cut = unless(Bug::RollBackLeftOut, || self.store.cut(Slot::Log, self.end));
            return Err(match cut {
                Err(_) if !planted(Bug::RollBackForgiven) => {
                    self.unsynced(self.end, "append to", source)
                }
                _ => Error::storage("append to", Slot::Log, source),
            });
        }
        self.end += lines.len() as u64;
        Ok(position)
    }

    /// Appends without cutting anything: a fragment that somebody left is ended with a newline in
    /// the same write, and then reads as a corrupt line instead of spoiling ours.
    fn write_shared(&mut self, lines: &[u8]) -> Result<u64, Error<S::Error>> {
        let mut history = History::new(self.codec);
        let Extent { base, log_len } = history.extent(&self.store)?;
        // Readers would take what it archived for undone until somebody seals it.
        if log_len == 0 && history.waits_for_seal() {
            return Err(Error::NotExclusive {
                action: "append behind a rotation that is not finished",
            });
        }
        let last = self.store.bytes(Slot::Log, log_len.saturating_sub(1), 1)?;
        let ends_whole = last.is_empty() || last == b"\n";
        let bytes = [if ends_whole { b"" } else { &b"\n"[..] }, lines].concat();
        let end = base + log_len;
        if let Err(source) = self.add_lines(&bytes) {
            return Err(self.in_doubt(end, "append to", source));
        }
        let (base, found) = match self.find_since(&mut history, end, lines) {
            Ok(found) => found,
            Err(Error::Storage { source, .. }) => return Err(self.in_doubt(end, "read", source)),
            Err(error) => return Err(self.poison(error)),
        };
        // Where it is not in the log it was rotated since, which changes no position.
        let position = found.unwrap_or(end + (bytes.len() - lines.len()) as u64);
        if base != self.base {
            // Of what lies in this log nothing was synced by this writer.
            (self.base, self.durable) = (base, 0);
        }
        self.end = (position + lines.len() as u64).saturating_sub(base);
        Ok(position)
    }

    /// Where the log begins now, and the position of these lines in it behind `position`, where the
    /// log ended before they were appended. Others may have appended since, or rotated.
    fn find_since(
        &self,
        history: &mut History,
        position: u64,
        lines: &[u8],
    ) -> Result<(u64, Option<u64>), Error<S::Error>> {
        let Extent { base, log_len } = history.extent(&self.store)?;
        let offset = position.saturating_sub(base);
        let len = log_len.saturating_sub(offset) as usize;
        let since = self.store.bytes(Slot::Log, offset, len)?;
        let at = since.windows(lines.len()).position(|at| at == lines);
        Ok((base, at.map(|at| base + offset + at as u64)))
    }

    /// One call, since nothing of another writer may come between a line and its newline.
    fn add_lines(&mut self, lines: &[u8]) -> Result<(), S::Error> {
        match lines.split_last() {
            Some((newline, lines)) if planted(Bug::NewlineApart) => {
                self.store.append(Slot::Log, lines)?;
                self.store.append(Slot::Log, &[*newline])
            }
            _ => self.store.append(Slot::Log, lines),
        }
    }
}
