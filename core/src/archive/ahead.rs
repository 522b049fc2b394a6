//! The next block, decoded on another thread while the one before it is read.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use super::block::Block;

/// Work for another thread: gives the content of a block, or `None` if the block is damaged.
pub type Work = Box<dyn FnOnce() -> Option<Vec<u8>> + Send>;

/// Waits for the end of [`Work`] and gives what it gave, `None` also if it came to no end.
pub type Waiting = Box<dyn FnOnce() -> Option<Vec<u8>> + Send + Sync>;

/// A block under way.
pub(super) struct Ahead {
    block: Block,
    waiting: Waiting,
}

impl Ahead {
    pub(super) fn new(block: Block, waiting: Waiting) -> Self {
        Self { block, waiting }
    }

    /// The content, if this is the block and it is undamaged.
    pub(super) fn content_of(self, block: &Block) -> Option<Vec<u8>> {
        (self.block == *block)
            .then_some(self.waiting)
            .and_then(|waiting| waiting())
    }
}

impl fmt::Debug for Ahead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ahead")
            .field("block", &self.block)
            .finish_non_exhaustive()
    }
}
