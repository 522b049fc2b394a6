//! What another writer's frames hold: history that has no mark.

use alloc::vec;
use alloc::vec::Vec;

use twox_hash::XxHash64;

use super::BLOCK_LEN;
use super::block::{Block, block_end};
use super::frame::{Frame, FrameError};
use crate::error::Error;
use crate::named::NamedSource;
use crate::storage::{Slot, Source};

/// Decodes the frame at archive offset `offset`, whose content starts at `position`, to its end:
/// the blocks it holds and the archive offset after it.
pub(super) fn measure<S: Source>(
    source: &S,
    offset: u64,
    position: u64,
) -> Result<(Vec<Block>, u64), FrameError<S::Error>> {
    let mut frame = Frame::open(source, offset)?;
    let (mut blocks, mut bytes, mut skip) = (vec![], Vec::new(), 0);
    loop {
        let finished = frame.read(source, &mut bytes, BLOCK_LEN)? < BLOCK_LEN;
        while let Some(end) = block_end(&bytes, finished) {
            let rest = bytes.split_off(end);
            blocks.push(Block {
                position: position + skip,
                frame: offset,
                skip,
                frame_len: 0,
                len: end as u32,
                hash: XxHash64::oneshot(0, &bytes),
            });
            skip += end as u64;
            bytes = rest;
        }
        if finished {
            return Ok((blocks, frame.end()));
        }
    }
}

/// Whether the damaged frame from archive offset `offset` to `end` can be made of what the log still
/// holds: whoever archives a log syncs the frame before it empties the log. Where nothing of the
/// frame can be compared, only a hole shows that a crash damaged it.
pub(super) fn may_be_of_log<S: Source>(
    source: &S,
    offset: u64,
    end: u64,
) -> Result<bool, Error<S::Error>> {
    let log_len = source.length(Slot::Log)?;
    // No frame is longer by more than this than what it is made of.
    let longest = log_len + (log_len >> 7) + 64;
    if log_len == 0 || end - offset > longest {
        return Ok(false);
    }
    let mut frame = match Frame::open(source, offset) {
        Ok(frame) => frame,
        Err(FrameError::Source(error)) => return Err(Error::storage("read", Slot::Archive, error)),
        Err(_) => return holds_hole(source, offset, end),
    };
    let (mut content, mut at) = (Vec::new(), 0);
    loop {
        content.clear();
        let read = frame.read(source, &mut content, BLOCK_LEN);
        if source.bytes(Slot::Log, at, content.len())? != content {
            return Ok(false);
        }
        at += content.len() as u64;
        match read {
            Err(FrameError::Source(error)) => {
                return Err(Error::storage("read", Slot::Archive, error));
            }
            Ok(BLOCK_LEN) => {}
            _ => return Ok(at > 0 || holds_hole(source, offset, end)?),
        }
    }
}

/// Whether a sector between these archive offsets is zeros, as a crash leaves one that did not reach
/// the disk; the last one may be a part of a sector.
fn holds_hole<S: Source>(source: &S, offset: u64, end: u64) -> Result<bool, Error<S::Error>> {
    const SECTOR: usize = 512;
    const LOOK_LEN: u64 = 64 << 10;
    let mut from = offset.next_multiple_of(SECTOR as u64);
    while from < end {
        let to = end.min(from + LOOK_LEN);
        let bytes = source.bytes_between(Slot::Archive, from, to, 0)?;
        let is_hole = |sector: &[u8]| sector.iter().all(|byte| *byte == 0);
        if bytes.chunks(SECTOR).any(is_hole) {
            return Ok(true);
        }
        from = to;
    }
    Ok(false)
}

/// Whether the content of the frame at archive offset `offset` begins with that of these blocks,
/// one frame each. What is damaged is not the same.
pub(super) fn begins_with<S: Source>(
    source: &S,
    offset: u64,
    blocks: &[Block],
) -> Result<bool, Error<S::Error>> {
    let same = || {
        let mut frame = Frame::open(source, offset)?;
        let (mut content, mut of_block) = (Vec::new(), Vec::new());
        for block in blocks {
            let mut own = Frame::open(source, block.frame)?;
            loop {
                content.clear();
                of_block.clear();
                let len = own.read(source, &mut of_block, BLOCK_LEN)?;
                frame.read(source, &mut content, len)?;
                if content != of_block {
                    return Ok(false);
                }
                if len < BLOCK_LEN {
                    break;
                }
            }
        }
        Ok(true)
    };
    match same() {
        Err(FrameError::Source(error)) => Err(Error::storage("read", Slot::Archive, error)),
        result => Ok(matches!(result, Ok(true))),
    }
}
