//! What reading yields: a line, or the event in it, and where it stands.

use alloc::boxed::Box;
use alloc::string::String;

use serde::Deserialize;
use serde_json::Value;

use crate::error::Error;
use crate::event::Event;
use crate::event_ref::EventRef;
use crate::hash::LineHash;
use crate::line::{self, Fields};
use crate::storage::Slot;

/// An event where it stands in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Record<D = Value> {
    /// The event.
    pub event: Event<D>,
    /// Where its line starts in the whole history, in bytes.
    pub position: u64,
    /// Where the next line starts: what to read from to go on after this event.
    pub next_position: u64,
    line: Box<[u8]>,
}

impl<D> Record<D> {
    /// The hash of its line, computed when asked for.
    #[must_use]
    pub fn hash(&self) -> LineHash {
        LineHash::of(&self.line)
    }

    /// Its line as it stands in the log, without the newline.
    #[must_use]
    pub fn line(&self) -> &[u8] {
        &self.line
    }
}

/// A line of the log, not yet taken apart.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// Its bytes without the newline, those of the lifted event if it was lifted.
    pub bytes: &'a [u8],
    /// Where it starts in the whole history, in bytes.
    pub position: u64,
    /// Where the next line starts.
    pub next_position: u64,
    /// The bytes as they stand in the log.
    pub(crate) stored: &'a [u8],
    pub(crate) place: Place,
}

/// Where a line was read: the archive offset of its block, or the position of the log's first byte.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place {
    Block { offset: u64 },
    Log { base: u64 },
}

impl Place {
    /// That what was read here at this position is no event.
    pub(crate) fn corrupt<E: core::error::Error>(self, position: u64, reason: &str) -> Error<E> {
        let (slot, offset) = match self {
            Self::Block { offset } => (Slot::Archive, offset),
            Self::Log { base } => (Slot::Log, position - base),
        };
        Error::corrupt(position, slot, offset, reason)
    }
}

impl<'a> Line<'a> {
    /// The hash of the line as it stands in the log.
    #[must_use]
    pub fn hash(&self) -> LineHash {
        LineHash::of(self.stored)
    }

    /// Its bytes as they stand in the log, without the newline: [`bytes`](Self::bytes) unless it
    /// was lifted, see [`Upcasts`](crate::Upcasts).
    #[must_use]
    pub fn stored(&self) -> &'a [u8] {
        self.stored
    }

    /// The event in the line. Its data may borrow from the line.
    ///
    /// # Errors
    /// [`Error::Mismatch`] when the line is an event but its data is no `D`, and
    /// [`Error::Corrupt`] when it is no event.
    pub fn event<D: Deserialize<'a>, E: core::error::Error>(&self) -> Result<Event<D>, Error<E>> {
        line::from_json(self.bytes).map_err(|reason| self.refused(reason))
    }

    /// The event in the line, of which only what is asked for is parsed.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the line is no event and that shows without a look at its data.
    #[inline]
    pub fn event_ref<E: core::error::Error>(&self) -> Result<EventRef<'a>, Error<E>> {
        EventRef::of(*self)
    }

    pub(crate) fn fields<D: Deserialize<'a>, M: Deserialize<'a>, E: core::error::Error>(
        &self,
    ) -> Result<Fields<'a, D, M>, Error<E>> {
        line::from_json(self.bytes).map_err(|reason| self.refused(reason))
    }

    /// The event in the line, and where it stands.
    ///
    /// # Errors
    /// As [`event`](Self::event).
    pub fn record<D: Deserialize<'a>, E: core::error::Error>(&self) -> Result<Record<D>, Error<E>> {
        Ok(Record {
            event: self.event()?,
            position: self.position,
            next_position: self.next_position,
            line: self.stored.into(),
        })
    }

    #[cold]
    pub(crate) fn refused<E: core::error::Error>(&self, reason: String) -> Error<E> {
        if line::is_event(self.bytes) {
            return Error::Mismatch {
                position: self.position,
                reason,
            };
        }
        self.place.corrupt(self.position, &reason)
    }
}
