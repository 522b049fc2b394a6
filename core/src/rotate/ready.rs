//! A block, compressed, that waits for its rotation.

use alloc::vec::Vec;
use core::slice;

use twox_hash::XxHash64;

use crate::archive::{BlockMark, Codec};

/// A block as the archive is to hold it: its mark and its frame. What the mark says of the whole
/// rotation is not known before it.
pub(super) struct Ready {
    mark: BlockMark,
    bytes: Vec<u8>,
}

impl Ready {
    /// The block of the log with this content, which starts at `position`.
    pub(super) fn new(position: u64, content: &[u8], frame: &[u8]) -> Self {
        let mark = BlockMark {
            base: 0,
            total: 0,
            position,
            len: content.len() as u32,
            frame_len: frame.len() as u32,
            hash: XxHash64::oneshot(0, content),
        };
        // No longer than it is: a codec takes room for what does not compress.
        let bytes = [&mark.encode(), frame].concat();
        Self { mark, bytes }
    }

    pub(super) fn compress(codec: Codec, position: u64, content: &Vec<u8>) -> Option<Self> {
        let frame = (codec.compress)(slice::from_ref(content)).pop()?;
        Some(Self::new(position, content, &frame))
    }

    pub(super) fn len(&self) -> u64 {
        u64::from(self.mark.len)
    }

    pub(super) fn frame_len(&self) -> usize {
        self.mark.frame_len as usize
    }

    /// The bytes to append for a rotation of so many bytes from position `base` on.
    pub(super) fn of_rotation(mut self, base: u64, total: u64) -> (BlockMark, Vec<u8>) {
        (self.mark.base, self.mark.total) = (base, total);
        self.bytes.splice(..BlockMark::LEN, self.mark.encode());
        (self.mark, self.bytes)
    }
}

/// What another thread hands over.
#[cfg(not(target_family = "wasm"))]
impl Ready {
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    pub(super) fn from_bytes(bytes: Vec<u8>) -> Option<Self> {
        let mark = BlockMark::decode(&bytes)?;
        Some(Self { mark, bytes })
    }
}
