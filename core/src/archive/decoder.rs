use alloc::vec::Vec;

use twox_hash::XxHash64;

use super::BLOCK_LEN;
use super::ahead::Ahead;
use super::block::Block;
use super::codec::Codec;
use super::frame::{Frame, FrameError};
use crate::error::Error;
use crate::line::MAX_LINE;
use crate::named::NamedSource;
use crate::planted::{Bug, planted};
use crate::storage::{Slot, Source};

/// Reads blocks, checked. Keeps another writer's frame open between blocks, since such a frame
/// can be decoded from its start only.
pub(crate) struct Decoder {
    codec: Codec,
    open: Option<Frame>,
    ahead: Ahead,
}

impl Decoder {
    pub(crate) fn new(codec: Codec) -> Self {
        Self {
            codec,
            open: None,
            ahead: Ahead::default(),
        }
    }

    /// Sets `content` to the block's. `false` when the archive does not hold it undamaged;
    /// `content` then is of no meaning.
    pub(crate) fn read<S: Source>(
        &mut self,
        source: &S,
        block: &Block,
        content: &mut Vec<u8>,
    ) -> Result<bool, Error<S::Error>> {
        if self.ahead.read(block, content) {
            return Ok(true);
        }
        if !fits(source, block)? {
            return Ok(false);
        }
        let is_read = if block.frame_len == 0 {
            self.read_foreign(source, block, content)?
        } else {
            self.read_own(source, block, content)?
        };
        Ok(is_read && is_whole(block, content))
    }

    /// The block that begins at `position`, if it is the next of those decoded ahead.
    pub(crate) fn block_ahead(&self, position: u64) -> Option<Block> {
        self.ahead.block_at(position)
    }

    /// Where the block begins that is to be decoded ahead, if one is.
    pub(crate) fn wanted(&self) -> Option<u64> {
        self.ahead.wanted()
    }

    /// Starts to decode the block that is [`wanted`](Self::wanted). False where that cannot be
    /// done: what cannot be read now is told when it is asked for.
    pub(crate) fn start<S: Source>(&mut self, source: &S, next: Block) -> bool {
        let fits = fits(source, &next).unwrap_or_default();
        if next.frame_len == 0 || next.len as usize > BLOCK_LEN || !fits {
            return false;
        }
        let frame = source.bytes(Slot::Archive, next.frame, next.frame_len as usize);
        frame.is_ok_and(|frame| self.ahead.start(self.codec, next, frame))
    }

    /// Forgets what was decoded ahead.
    pub(crate) fn forget_ahead(&mut self) {
        self.ahead.forget();
    }

    fn read_own<S: Source>(
        &mut self,
        source: &S,
        block: &Block,
        content: &mut Vec<u8>,
    ) -> Result<bool, Error<S::Error>> {
        let frame = source.bytes(Slot::Archive, block.frame, block.frame_len as usize)?;
        make_room(content, block);
        Ok((self.codec.decompress)(&frame, content))
    }

    fn read_foreign<S: Source>(
        &mut self,
        source: &S,
        block: &Block,
        content: &mut Vec<u8>,
    ) -> Result<bool, Error<S::Error>> {
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
            content.clear();
            let n = frame.read(source, content, block.len as usize)?;
            Ok((n == block.len as usize).then_some(frame))
        };
        match read() {
            Ok(Some(frame)) => {
                self.open = Some(frame);
                Ok(true)
            }
            Err(FrameError::Source(error)) => Err(Error::storage("read", Slot::Archive, error)),
            Ok(None) | Err(_) => Ok(false),
        }
    }
}

/// Whether the block can be what its mark or seal claims: asked before memory is taken for that.
fn fits<S: Source>(source: &S, block: &Block) -> Result<bool, Error<S::Error>> {
    // No codec makes more of a block than this.
    let longest = 2 * MAX_LINE;
    if block.len as usize > MAX_LINE + 1 || block.frame_len as usize > longest {
        return Ok(false);
    }
    let archived = source.length(Slot::Archive)?;
    Ok(archived.saturating_sub(block.frame) >= u64::from(block.frame_len.max(1)))
}

/// Makes `content` as long as the block's, in the memory that it has where that is enough.
pub(super) fn make_room(content: &mut Vec<u8>, block: &Block) {
    let len = block.len as usize;
    // Blocks differ a little in length, and growing doubles.
    content.reserve_exact(len.saturating_sub(content.len()));
    content.resize(len, 0);
}

pub(super) fn is_whole(block: &Block, content: &[u8]) -> bool {
    XxHash64::oneshot(0, content) == block.hash || planted(Bug::BlockUnchecked)
}
