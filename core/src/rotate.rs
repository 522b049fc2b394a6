//! Rotation: the log's lines go into the archive, and the log starts anew.

use alloc::collections::VecDeque;
use alloc::vec;
use alloc::vec::Vec;

use twox_hash::XxHash64;

use crate::archive::{BLOCK_LEN, Block, BlockMark, Seal, block_end};
use crate::error::Error;
use crate::line::MAX_LINE;
use crate::named::{NamedSource, NamedStorage};
use crate::planted::{Bug, planted, unless};
use crate::storage::{Slot, Storage};
use crate::writer::Writer;

/// How much of the next archive is kept in memory, in bytes; the last block may go over it.
const AHEAD_LEN: usize = 8 << 20;

/// The first blocks of the log, compressed before its rotation.
#[derive(Debug, Default)]
pub(crate) struct Ahead {
    blocks: Vec<Compressed>,
    /// Bytes of the log in them.
    len: u64,
    /// Bytes of their frames.
    frames: usize,
}

#[derive(Debug)]
struct Compressed {
    len: u32,
    hash: u64,
    frame: Vec<u8>,
}

impl Compressed {
    fn new(content: &[u8], frame: Vec<u8>) -> Self {
        Self {
            len: content.len() as u32,
            hash: XxHash64::oneshot(0, content),
            frame,
        }
    }
}

impl Ahead {
    fn push(&mut self, mut block: Compressed) {
        // A codec takes room for what does not compress.
        block.frame.shrink_to_fit();
        self.len += u64::from(block.len);
        self.frames += block.frame.len();
        self.blocks.push(block);
    }
}

/// What a rotation moved. Both are 0 when the log was empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Rotation {
    /// Bytes of lines.
    pub bytes: u64,
    /// Bytes by which the archive grew.
    pub archived: u64,
}

impl<S: Storage> Writer<S> {
    /// Moves the log's lines into the archive. No position changes.
    ///
    /// The order of the steps, and what a crash after each leaves to
    /// [`open`](Writer::open): the log is synced; its content is appended to the archive and
    /// synced (the log is whole, the copy is dropped); the log is emptied and synced (the copy
    /// counts, since the log is empty); the seal is appended and synced (done).
    ///
    /// # Errors
    /// [`Error::NotExclusive`] without [`Access::Exclusive`](crate::Access::Exclusive).
    /// [`Error::Storage`] when the store refuses to take the archive; the log is as it was and
    /// the writer goes on. Where that cannot be undone, and after any failure of a later step, the
    /// writer is poisoned too; opening again ends the rotation or undoes it.
    pub fn rotate(&mut self) -> Result<Rotation, Error<S::Error>> {
        self.usable()?;
        self.exclusive("rotate")?;
        if self.end == 0 {
            return Ok(Rotation::default());
        }
        self.check_alone()?;
        unless(Bug::RotatedUnsynced, || self.sync_log(self.end))?;
        let blocks = match self.archive_log() {
            Ok(blocks) => blocks,
            Err(error) => {
                return Err(match self.store.cut(Slot::Archive, self.archive_len) {
                    Ok(()) => error,
                    Err(_) => self.poison(error),
                });
            }
        };
        self.finish(blocks).map_err(|error| self.poison(error))
    }

    /// Compresses the next block of the log ahead of its rotation, once the log holds all of it:
    /// of a log that is rotated at a size, called before each append, a rotation then has no more
    /// left to do than a block and the writing. Also makes the log durable up to there, since a
    /// rotation has to. Nothing is written but the next rotation's archive, and that not before
    /// it; up to 8 MiB of it are kept in memory, which are gone with the writer.
    ///
    /// # Errors
    /// As [`rotate`](Writer::rotate), and [`sync`](Writer::sync).
    pub fn prepare_rotation(&mut self) -> Result<(), Error<S::Error>> {
        // First, since after a failed sync the log may end before what was compressed.
        self.usable()?;
        let at = self.ahead.len;
        if self.end - at < BLOCK_LEN as u64 || self.ahead.frames >= AHEAD_LEN {
            return Ok(());
        }
        self.exclusive("rotate")?;
        self.check_alone()?;
        if let Some(content) = self.content(at, false)? {
            for block in self.compress(&[content]) {
                self.ahead.push(block);
            }
            if self.durable < self.end {
                self.sync_log(self.end)?;
            }
        }
        Ok(())
    }

