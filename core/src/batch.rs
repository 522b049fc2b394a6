//! Events that wait to be appended together.

use alloc::vec::Vec;
use core::fmt;

use serde::Serialize;

use crate::error::Error;
use crate::event::Event;
use crate::line;

/// How much memory is kept from one append to the next, in bytes.
pub(crate) const KEPT: usize = 1 << 20;

/// Events as the lines that they will be in the log. They can be encoded before it is known where
/// they will stand, and on another thread than the writer's.
#[derive(Clone, Default)]
pub struct Batch {
    lines: Vec<u8>,
    /// Where each event ends in them.
    ends: Vec<usize>,
}

impl Batch {
    /// A batch without events.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            lines: Vec::new(),
            ends: Vec::new(),
        }
    }

    /// A batch without events, whose lines go into a buffer that was used before.
    pub(crate) fn in_buffer(lines: Vec<u8>) -> Self {
        let ends = Vec::new();
        Self { lines, ends }
    }

    /// Adds an event.
    ///
    /// # Errors
    /// [`Error::Unreadable`] and [`Error::TooLarge`]; the batch is as it was.
    pub fn push<D: Serialize, E: core::error::Error>(
        &mut self,
        event: &Event<D>,
    ) -> Result<(), Error<E>> {
        line::encode(event, &mut self.lines)?;
        self.ends.push(self.lines.len());
        Ok(())
    }

    /// Adds the events of another batch behind those of this one.
    pub fn extend(&mut self, other: &Self) {
        let start = self.lines.len();
        self.lines.extend_from_slice(&other.lines);
        self.ends.extend(other.ends.iter().map(|end| start + end));
    }

    /// Removes all events. The memory of a large event, or of many, is given back.
    pub fn clear(&mut self) {
        self.lines.clear();
        self.lines.shrink_to(KEPT);
        self.ends.clear();
        self.ends.shrink_to(KEPT / size_of::<usize>());
    }

    /// How many events it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether it holds no event.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub(crate) fn into_parts(self) -> (Vec<u8>, Vec<usize>) {
        (self.lines, self.ends)
    }
}

/// Without the events.
impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
