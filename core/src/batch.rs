//! Events that wait to be appended together.

use alloc::vec::Vec;

use serde::Serialize;

use crate::append::{Appended, Durability};
use crate::error::Error;
use crate::event::Event;
use crate::hash::LineHash;
use crate::line;

/// How much memory is kept from one append to the next, in bytes.
pub(crate) const KEPT: usize = 1 << 20;

/// Events as the lines that they will be in the log. They can be made before it is known where
/// they will stand, and in another thread than the writer's.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    lines: Vec<u8>,
    /// Where each event stands in `lines`.
    places: Vec<Appended>,
}

impl Batch {
    /// A batch without events.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            lines: Vec::new(),
            places: Vec::new(),
        }
    }

    /// A batch without events, whose lines go into a buffer that was used before.
    pub(crate) fn in_buffer(lines: Vec<u8>) -> Self {
        let places = Vec::new();
        Self { lines, places }
    }

    /// Adds an event.
    ///
    /// # Errors
    /// [`Error::Unreadable`] and [`Error::TooLarge`]; the batch is as it was.
    pub fn push<D: Serialize, E: core::error::Error>(
        &mut self,
        event: &Event<D>,
    ) -> Result<(), Error<E>> {
        let start = self.lines.len();
        line::encode(event, &mut self.lines)?;
        let line = self.lines.get(start..self.lines.len() - 1);
        self.place(
            start,
            self.lines.len(),
            line.map_or(LineHash::NONE, LineHash::of),
        );
        Ok(())
    }

    /// Adds the events of another batch behind those of this one.
    pub fn extend(&mut self, other: &Self) {
        let start = self.lines.len();
        self.lines.extend_from_slice(&other.lines);
        for at in &other.places {
            let (from, to) = (at.position as usize, at.next_position as usize);
            self.place(start + from, start + to, at.hash);
        }
    }

    /// Takes all events out. Memory that a large event or many took is not kept for others.
    pub fn clear(&mut self) {
        self.lines.clear();
        self.lines.shrink_to(KEPT);
        self.places.clear();
        self.places.shrink_to(KEPT / size_of::<Appended>());
    }

    /// How many events it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether it holds no event.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    pub(crate) fn into_parts(self) -> (Vec<u8>, Vec<Appended>) {
        (self.lines, self.places)
    }

    fn place(&mut self, start: usize, end: usize, hash: LineHash) {
        self.places.push(Appended {
            position: start as u64,
            next_position: end as u64,
            hash,
            durability: Durability::Buffered,
        });
    }
}
