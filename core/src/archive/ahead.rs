//! The next block, decoded on another thread while the one before it is read.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::mem::{replace, take};

use super::block::Block;
use super::codec::{Codec, Waiting};
use super::decoder::is_whole;

/// Decodes ahead for whoever reads one block after the other. A single block says nothing about
/// what is read next.
#[derive(Debug, Default)]
pub(crate) struct Ahead {
    /// Where the block that was read last ends, and whether it was read after the one before it.
    end: Option<u64>,
    goes_on: bool,
    next: Option<Next>,
    /// Memory for the content of a block.
    spare: Vec<u8>,
}

struct Next {
    block: Block,
    waiting: Waiting,
}

impl Ahead {
    /// Sets `content` to the block's if it was decoded ahead and is undamaged. Each block that is
    /// read is asked for here.
    pub(super) fn read(&mut self, block: &Block, content: &mut Vec<u8>) -> bool {
        self.goes_on = self.end.replace(block.end()) == Some(block.position);
        let next = self.next.take().filter(|next| next.block == *block);
        match next.and_then(|next| (next.waiting)()) {
            Some(decoded) => {
                self.spare = replace(content, decoded);
                true
            }
            None => false,
        }
    }

    /// Whether one block was read after the other.
    pub(super) fn goes_on(&self) -> bool {
        self.goes_on
    }

    /// Starts to decode the block of this frame.
    pub(super) fn start(&mut self, codec: Codec, block: Block, frame: Vec<u8>) {
        let mut content = take(&mut self.spare);
        let work = move || {
            content.resize(block.len as usize, 0);
            ((codec.decompress)(&frame, &mut content) && is_whole(&block, &content))
                .then_some(content)
        };
        self.next = (codec.start)(Box::new(work)).map(|waiting| Next { block, waiting });
    }
}

impl fmt::Debug for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Next")
            .field("block", &self.block)
            .finish_non_exhaustive()
    }
}
