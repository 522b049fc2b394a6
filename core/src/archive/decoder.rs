use alloc::vec::Vec;

use twox_hash::XxHash64;

use super::block::Block;
use super::codec::Codec;
use super::foreign::{Frame, FrameError};
use crate::error::Error;
use crate::line::MAX_LINE;
use crate::named::NamedSource;
use crate::planted::{Bug, planted};
use crate::storage::{Slot, Source};

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
    ) -> Result<Option<Vec<u8>>, Error<S::Error>> {
        // No codec makes more of a block than this.
        let longest = 2 * MAX_LINE;
        if block.len as usize > MAX_LINE + 1 || block.frame_len as usize > longest {
            return Ok(None);
        }
        let content = if block.frame_len == 0 {
            self.read_foreign(source, block)?
        } else {
            self.read_own(source, block)?
        };
        let is_whole = |content: &Vec<u8>| XxHash64::oneshot(0, content) == block.hash;
        Ok(content.filter(|content| is_whole(content) || planted(Bug::BlockUnchecked)))
    }

    fn read_own<S: Source>(
        &self,
        source: &S,
        block: &Block,
    ) -> Result<Option<Vec<u8>>, Error<S::Error>> {
        // Asked before anything of the length that the mark claims is allocated.
        let archived = source.length(Slot::Archive)?;
        if archived.saturating_sub(block.frame) < u64::from(block.frame_len) {
            return Ok(None);
        }
        let frame = source.bytes(Slot::Archive, block.frame, block.frame_len as usize)?;
        Ok((self.codec.decompress)(&frame, block.len as usize))
    }

    fn read_foreign<S: Source>(
        &mut self,
        source: &S,
        block: &Block,
    ) -> Result<Option<Vec<u8>>, Error<S::Error>> {
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
            Err(FrameError::Source(error)) => Err(Error::storage("read", Slot::Archive, error)),
        }
    }
}
