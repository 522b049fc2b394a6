//! In place of `ahead.rs` where there is one thread: nothing is decoded ahead, and the module that
//! browsers fetch is smaller by the code.

use alloc::vec::Vec;

use super::block::Block;
use super::codec::Codec;

#[derive(Default)]
pub(crate) struct Ahead {}

#[expect(clippy::unused_self, reason = "stands in for what has a state")]
impl Ahead {
    pub(super) fn block_at(&self, _: u64) -> Option<Block> {
        None
    }

    pub(super) fn read(&mut self, _: &Block, _: &mut Vec<u8>) -> bool {
        false
    }

    pub(super) fn wanted(&self) -> Option<u64> {
        None
    }

    pub(super) fn start(&mut self, _: Codec, _: Block, _: Vec<u8>) -> bool {
        false
    }

    pub(super) fn forget(&mut self) {}
}
