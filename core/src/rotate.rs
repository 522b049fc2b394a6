//! Rotation: the log's lines go into the archive, and the log starts anew.

mod ahead;
mod ready;
#[cfg_attr(target_family = "wasm", path = "rotate/no_thread.rs")]
mod thread;

use alloc::vec;
use alloc::vec::Vec;
use core::mem::take;

use crate::archive::{BLOCK_LEN, Block, Seal, block_end};
use crate::error::Error;
use crate::line::MAX_LINE;
use crate::named::{NamedSource, NamedStorage};
use crate::planted::{Bug, planted, unless};
use crate::storage::{Slot, Storage};
use crate::writer::Writer;

pub(crate) use ahead::Ahead;
use ready::Ready;

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
    /// [`Error::Poisoned`] when log or archive are not as this writer left them; nothing is moved.
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
            // What lies there is not this writer's to cut.
            Err(error) if self.is_poisoned() => return Err(error),
            Err(error) => {
                // What kept the first byte away, as a lack of descriptors does, may keep away a cut.
                let undone = match self.store.length(Slot::Archive) {
                    Ok(len) if len == self.archive_len => Ok(()),
                    _ => self.store.cut(Slot::Archive, self.archive_len),
                };
                return Err(match undone {
                    Ok(()) => error,
                    Err(_) => self.poison(error),
                });
            }
        };
        self.finish(blocks).map_err(|error| self.poison(error))
    }

    /// Appends the log's content to the archive, block by block. What was compressed ahead is
    /// not kept past this, so memory stays bounded by it and a block.
    fn archive_log(&mut self) -> Result<Vec<Block>, Error<S::Error>> {
        let mut blocks = Vec::new();
        for block in take(&mut self.ahead).into_blocks() {
            self.archive(block, &mut blocks)?;
        }
        loop {
            let at = blocks
                .last()
                .map_or(0, |last: &Block| last.end() - self.base);
            if at == self.end {
                return Ok(blocks);
            }
            for block in self.compress(at)? {
                self.archive(block, &mut blocks)?;
            }
        }
    }

    /// Appends a block to the archive, behind these.
    fn archive(&mut self, block: Ready, blocks: &mut Vec<Block>) -> Result<(), Error<S::Error>> {
        let (mark, bytes) = block.of_rotation(self.base, self.end);
        let archive_len = blocks.last().map_or(self.archive_len, Block::frame_end);
        // Behind something else it would be read by nobody.
        self.check_left(Slot::Archive, archive_len)?;
        self.store.add(Slot::Archive, &bytes)?;
        blocks.push(mark.block(archive_len));
        Ok(())
    }

    /// The block that starts at this offset of the log, and the one after it, so that two can be
    /// compressed at a time. Nothing follows a line longer than a block, which needs memory enough.
    fn compress(&self, at: u64) -> Result<Vec<Ready>, Error<S::Error>> {
        let first = self.content(at)?;
        let next = at + first.len() as u64;
        let mut contents = vec![first];
        if next < self.end && next - at <= BLOCK_LEN as u64 {
            contents.push(self.content(next)?);
        }
        let frames = (self.codec.compress)(&contents);
        let mut position = self.base + at;
        let block = |(content, frame): (&Vec<u8>, Vec<u8>)| {
            let block = Ready::new(position, content, &frame);
            position += block.len();
            block
        };
        let blocks: Vec<_> = contents.iter().zip(frames).map(block).collect();
        match blocks.is_empty() {
            false => Ok(blocks),
            true => {
                let reason = "the codec gives no frame for it";
                Err(Error::corrupt(self.base + at, Slot::Log, at, reason))
            }
        }
    }

    /// The content of the block that starts at this offset of the log, before its end.
    fn content(&self, at: u64) -> Result<Vec<u8>, Error<S::Error>> {
        let mut want = BLOCK_LEN as u64;
        loop {
            let len = want.min(self.end - at);
            let mut bytes = self.store.bytes(Slot::Log, at, len as usize)?;
            if (bytes.len() as u64) < len {
                let reason = "the log is shorter than this writer left it";
                return Err(Error::corrupt(self.base + at, Slot::Log, at, reason));
            }
            let is_end = at + len == self.end;
            if let Some(end) = block_end(&bytes, is_end) {
                bytes.truncate(end);
                return Ok(bytes);
            }
            // One line is longer than a block.
            want = (want * 2).min(MAX_LINE as u64 + 1);
        }
    }

    fn finish(&mut self, blocks: Vec<Block>) -> Result<Rotation, Error<S::Error>> {
        let archive_len = blocks.last().map_or(0, Block::frame_end);
        let seal = Seal::new(self.archive_len, archive_len, self.base, blocks)?;
        unless(Bug::ArchiveUnsynced, || self.store.settle(Slot::Archive))?;
        self.check_alone()?;
        self.check_left(Slot::Archive, archive_len)?;
        unless(Bug::SealedEarly, || self.store.cut(Slot::Log, 0))?;
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
