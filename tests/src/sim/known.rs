//! What can be said of an event, by what its program was told.

use std::rc::Rc;

use eventfold_core::LineHash;

/// An event that a script tried to append, and between which of the disk's operations what can
/// be said of it.
#[derive(Debug, Clone)]
pub struct Known {
    pub position: u64,
    pub line: Rc<[u8]>,
    pub hash: LineHash,
    /// From here on it may be in the log.
    pub begun: usize,
    /// From here on it must be.
    pub durable: usize,
    /// From here on it must not be.
    pub gone: usize,
    /// Whether it is in the log as the disk shows it.
    pub(super) shown: bool,
}

impl Known {
    /// What a power cut left, and is there for good.
    pub fn left(position: u64, line: &[u8]) -> Self {
        Self {
            position,
            line: line.into(),
            hash: LineHash::of(line),
            begun: 0,
            durable: 0,
            gone: usize::MAX,
            shown: true,
        }
    }

    /// Whether it is in the log, or in doubt.
    pub(super) fn may_be_read(&self) -> bool {
        self.shown || self.gone == usize::MAX
    }
}
