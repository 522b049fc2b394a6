use alloc::vec;
use alloc::vec::Vec;

use memchr::memrchr;
use twox_hash::XxHash64;

use super::BLOCK_LEN;
use super::codec::Codec;
use super::foreign::{Frame, FrameError};
use crate::line::MAX_LINE;
use crate::storage::{Slot, Source};

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

/// Reads blocks, checked. Keeps another writer's frame open between blocks, since such a frame
/// can be decoded from its start only.
#[derive(Debug)]
pub(crate) struct Decoder {
    codec: Codec,
    open: Option<Frame>,
}

impl Decoder {
    pub(crate) fn new(codec: Codec) -> Self {
        Self { codec, open: None }
    }

    /// The block's content, or `None` when the archive does not hold it undamaged.
    pub(crate) fn read<S: Source>(
        &mut self,
        source: &S,
        block: &Block,
    ) -> Result<Option<Vec<u8>>, S::Error> {
        if block.len as usize > MAX_LINE + 1 {
            return Ok(None);
        }
        let content = if block.frame_len == 0 {
            self.read_foreign(source, block)?
        } else {
            self.read_own(source, block)?
        };
        Ok(content.filter(|content| XxHash64::oneshot(0, content) == block.hash))
    }

    fn read_own<S: Source>(&self, source: &S, block: &Block) -> Result<Option<Vec<u8>>, S::Error> {
        // Asked before anything of the length that the mark claims is allocated.
        let archived = source.len(Slot::Archive)?;
        if archived.saturating_sub(block.frame) < u64::from(block.frame_len) {
            return Ok(None);
        }
        let mut frame = vec![0; block.frame_len as usize];
        let n = source.read_at(Slot::Archive, block.frame, &mut frame)?;
        Ok((n == frame.len())
            .then(|| (self.codec.decompress)(&frame, block.len as usize))
            .flatten())
    }

    fn read_foreign<S: Source>(
        &mut self,
        source: &S,
        block: &Block,
    ) -> Result<Option<Vec<u8>>, S::Error> {
        let open = self.open.take();
        let read = || {
            let mut frame = match open {
                Some(frame) if frame.continues_at(block.frame, block.skip) => frame,
                _ => {
                    let mut frame = Frame::open(source, block.frame)?;
                    frame.skip(source, block.skip)?;
                    frame
                }
            };
            let mut content = Vec::new();
            let n = frame.read(source, &mut content, block.len as usize)?;
            Ok((n == block.len as usize).then_some((content, frame)))
        };
        match read() {
            Ok(Some((content, frame))) => {
                self.open = Some(frame);
                Ok(Some(content))
            }
            Ok(None) | Err(FrameError::Truncated | FrameError::Damaged(_)) => Ok(None),
            Err(FrameError::Source(error)) => Err(error),
        }
    }
}
