use alloc::vec::Vec;

use twox_hash::XxHash64;

use super::block::Block;

/// The magic number of the skippable frames that hold our marks.
pub(super) const SKIPPABLE: u32 = 0x184D_2A57;
/// Length of a skippable frame's own header.
pub(super) const HEADER_LEN: usize = 8;
/// No history is as long; a mark that says more is damaged or hostile.
pub(super) const MAX_POSITION: u64 = 1 << 62;
const TAG: [u8; 4] = *b"evb1";

/// Takes little-endian fields off the front of a slice.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*head)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.bytes().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.bytes().map(u64::from_le_bytes)
    }

    pub(super) fn tag(&mut self, tag: [u8; 4]) -> Option<()> {
        (self.bytes()? == tag).then_some(())
    }
}

/// What stands before each block: enough to check it and to know the rotation it belongs to,
/// before that rotation is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlockMark {
    /// Position of the rotation's first byte.
    pub(crate) base: u64,
    /// Bytes in the whole rotation.
    pub(crate) total: u64,
    /// Position of the block's first byte.
    pub(crate) position: u64,
    pub(crate) len: u32,
    pub(crate) frame_len: u32,
    pub(crate) hash: u64,
}

impl BlockMark {
    pub(crate) const LEN: usize = 60;

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(Self::LEN);
        out.extend(SKIPPABLE.to_le_bytes());
        out.extend(((Self::LEN - HEADER_LEN) as u32).to_le_bytes());
        out.extend(TAG);
        for field in [self.base, self.total, self.position] {
            out.extend(field.to_le_bytes());
        }
        out.extend(self.len.to_le_bytes());
        out.extend(self.frame_len.to_le_bytes());
        out.extend(self.hash.to_le_bytes());
        out.extend(XxHash64::oneshot(0, &out).to_le_bytes());
        out
    }

    /// Whether a skippable frame with this magic number and payload length begins as marks do.
    fn has_header(magic: u32, payload: u32) -> bool {
        magic == SKIPPABLE && payload as usize == Self::LEN - HEADER_LEN
    }

    /// The block behind this mark, which lies at archive offset `offset`.
    pub(crate) fn block(&self, offset: u64) -> Block {
        Block {
            position: self.position,
            frame: offset + Self::LEN as u64,
            skip: 0,
            frame_len: self.frame_len,
            len: self.len,
            hash: self.hash,
        }
    }

    /// The mark that `bytes` start with, or `None` when they start with anything else.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.get(..Self::LEN)?;
        let (body, hash) = bytes.split_last_chunk::<8>()?;
        if XxHash64::oneshot(0, body) != u64::from_le_bytes(*hash) {
            return None;
        }
        let mut fields = Fields(body);
        Self::has_header(fields.u32()?, fields.u32()?).then_some(())?;
        fields.tag(TAG)?;
        let mark = Self {
            base: fields.u64()?,
            total: fields.u64()?,
            position: fields.u64()?,
            len: fields.u32()?,
            frame_len: fields.u32()?,
            hash: fields.u64()?,
        };
        (mark.position <= MAX_POSITION).then_some(mark)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_comes_back_and_no_flipped_bit_of_it_does() {
        let mark = BlockMark {
            base: 1,
            total: 2,
            position: 3,
            len: 4,
            frame_len: 5,
            hash: 6,
        };
        let bytes = mark.encode();
        assert_eq!(bytes.len(), BlockMark::LEN);
        assert_eq!(BlockMark::decode(&bytes), Some(mark));
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(BlockMark::decode(&flipped), None, "bit {bit}");
        }
    }
}
