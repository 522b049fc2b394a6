use memchr::{memchr, memrchr};

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

/// Where a block of the lines in `bytes` ends: at the last line that ends within [`BLOCK_LEN`], or
/// after the first line if that is longer. `None` when more bytes are needed to tell, and there
/// are more unless `last`.
pub(crate) fn block_end(bytes: &[u8], last: bool) -> Option<usize> {
    let line_end = bytes
        .split_at_checked(BLOCK_LEN)
        .and_then(|(within, after)| {
            memrchr(b'\n', within).or_else(|| Some(BLOCK_LEN + memchr(b'\n', after)?))
        });
    let end = match line_end {
        Some(newline) => newline + 1,
        None if last || bytes.len() > MAX_LINE => bytes.len(),
        None => return None,
    };
    // A line over the limit is corrupt wherever it is cut; memory is bounded by cutting it.
    Some(end.min(MAX_LINE + 1)).filter(|end| *end > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg_attr(miri, ignore = "megabytes, a byte at a time")]
    fn a_block_ends_with_a_line_and_holds_one_long_line_or_many_short_ones() {
        assert_eq!(block_end(b"", true), None);
        assert_eq!(block_end(b"a\nb", false), None);
        assert_eq!(block_end(b"a\nb", true), Some(3));
        let mut bytes = b"short\n".repeat(BLOCK_LEN / 6 + 9);
        let end = block_end(&bytes, true);
        assert_eq!(end, Some(BLOCK_LEN / 6 * 6));
        bytes[6..].fill(b'x');
        assert_eq!(block_end(&bytes, false), Some(6));
        assert_eq!(block_end(&bytes[6..], false), None);
        bytes.extend(b"\nshort\nshort\n");
        assert_eq!(block_end(&bytes[6..], true), Some(bytes.len() - 6 - 12));
    }
}
