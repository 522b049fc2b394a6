use alloc::vec::Vec;

use super::block::Block;
use super::foreign::{begins_with, may_be_of_log, measure};
use super::frame::FrameError;
use super::mark::{BlockMark, Fields, HEADER_LEN, SKIPPABLE};
use super::seal::Seal;
use super::whole::{ZSTD_MAGIC, whole_frame};
use crate::error::Error;
use crate::named::NamedSource;
use crate::planted::{Bug, planted};
use crate::storage::{Slot, Source};

const SKIPPABLE_MAGICS: core::ops::RangeInclusive<u32> = 0x184D_2A50..=0x184D_2A5F;

/// The archive's end, after the last seal: what is complete history, what waits for its seal,
/// and what a crash left. What is called `…_to` is an archive offset, `…_end` a position.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tail {
    /// The archive's length when this was read.
    pub(crate) archive_len: u64,
    /// Archive offset after the last seal.
    pub(crate) sealed_to: u64,
    /// Position after the last byte sealed.
    pub(crate) sealed_end: u64,
    /// Complete history without a seal.
    pub(crate) counted: Vec<Block>,
    /// Archive offset after what is counted.
    pub(crate) counted_to: u64,
    /// Blocks of a rotation not yet sealed. They count only while the log is empty.
    pub(crate) pending: Vec<Block>,
    /// Archive offset of the first byte that is no whole frame: what lies there a crash tore.
    pub(crate) torn: Option<u64>,
    /// Archive offset of the last thing after the last seal, and the bytes that it begins with.
    last: Option<(u64, Vec<u8>)>,
}

impl Tail {
    pub(crate) fn read<S: Source>(source: &S) -> Result<Self, Error<S::Error>> {
        let archive_len = source.length(Slot::Archive)?;
        let seal = Seal::last_before(source, archive_len)?;
        let (sealed_to, sealed_end) = seal.map_or((0, 0), |seal| (seal.end, seal.end_position()));
        let mut tail = Self {
            archive_len,
            sealed_to,
            sealed_end,
            counted_to: sealed_to,
            ..Self::default()
        };
        tail.walk(source)?;
        Ok(tail)
    }

    /// Whether the archive is as it was when this was read: as long, and, where something waits for
    /// its seal or is torn, with the same at its end. The next writer may cut that off, and another
    /// rotation, or the same one once more, be as long in its place.
    pub(crate) fn is_current<S: Source>(&self, source: &S) -> Result<bool, Error<S::Error>> {
        if source.length(Slot::Archive)? != self.archive_len {
            return Ok(false);
        }
        match &self.last {
            Some((offset, head)) if !planted(Bug::OtherArchiveUnseen) => {
                Ok(source.bytes(Slot::Archive, *offset, head.len())? == *head)
            }
            _ => Ok(true),
        }
    }

    /// Position after the last byte that is complete history: where the log begins, unless it is
    /// empty.
    pub(crate) fn counted_end(&self) -> u64 {
        self.counted.last().map_or(self.sealed_end, Block::end)
    }

    /// Position after the last byte that the archive holds: where an empty log begins.
    pub(crate) fn end(&self) -> u64 {
        self.pending.last().map_or(self.counted_end(), Block::end)
    }

    /// Archive offset after the last whole frame.
    pub(crate) fn whole_to(&self) -> u64 {
        self.torn.unwrap_or(self.archive_len)
    }

    /// The unsealed block that holds `position`.
    pub(crate) fn block_at(&self, position: u64) -> Option<Block> {
        let first_pending = self
            .pending
            .first()
            .map_or(u64::MAX, |block| block.position);
        let blocks = if position < first_pending {
            &self.counted
        } else {
            &self.pending
        };
        Block::holding(blocks, position).copied()
    }