    /// Appends the log's content to the archive, block by block. What was compressed ahead is
    /// not kept past this, so memory stays bounded by it and a block.
    fn archive_log(&mut self) -> Result<Vec<Block>, Error<S::Error>> {
        let (mut blocks, mut at, mut archive_len) = (Vec::new(), 0, self.archive_len);
        let mut ready = VecDeque::from(core::mem::take(&mut self.ahead).blocks);
        while at < self.end {
            if ready.is_empty() {
                ready.extend(self.compress(&self.contents(at)?));
            }
            let Some(Compressed {
                len,
                hash,
                mut frame,
            }) = ready.pop_front()
            else {
                break;
            };
            let mark = BlockMark {
                base: self.base,
                total: self.end,
                position: self.base + at,
                len,
                frame_len: frame.len() as u32,
                hash,
            };
            frame.splice(..0, mark.encode());
            self.store.add(Slot::Archive, &frame)?;
            blocks.push(mark.block(archive_len));
            archive_len += frame.len() as u64;
            at += u64::from(len);
        }
        Ok(blocks)
    }

    /// The content of the block that starts at this offset of the log, and of the one after it,
    /// so that two can be compressed at a time. Nothing follows a line longer than a block, which
    /// needs memory enough.
    fn contents(&self, at: u64) -> Result<Vec<Vec<u8>>, Error<S::Error>> {
        let Some(first) = self.content(at, true)? else {
            return Ok(Vec::new());
        };
        let next = at + first.len() as u64;
        let mut contents = vec![first];
        if next < self.end && next - at <= BLOCK_LEN as u64 {
            contents.extend(self.content(next, true)?);
        }
        Ok(contents)
    }

    /// The content of the block that starts at this offset of the log. `None` unless `ends` while
    /// lines may come that belong to it.
    fn content(&self, at: u64, ends: bool) -> Result<Option<Vec<u8>>, Error<S::Error>> {
        let mut want = BLOCK_LEN as u64;
        loop {
            let len = want.min(self.end - at);
            let mut bytes = self.store.bytes(Slot::Log, at, len as usize)?;
            if (bytes.len() as u64) < len {
                let reason = "the log is shorter than this writer left it";
                return Err(Error::corrupt(self.base + at, Slot::Log, at, reason));
            }
            let is_end = at + len == self.end;
            if let Some(end) = block_end(&bytes, ends && is_end) {
                bytes.truncate(end);
                return Ok(Some(bytes));
            }
            if is_end {
                return Ok(None);
            }
            // One line is longer than a block.
            want = (want * 2).min(MAX_LINE as u64 + 1);
        }
    }

    fn compress(&self, contents: &[Vec<u8>]) -> Vec<Compressed> {
        let frames = (self.codec.compress)(contents);
        let blocks = contents.iter().zip(frames);
        blocks
            .map(|(content, frame)| Compressed::new(content, frame))
            .collect()
    }

    fn finish(&mut self, blocks: Vec<Block>) -> Result<Rotation, Error<S::Error>> {
        let archive_len = blocks.last().map_or(0, Block::frame_end);
        unless(Bug::ArchiveUnsynced, || self.store.settle(Slot::Archive))?;
        self.check_alone()?;
        unless(Bug::SealedEarly, || self.store.cut(Slot::Log, 0))?;
        let seal = Seal::new(self.archive_len, archive_len, self.base, blocks);
        let sealed = seal.encode();
        if planted(Bug::SealUnsynced) {
            self.store.add(Slot::Archive, &sealed)?;
        } else {
            self.store
                .add_for_good(Slot::Archive, archive_len, &sealed)?;
        }
        if planted(Bug::SealedEarly) {
            self.store.cut(Slot::Log, 0)?;
        }
        let rotation = Rotation {
            bytes: self.end,
            archived: seal.end - self.archive_len,
        };
        self.base += self.end;
        self.end = 0;
        self.durable = 0;
        self.archive_len = seal.end;
        Ok(rotation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Access, Codec, Durability, Event, MemoryStore};

    /// As after a failed sync whose lines could be cut off and not be appended anew.
    #[test]
    #[cfg_attr(miri, ignore = "megabytes, a byte at a time")]
    fn a_poisoned_writer_whose_log_ends_before_what_was_compressed_prepares_nothing() {
        let store = MemoryStore::new();
        let (mut writer, _) = Writer::open(store, Codec::PORTABLE, Access::Exclusive).unwrap();
        let event = Event::at(0, "long", "x".repeat(BLOCK_LEN));
        writer.append(&event, Durability::Buffered).unwrap();
        writer.prepare_rotation().unwrap();
        assert!(writer.ahead.len > 0);

        writer.end = 0;
        let reason = Error::NotExclusive { action: "sync" };
        writer.poison(reason);
        for result in [writer.prepare_rotation(), writer.rotate().map(drop)] {
            assert!(matches!(result, Err(Error::Poisoned { .. })));
        }
    }
}
