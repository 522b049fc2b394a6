//! Rotation: the log's lines go into the archive, and the log starts anew.

use alloc::vec::Vec;

use twox_hash::XxHash64;

use crate::archive::{BLOCK_LEN, Block, BlockMark, Seal, block_end};
use crate::error::Error;
use crate::named::{NamedSource, NamedStorage};
use crate::planted::{Bug, planted, unless};
use crate::storage::{Slot, Storage};
use crate::writer::Writer;

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

    /// Appends the log's content to the archive, block by block, in memory bounded by a block.
    fn archive_log(&mut self) -> Result<Vec<Block>, Error<S::Error>> {
        let (mut blocks, mut bytes) = (Vec::new(), Vec::new());
        let (mut position, mut archive_len) = (self.base, self.archive_len);
        while position < self.end_position() {
            let read = position - self.base + bytes.len() as u64;
            // What a block takes, or when a line takes more than that, as much again.
            let want = match BLOCK_LEN.saturating_sub(bytes.len()) {
                0 => BLOCK_LEN as u64,
                want => want as u64,
            };
            let len = want.min(self.end - read);
            let before = bytes.len() as u64;
            self.store
                .read_more(Slot::Log, read, len as usize, &mut bytes)?;
            if (bytes.len() as u64) < before + len {
                let reason = "the log is shorter than this writer left it";
                return Err(Error::corrupt(position, Slot::Log, read, reason));
            }
            let last = read + len == self.end;
            while let Some(end) = block_end(&bytes, last) {
                let content = bytes.get(..end).unwrap_or_default();
                let mut frame = (self.codec.compress)(content);
                let mark = BlockMark {
                    base: self.base,
                    total: self.end,
                    position,
                    len: end as u32,
                    frame_len: frame.len() as u32,
                    hash: XxHash64::oneshot(0, content),
                };
                drop(bytes.drain(..end));
                frame.splice(..0, mark.encode());
                self.store.add(Slot::Archive, &frame)?;
                blocks.push(mark.block(archive_len));
                archive_len += frame.len() as u64;
                position += end as u64;
            }
        }
        Ok(blocks)
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
