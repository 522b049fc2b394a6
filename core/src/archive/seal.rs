use alloc::vec::Vec;
use core::ops::Range;

use memchr::memrchr_iter;
use twox_hash::XxHash64;

use super::block::Block;
use super::mark::{Fields, HEADER_LEN, MAX_POSITION, SKIPPABLE};
use crate::error::Error;
use crate::named::NamedSource;
use crate::storage::{Slot, Source};

const TAG: [u8; 4] = *b"evs1";
/// Holds a control character, which no line of JSON does.
const END: [u8; 8] = *b"\x18evseal1";
const ENTRY_LEN: usize = 32;
const FOOTER_LEN: usize = 52;
/// Bounds what a damaged or hostile archive can make us read: two million blocks, some 2 TiB.
const MAX_SEAL: u64 = 64 << 20;
/// How many bytes a search looks at behind marks that look like seals and are none.
const MAX_SEARCH: u64 = 4 * MAX_SEAL;
/// How much of the archive is searched at a time for a seal that is not at its end.
const SEARCH_LEN: u64 = 256 << 10;

/// The mark that makes everything before it complete history, with an index of its blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seal {
    /// Archive offset where the sealed part starts: the end of the seal before, or 0.
    pub(crate) start: u64,
    /// Archive offset of this seal.
    pub(crate) offset: u64,
    /// Archive offset of the seal's end.
    pub(crate) end: u64,
    /// Position of the first byte sealed.
    pub(crate) base: u64,
    /// Bytes of history sealed.
    pub(crate) len: u64,
    /// The blocks, each starting where the one before ends.
    pub(crate) blocks: Vec<Block>,
}

impl Seal {
    /// The seal to be written at archive offset `offset`, over `blocks` from `start` on.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for more blocks than are ever read back.
    pub(crate) fn new<E: core::error::Error>(
        start: u64,
        offset: u64,
        base: u64,
        blocks: Vec<Block>,
    ) -> Result<Self, Error<E>> {
        let len = (HEADER_LEN + TAG.len() + blocks.len() * ENTRY_LEN + FOOTER_LEN) as u64;
        if len > MAX_SEAL {
            let reason = "more frames lie here without a seal than one can list";
            return Err(Error::corrupt(base, Slot::Archive, start, reason));
        }
        Ok(Self {
            start,
            offset,
            end: offset + len,
            base,
            len: blocks.iter().map(|block| u64::from(block.len)).sum(),
            blocks,
        })
    }

    /// Position after the last byte sealed.
    pub(crate) fn end_position(&self) -> u64 {
        self.base + self.len
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let payload = self.end - self.offset - HEADER_LEN as u64;
        let mut out = Vec::new();
        out.extend(SKIPPABLE.to_le_bytes());
        out.extend((payload as u32).to_le_bytes());
        out.extend(TAG);
        for block in &self.blocks {
            out.extend(block.frame.to_le_bytes());
            out.extend(block.skip.to_le_bytes());
            out.extend(block.frame_len.to_le_bytes());
            out.extend(block.len.to_le_bytes());
            out.extend(block.hash.to_le_bytes());
        }
        for field in [self.start, self.offset, self.base, self.len] {
            out.extend(field.to_le_bytes());
        }
        out.extend((self.blocks.len() as u32).to_le_bytes());
        out.extend(XxHash64::oneshot(0, &out).to_le_bytes());
        out.extend(END);
        out
    }

    /// The seal that ends at archive offset `end`, or `None` when no whole one does.
    pub(crate) fn ending_at<S: Source>(
        source: &S,
        end: u64,
    ) -> Result<Option<Self>, Error<S::Error>> {
        match place_before(source, end)? {
            Some(place) => Self::at(source, place),
            None => Ok(None),
        }
    }

    fn at<S: Source>(source: &S, place: Range<u64>) -> Result<Option<Self>, Error<S::Error>> {
        let len = (place.end - place.start) as usize;
        let bytes = source.bytes(Slot::Archive, place.start, len)?;
        Ok(Self::decode(&bytes, place.start))
    }

    /// The last whole seal that ends at archive offset `end` or before.
    pub(crate) fn last_before<S: Source>(
        source: &S,
        end: u64,
    ) -> Result<Option<Self>, Error<S::Error>> {
        if let Some(seal) = Self::ending_at(source, end)? {
            return Ok(Some(seal));
        }
        // A crash or damage left other bytes at the end: look for the mark that ends a seal.
        let (mut to, mut looked_at) = (end, 0);
        while to > 0 {
            let from = to.saturating_sub(SEARCH_LEN);
            // The mark may lie across the border of two searches.
            let until = end.min(to + END.len() as u64 - 1);
            let bytes = source.bytes_between(Slot::Archive, from, until, 0)?;
            let starts = memrchr_iter(END[0], &bytes);
            for at in starts.filter(|at| bytes.get(*at..).is_some_and(|end| end.starts_with(&END)))
            {
                let candidate = from + (at + END.len()) as u64;
                let Some(place) = place_before(source, candidate)? else {
                    continue;
                };
                looked_at += place.end - place.start;
                if let Some(seal) = Self::at(source, place)? {
                    return Ok(Some(seal));
                }
                if looked_at > MAX_SEARCH {
                    let reason = "too many marks that look like a seal and are none";
                    return Err(Error::corrupt(0, Slot::Archive, candidate, reason));
                }
            }
            to = from;
        }
        Ok(None)
    }