    fn walk<S: Source>(&mut self, source: &S) -> Result<(), Error<S::Error>> {
        let mut offset = self.sealed_to;
        let mut rotation = None;
        while offset < self.archive_len {
            let head = source.bytes(Slot::Archive, offset, BlockMark::LEN)?;
            self.last = Some((offset, head.clone()));
            if head.starts_with(&ZSTD_MAGIC) {
                let Some(next) = self.take_foreign(source, offset)? else {
                    break;
                };
                (offset, rotation) = (next, None);
                continue;
            }
            if ZSTD_MAGIC.starts_with(&head) {
                // Another writer's frame, torn: no sign that the log was emptied.
                break;
            }
            let position = self.end();

            // A rotation that is whole and has something behind it was sealed, or was being
            // sealed: the log was emptied before.
            if rotation.is_some_and(|mark: BlockMark| position - mark.base == mark.total) {
                self.count_pending(offset);
                rotation = None;
            }
            if let Some(mark) = BlockMark::decode(&head) {
                let block = mark.block(offset);
                if block.frame_end() > self.archive_len {
                    break;
                }
                let begins = rotation.is_none() && mark.base == mark.position;
                let follows = rotation
                    .is_some_and(|of: BlockMark| (mark.base, mark.total) == (of.base, of.total));
                if mark.position != position || !(begins || follows) {
                    return Err(self.corrupt(offset, "a block that belongs elsewhere"));
                }
                self.pending.push(block);
                rotation = Some(mark);
                offset = block.frame_end();
                continue;
            }
            let mut fields = Fields(&head);
            let next = match (fields.u32(), fields.u32()) {
                (Some(magic), Some(len)) if SKIPPABLE_MAGICS.contains(&magic) => {
                    let next = offset + HEADER_LEN as u64 + u64::from(len);
                    // One of our own marks that does not decode is torn or damaged, not another's:
                    // taken for that, it would leave its block looking like complete history, and
                    // hide what lies in the place of its end.
                    let is_ours = magic == SKIPPABLE || has_tag(fields);
                    if next > self.archive_len || is_ours {
                        break;
                    }
                    next
                }
                _ => break,
            };
            offset = next;
            if self.pending.is_empty() {
                self.counted_to = offset;
            }
        }
        if self.is_amid_history(source, offset)? {
            return Err(self.corrupt(offset, "it is damaged, and whole frames follow"));
        }
        self.torn = (offset < self.archive_len).then_some(offset);
        Ok(())
    }

    /// Counts the frame of another writer at archive offset `offset` and returns where it ends,
    /// or `None` if it is not whole.
    fn take_foreign<S: Source>(
        &mut self,
        source: &S,
        offset: u64,
    ) -> Result<Option<u64>, Error<S::Error>> {
        // A log that was not emptied was archived once more by whoever came next.
        let is_again = !self.pending.is_empty() && begins_with(source, offset, &self.pending)?;
        let position = match is_again {
            true => self.counted_end(),
            false => self.end(),
        };
        match measure(source, offset, position) {
            Ok((blocks, next)) => {
                if is_again {
                    self.pending.clear();
                }
                self.count_pending(next);
                self.counted.extend(blocks);
                Ok(Some(next))
            }
            Err(FrameError::Damaged) if !may_be_of_log(source, offset, self.archive_len)? => {
                Err(self.corrupt(
                    offset,
                    "it is damaged, and the log does not hold its events",
                ))
            }
            Err(FrameError::Truncated | FrameError::Damaged) => Ok(None),
            Err(FrameError::Unsupported(reason)) => Err(self.corrupt(offset, &reason)),
            Err(FrameError::Source(error)) => Err(Error::storage("read", Slot::Archive, error)),
        }
    }

    /// Whether another writer's frames follow archive offset `offset`, where reading on fails: then
    /// it was no crash alone that tore what lies there. A torn rotation of ours can hold whole frames
    /// too. Each lies behind a mark, which can be torn as well, so that the last one without a mark is
    /// a sign of another writer only where none of ours can lie.
    fn is_amid_history<S: Source>(&self, source: &S, offset: u64) -> Result<bool, Error<S::Error>> {
        if offset == self.archive_len {
            return Ok(false);
        }
        // What was taken for whole can be torn too, with another writer's frame in place of its end.
        let last = self.pending.last().or(self.counted.last());
        let from = last.map_or(offset, |block| block.frame);
        let Some(frame) = whole_frame(source, from, offset, self.archive_len)? else {
            return Ok(false);
        };
        if frame.end < self.archive_len {
            // Before a frame of ours a mark would lie.
            return Ok(true);
        }
        let mark_at = frame.start.saturating_sub(BlockMark::LEN as u64);
        let mark = source.bytes(Slot::Archive, mark_at, BlockMark::LEN)?;
        let is_ours = |mark: BlockMark| mark.block(mark_at).frame_end() == self.archive_len;
        if BlockMark::decode(&mark).is_some_and(is_ours) {
            return Ok(false);
        }
        let head = source.bytes(Slot::Archive, offset, BlockMark::LEN)?;
        let begins_too_early = frame.start < offset + BlockMark::LEN as u64;
        let has_frame_before = head.starts_with(&ZSTD_MAGIC) || !self.counted.is_empty();
        let is_in_place_of_ours = BlockMark::decode(&head).is_some();
        Ok(begins_too_early || has_frame_before || is_in_place_of_ours)
    }

    /// Makes what was pending up to archive offset `to` part of history.
    fn count_pending(&mut self, to: u64) {
        self.counted.append(&mut self.pending);
        self.counted_to = to;
    }

    fn corrupt<E: core::error::Error>(&self, offset: u64, reason: &str) -> Error<E> {
        Error::corrupt(self.end(), Slot::Archive, offset, reason)
    }
}

fn has_tag(mut payload: Fields<'_>) -> bool {
    matches!(payload.bytes::<4>(), Some([b'e', b'v', b'b' | b's', b'1']))
}
