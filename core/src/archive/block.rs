use memchr::memrchr;

use super::BLOCK_LEN;
use crate::line::MAX_LINE;

/// A piece of archived history: the smallest thing that is decoded and checked at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Block {
    /// Position of its first byte.
    pub(crate) position: u64,
    /// Archive offset of the zstd frame that holds it.
    pub(crate) frame: u64,
    /// Bytes of the frame's content before it: 0 in our own frames, one block each.
    pub(crate) skip: u64,
    /// Length of the frame, 0 where it is not known: another writer's.
    pub(crate) frame_len: u32,
    /// Length of its content.
    pub(crate) len: u32,
    /// The xxh64 of its content.
    pub(crate) hash: u64,
}

impl Block {
    pub(crate) fn end(&self) -> u64 {
        self.position + u64::from(self.len)
    }

    /// Archive offset after the frame, where that is known.
    pub(crate) fn frame_end(&self) -> u64 {
        self.frame + u64::from(self.frame_len)
    }

    /// The last block that starts at `position` or before, which holds it if any does.
    pub(crate) fn holding(blocks: &[Self], position: u64) -> Option<&Self> {
        let after = blocks.partition_point(|block| block.position <= position);
        blocks.get(after.checked_sub(1)?)
    }
}

/// Where a block of the lines in `bytes` ends, so that lines stay whole; `None` when more bytes
/// are needed to tell, and there are more unless `last`.
pub(crate) fn block_end(bytes: &[u8], last: bool) -> Option<usize> {
    if bytes.len() >= BLOCK_LEN {
        if let Some(newline) = memrchr(b'\n', bytes) {
            return Some(newline + 1);
        }
        if bytes.len() > MAX_LINE {
            return Some(MAX_LINE + 1);
        }
    }
    (last && !bytes.is_empty()).then_some(bytes.len().min(MAX_LINE + 1))
}
