//! What the next rotation archives, made ready while the log grows.

use alloc::vec::Vec;

use super::ready::Ready;
use super::thread::UnderWay;
use crate::archive::{BLOCK_LEN, Codec};
use crate::error::Error;
use crate::storage::Storage;
use crate::writer::Writer;

/// How much of the next archive is kept in memory, in bytes; the last block may go over it.
const AHEAD_LEN: usize = 8 << 20;

/// At most this many bytes of the log are left for its rotation to compress.
const LAST_LEN: u64 = 128 << 10;

/// The first blocks of the log, compressed before its rotation.
#[derive(Default)]
pub(crate) struct Ahead {
    blocks: Vec<Ready>,
    /// Bytes of the log in them.
    len: u64,
    /// Bytes of their frames.
    frames: usize,
    /// The block after them.
    next: Option<UnderWay>,
}

impl Ahead {
    /// How much of the log is compressed, or is being so.
    fn begun(&self) -> u64 {
        self.len + self.next.as_ref().map_or(0, UnderWay::len)
    }

    /// Whether another block may be begun. Waits for the one that is under way: compressing never
    /// falls behind by more than a block, however fast events are appended.
    fn has_room(&mut self) -> bool {
        // One that failed is begun anew.
        if let Some(block) = self.next.take().and_then(UnderWay::wait) {
            self.push(block);
        }
        self.frames < AHEAD_LEN
    }

    fn begin(&mut self, codec: Codec, position: u64, content: Vec<u8>) {
        match UnderWay::start(codec, position, content) {
            Ok(next) => self.next = Some(next),
            Err(content) => {
                let block = Ready::compress(codec, position, &content);
                block.into_iter().for_each(|block| self.push(block));
            }
        }
    }

    fn push(&mut self, block: Ready) {
        self.len += block.len();
        self.frames += block.frame_len();
        self.blocks.push(block);
    }

    /// The blocks in their order. The one that is under way is waited for when it is its turn.
    pub(super) fn into_blocks(self) -> impl Iterator<Item = Ready> {
        let next = self.next.into_iter().filter_map(UnderWay::wait);
        self.blocks.into_iter().chain(next)
    }
}

impl<S: Storage> Writer<S> {
    /// Compresses a block of the log ahead of its rotation; where the codec has a thread for it,
    /// beside whatever the writer does next. Called before each append to a log that is rotated at
    /// `limit` bytes, it leaves the rotation little to do but write: a block is begun once the log
    /// holds all of it, and a shorter one near the limit. [`u64::MAX`] is a limit that is not
    /// known.
    ///
    /// It also makes the log durable up to there, since a rotation has to. To the archive it writes
    /// nothing: up to 8 MiB of compressed blocks are kept in memory until the log is rotated.
    ///
    /// # Errors
    /// As [`rotate`](Writer::rotate), and [`sync`](Writer::sync).
    pub fn prepare_rotation(&mut self, limit: u64) -> Result<(), Error<S::Error>> {
        // First, since after a failed sync the log may end before what was compressed.
        self.usable()?;
        let left = self.end - self.ahead.begun();
        let last = (limit / 16).clamp(1, LAST_LEN);
        let is_near = limit.saturating_sub(self.end) <= last;
        let is_due = left >= BLOCK_LEN as u64 || is_near && left >= last;
        if !is_due || !self.ahead.has_room() {
            return Ok(());
        }
        self.exclusive("rotate")?;
        self.check_alone()?;
        let at = self.ahead.len;
        let content = self.content(at)?;
        self.ahead.begin(self.codec, self.base + at, content);
        // Meanwhile the disk has to do.
        if self.durable < self.end {
            self.sync_log(self.end)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Access, Durability, Event, MemoryStore, Scan, Waiting, Work};
    use alloc::boxed::Box;
    use std::sync::Mutex;

    const LIMIT: u64 = 8 << 10;

    fn with_start(start: fn(Work) -> Option<Waiting>) -> Codec {
        Codec {
            start,
            ..Codec::PORTABLE
        }
    }

    /// Up to the limit, as a log does it that rotates by itself.
    fn filled(codec: Codec) -> (Writer<MemoryStore>, u64) {
        let (mut writer, _) = Writer::open(MemoryStore::new(), codec, Access::Exclusive).unwrap();
        let mut n = 0;
        while writer.log_len() < LIMIT {
            writer.prepare_rotation(LIMIT).unwrap();
            let event = Event::at(0, "numbered", n);
            writer.append(&event, Durability::Buffered).unwrap();
            n += 1;
        }
        (writer, n)
    }

    #[test]
    #[cfg_attr(miri, ignore = "three logs, compressed")]
    fn what_is_begun_near_the_limit_is_archived_and_leaves_the_rotation_little() {
        let late = with_start(|work| {
            let work = Mutex::new(work);
            Some(Box::new(|| work.into_inner().ok()?()))
        });
        let no_end = with_start(|_| Some(Box::new(|| None)));
        for codec in [Codec::PORTABLE, late, no_end] {
            let (mut writer, count) = filled(codec);
            let left = writer.log_len() - writer.ahead.begun();
            assert!(left < LIMIT / 8, "{left} bytes are left");
            assert!(writer.ahead.begun() < LIMIT);

            assert_eq!(writer.rotate().unwrap().bytes, writer.end_position());
            assert_eq!(writer.ahead.begun(), 0);
            let mut scan = Scan::new(writer.store(), codec, 0);
            for n in 0..count {
                let record = scan.next_record::<u64>().unwrap().unwrap();
                assert_eq!(record.event.data, n);
            }
            assert!(scan.next_record::<u64>().unwrap().is_none());
        }
    }

    #[test]
    fn a_codec_that_gives_no_frame_fails_the_rotation_and_the_log_goes_on() {
        let codec = Codec {
            compress: |_| Vec::new(),
            ..Codec::PORTABLE
        };
        let (mut writer, count) = filled(codec);
        assert!(matches!(writer.rotate(), Err(Error::Corrupt { .. })));
        let event = Event::at(0, "numbered", count);
        writer.append(&event, Durability::Buffered).unwrap();

        let store = writer.store().clone();
        let (mut writer, _) = Writer::open(store, Codec::PORTABLE, Access::Exclusive).unwrap();
        writer.rotate().unwrap();
        let mut scan = Scan::new(writer.store(), Codec::PORTABLE, 0);
        for n in 0..=count {
            let record = scan.next_record::<u64>().unwrap().unwrap();
            assert_eq!(record.event.data, n);
        }
    }

    #[test]
    fn a_block_that_failed_is_begun_anew() {
        let (mut writer, _) = filled(with_start(|_| Some(Box::new(|| None))));
        let begun = writer.ahead.begun();
        writer.codec = Codec::PORTABLE;
        writer.prepare_rotation(LIMIT).unwrap();
        assert_eq!(writer.ahead.len, writer.log_len());
        assert!(writer.ahead.len > begun);
    }

    /// As after a failed sync whose lines could be cut off and not be appended anew.
    #[test]
    fn a_poisoned_writer_whose_log_ends_before_what_was_compressed_prepares_nothing() {
        let (mut writer, _) = filled(Codec::PORTABLE);
        assert!(writer.ahead.len > 0);

        writer.end = 0;
        let reason = Error::NotExclusive { action: "sync" };
        writer.poison(reason);
        for result in [writer.prepare_rotation(LIMIT), writer.rotate().map(drop)] {
            assert!(matches!(result, Err(Error::Poisoned { .. })));
        }
    }
}