    fn decode(bytes: &[u8], offset: u64) -> Option<Self> {
        let (hashed, rest) = bytes.split_at_checked(bytes.len().checked_sub(16)?)?;
        let mut rest = Fields(rest);
        (rest.u64()? == XxHash64::oneshot(0, hashed)).then_some(())?;
        (rest.bytes()? == END).then_some(())?;

        let (entries, footer) =
            hashed.split_at_checked(hashed.len().checked_sub(FOOTER_LEN - 16)?)?;
        let mut footer = Fields(footer);
        let start = footer.u64()?;
        (footer.u64()? == offset && start <= offset).then_some(())?;
        let base = footer.u64()?;
        let len = footer.u64()?;
        let count = footer.u32()? as usize;

        let mut entries = Fields(entries);
        begins_seal(&mut entries, bytes.len() as u64)?;
        (entries.0.len() as u64 == count as u64 * ENTRY_LEN as u64).then_some(())?;
        let mut position = base;
        let mut blocks = Vec::with_capacity(count);
        for _ in 0..count {
            let (frame, skip) = (entries.u64()?, entries.u64()?);
            let (frame_len, len) = (entries.u32()?, entries.u32()?);
            blocks.push(Block {
                position,
                frame,
                skip,
                frame_len,
                len,
                hash: entries.u64()?,
            });
            position = position.checked_add(u64::from(len))?;
        }
        (position == base.checked_add(len)? && position <= MAX_POSITION).then_some(())?;
        Some(Self {
            start,
            offset,
            end: offset.checked_add(bytes.len() as u64)?,
            base,
            len,
            blocks,
        })
    }
}

/// Where a seal that ends at archive offset `end` lies, by what its two ends say.
fn place_before<S: Source>(source: &S, end: u64) -> Result<Option<Range<u64>>, Error<S::Error>> {
    let footer_at = end.saturating_sub(FOOTER_LEN as u64);
    let footer = source.bytes(Slot::Archive, footer_at, FOOTER_LEN)?;
    let Some(offset) = offset_in(&footer, end) else {
        return Ok(None);
    };
    let head = source.bytes(Slot::Archive, offset, HEADER_LEN + TAG.len())?;
    Ok(begins_seal(&mut Fields(&head), end - offset)
        .is_some()
        .then_some(offset..end))
}

/// The offset of the seal that ends in `footer` at archive offset `end`.
fn offset_in(footer: &[u8], end: u64) -> Option<u64> {
    footer.ends_with(&END).then_some(())?;
    let mut fields = Fields(footer);
    let [_start, offset, _base, _len] =
        [fields.u64()?, fields.u64()?, fields.u64()?, fields.u64()?];
    let entries = u64::from(fields.u32()?) * ENTRY_LEN as u64;
    let len = entries + (HEADER_LEN + TAG.len() + FOOTER_LEN) as u64;
    (len <= MAX_SEAL && offset.checked_add(len)? == end).then_some(offset)
}

/// Takes the beginning of a seal of `len` bytes.
fn begins_seal(fields: &mut Fields<'_>, len: u64) -> Option<()> {
    (fields.u32()? == SKIPPABLE).then_some(())?;
    (u64::from(fields.u32()?) == len - HEADER_LEN as u64).then_some(())?;
    fields.tag(TAG)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::MemoryStore;
    use crate::storage::Storage;
    use alloc::vec;
    use core::convert::Infallible;

    fn block(position: u64, len: u32) -> Block {
        Block {
            position,
            frame: 60,
            skip: 0,
            frame_len: 9,
            len,
            hash: 7,
        }
    }

    fn seal(start: u64, offset: u64, base: u64, blocks: Vec<Block>) -> Seal {
        Seal::new::<Infallible>(start, offset, base, blocks).unwrap()
    }

    #[test]
    #[cfg_attr(miri, ignore = "megabytes, a byte at a time")]
    fn a_seal_that_nobody_could_read_back_is_refused() {
        let most = (MAX_SEAL as usize - HEADER_LEN - TAG.len() - FOOTER_LEN) / ENTRY_LEN;
        let mut blocks = vec![block(0, 0); most];
        let mut store = MemoryStore::new();
        let longest = seal(0, 0, 0, blocks.clone());
        store.append(Slot::Archive, &longest.encode()).unwrap();
        assert!(Seal::ending_at(&store, longest.end).unwrap() == Some(longest));
        blocks.push(block(0, 0));
        let refused = Seal::new::<Infallible>(0, 0, 0, blocks);
        assert!(matches!(refused, Err(Error::Corrupt { .. })));
    }

    #[test]
    #[cfg_attr(miri, ignore = "megabytes, a byte at a time")]
    fn a_seal_is_found_from_its_end_and_behind_whatever_follows() {
        let mut store = MemoryStore::new();
        store.append(Slot::Archive, &[b'x'; 100]).unwrap();
        let seal = seal(0, 100, 5, [block(5, 3), block(8, 4)].into());
        store.append(Slot::Archive, &seal.encode()).unwrap();
        assert_eq!(
            Seal::ending_at(&store, seal.end).unwrap(),
            Some(seal.clone())
        );
        for extra in [
            1,
            7,
            8,
            300,
            SEARCH_LEN as usize - 3,
            SEARCH_LEN as usize * 2,
        ] {
            let mut longer = store.clone();
            longer.append(Slot::Archive, &vec![0; extra]).unwrap();
            let len = longer.len(Slot::Archive).unwrap();
            assert_eq!(Seal::ending_at(&longer, len).unwrap(), None);
            assert_eq!(Seal::last_before(&longer, len).unwrap(), Some(seal.clone()));
        }
    }

    #[test]
    fn a_seal_with_a_flipped_bit_or_at_another_place_is_none() {
        let seal = seal(0, 10, 0, [block(0, 3)].into());
        let bytes = seal.encode();
        assert_eq!(Seal::decode(&bytes, 10), Some(seal));
        assert_eq!(Seal::decode(&bytes, 11), None);
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Seal::decode(&flipped, 10), None, "bit {bit}");
        }
    }
}
