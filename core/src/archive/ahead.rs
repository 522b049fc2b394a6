//! The next blocks, decoded on other threads while the one before them is read.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::mem::{replace, take};

use super::block::Block;
use super::codec::{Codec, Waiting};
use super::decoder::{is_whole, make_room};

/// How many blocks are decoded at a time beside the one that is read. Decoding one takes longer
/// than looking through its lines, so that whoever reads would wait for a single one; each more
/// takes memory for a block.
const BLOCKS: usize = 2;

/// Decodes ahead for whoever reads one block after the other. A single block says nothing about
/// what is read next.
#[derive(Default)]
pub(crate) struct Ahead {
    /// Where the block that was read last ends, and whether it was read after the one before it.
    end: Option<u64>,
    goes_on: bool,
    next: VecDeque<Next>,
    /// Memory for the content of a block.
    spare: Vec<u8>,
}

struct Next {
    block: Block,
    waiting: Waiting,
}

impl Ahead {
    /// The block that begins at `position`, if it is the next of those decoded ahead.
    pub(super) fn block_at(&self, position: u64) -> Option<Block> {
        let block = self.next.front()?.block;
        (block.position == position).then_some(block)
    }

    /// Sets `content` to the block's if it was decoded ahead and is undamaged. Each block that is
    /// read is asked for here.
    pub(super) fn read(&mut self, block: &Block, content: &mut Vec<u8>) -> bool {
        self.goes_on = self.end.replace(block.end()) == Some(block.position);
        let next = self.next.pop_front().filter(|next| next.block == *block);
        if next.is_none() {
            self.forget();
        }
        match next.and_then(|next| (next.waiting)()) {
            Some(decoded) => {
                self.spare = replace(content, decoded);
                true
            }
            None => false,
        }
    }

    /// Where the block to be decoded next begins, if one is to be.
    pub(super) fn wanted(&self) -> Option<u64> {
        let is_wanted = self.goes_on && self.next.len() < BLOCKS;
        let last = self.next.back().map(|next| next.block.end());
        last.or(self.end).filter(|_| is_wanted)
    }

    /// Starts to decode the block of this frame, the next that is [`wanted`](Self::wanted). False
    /// where there is no thread to be had.
    pub(super) fn start(&mut self, codec: Codec, block: Block, frame: Vec<u8>) -> bool {
        let mut content = take(&mut self.spare);
        let work = move || {
            make_room(&mut content, &block);
            ((codec.decompress)(&frame, &mut content) && is_whole(&block, &content))
                .then_some(content)
        };
        let started = (codec.start)(Box::new(work)).map(|waiting| Next { block, waiting });
        let is_started = started.is_some();
        self.next.extend(started);
        is_started
    }

    /// Forgets what is decoded ahead.
    pub(super) fn forget(&mut self) {
        self.next.clear();
    }
}

#[cfg(test)]
mod tests {
    use core::cell::Cell;
    use core::convert::Infallible;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use super::*;
    use crate::{Access, Durability, Event, MemoryStore, Scan, Slot, Source, Writer};

    const ROTATIONS: u64 = if cfg!(miri) { 4 } else { 12 };

    struct Counting<'s> {
        store: &'s MemoryStore,
        reads: Cell<usize>,
    }

    impl Source for Counting<'_> {
        type Error = Infallible;

        fn len(&self, slot: Slot<'_>) -> Result<u64, Infallible> {
            self.store.len(slot)
        }

        fn read_at(&self, slot: Slot<'_>, at: u64, to: &mut [u8]) -> Result<usize, Infallible> {
            self.reads.set(self.reads.get() + 1);
            self.store.read_at(slot, at, to)
        }
    }

    /// One event a rotation, so that each block has a seal of its own.
    fn rotated() -> MemoryStore {
        let store = MemoryStore::new();
        let (mut writer, _) = Writer::open(store, Codec::PORTABLE, Access::Exclusive).unwrap();
        for n in 0..ROTATIONS {
            let event = Event::at(0, "numbered", n);
            writer.append(&event, Durability::Buffered).unwrap();
            writer.rotate().unwrap();
        }
        writer.store().clone()
    }

    fn reads(store: &MemoryStore, codec: Codec) -> usize {
        let source = Counting {
            store,
            reads: Cell::new(0),
        };
        let mut scan = Scan::new(&source, codec, 0);
        for n in 0..ROTATIONS {
            let record = scan.next_record::<u64>().unwrap().unwrap();
            assert_eq!(record.event.data, n);
        }
        assert!(scan.next_record::<u64>().unwrap().is_none());
        source.reads.get()
    }

    #[test]
    fn two_blocks_are_decoded_ahead_and_no_seal_or_frame_is_read_again_for_it() {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        static MOST: AtomicUsize = AtomicUsize::new(0);
        let codec = Codec {
            start: |work| {
                MOST.fetch_max(STARTED.fetch_add(1, Relaxed) + 1, Relaxed);
                let work = Mutex::new(work);
                Some(Box::new(|| {
                    STARTED.fetch_sub(1, Relaxed);
                    work.into_inner().ok()?()
                }))
            },
            ..Codec::PORTABLE
        };
        let store = rotated();
        assert!(reads(&store, codec) <= reads(&store, Codec::PORTABLE));
        assert_eq!(MOST.load(Relaxed), BLOCKS);
        assert_eq!(STARTED.load(Relaxed), 0);
    }

    #[test]
    fn what_failed_on_another_thread_is_decoded_by_the_one_that_reads() {
        let codec = Codec {
            start: |_| Some(Box::new(|| None)),
            ..Codec::PORTABLE
        };
        reads(&rotated(), codec);
    }
}
