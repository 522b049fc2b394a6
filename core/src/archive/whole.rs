//! Looking for a whole frame behind a place from which the archive cannot be read on.

use core::ops::Range;

use memchr::memchr_iter;

use crate::error::Error;
use crate::named::NamedSource;
use crate::storage::{Slot, Source};

pub(super) const ZSTD_MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
/// How much is searched at a time.
const SEARCH_LEN: u64 = 256 << 10;
/// How many headers a search looks at. A whole frame has few: a block holds up to 128 KiB.
const MAX_HEADERS: u32 = 1 << 20;

/// Where a frame lies, by what its headers say of its length, that begins at `from` or behind and
/// ends at `end` or where another frame begins, of which there may be only the first bytes. The ones
/// that begin or end at `offset` are known.
pub(super) fn whole_frame<S: Source>(
    source: &S,
    mut from: u64,
    offset: u64,
    end: u64,
) -> Result<Option<Range<u64>>, Error<S::Error>> {
    let mut headers = 0..MAX_HEADERS;
    while from < end {
        let to = end.min(from + SEARCH_LEN);
        // The magic number may lie across the border of two searches.
        let until = end.min(to + ZSTD_MAGIC.len() as u64 - 1);
        let bytes = source.bytes_between(Slot::Archive, from, until, 0)?;
        for at in memchr_iter(ZSTD_MAGIC[0], &bytes) {
            let is_magic = bytes
                .get(at..)
                .is_some_and(|frame| frame.starts_with(&ZSTD_MAGIC));
            let frame = from + at as u64;
            if is_magic
                && frame != offset
                && let Some(to) = frame_end(source, frame, end, &mut headers)?
                && to != offset
                && (to == end
                    || to < end && ZSTD_MAGIC.starts_with(&source.bytes(Slot::Archive, to, 4)?))
            {
                return Ok(Some(frame..to));
            }
        }
        from = to;
    }
    Ok(None)
}

/// Where the frame at archive offset `frame` ends, or `None` if its last block begins behind
/// `limit` or it has none.
fn frame_end<S: Source>(
    source: &S,
    frame: u64,
    limit: u64,
    headers: &mut Range<u32>,
) -> Result<Option<u64>, Error<S::Error>> {
    let bytes = source.bytes(Slot::Archive, frame, 5)?;
    let Some(flags) = bytes.get(4) else {
        return Ok(None);
    };
    let is_single_segment = u64::from(flags >> 5 & 1);
    let dictionary = (1 << (flags & 3)) >> 1;
    let content_size = match flags >> 6 {
        0 => is_single_segment,
        n => 1 << n,
    };
    let checksum = u64::from(flags & 4);
    let mut at = frame + 5 + (1 - is_single_segment) + dictionary + content_size;
    while at < limit {
        if headers.next().is_none() {
            let reason = "too many bytes that look like frames and are none";
            return Err(Error::corrupt(0, Slot::Archive, frame, reason));
        }
        let header = source.bytes(Slot::Archive, at, 3)?;
        let &[low, middle, high] = header.as_slice() else {
            return Ok(None);
        };
        let header = u32::from_le_bytes([low, middle, high, 0]);
        if header == 0 {
            // Where a power cut left zeros there is a block without content every three bytes.
            return Ok(None);
        }
        at += 3 + match header >> 1 & 3 {
            // One byte again and again.
            1 => 1,
            3 => return Ok(None),
            _ => u64::from(header >> 3),
        };
        if header & 1 == 1 {
            return Ok(Some(at + checksum));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::MemoryStore;
    use crate::storage::Storage;
    use alloc::vec;
    use alloc::vec::Vec;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    fn store(archive: &[u8]) -> MemoryStore {
        let mut store = MemoryStore::new();
        store.append(Slot::Archive, archive).unwrap();
        store
    }

    #[test]
    #[cfg_attr(miri, ignore = "megabytes, a byte at a time")]
    fn a_whole_frame_is_found_wherever_it_begins_if_it_ends_at_the_end() {
        // Several blocks; a single segment of one raw block; one of one byte repeated.
        let frames: [Vec<u8>; 3] = [
            compress_to_vec(&vec![b'x'; 300_000][..], CompressionLevel::Fastest),
            [&ZSTD_MAGIC[..], &[0x20, 3, 0x19, 0, 0], b"abc"].concat(),
            [&ZSTD_MAGIC[..], &[0x20, 3, 0x1B, 0, 0], b"a"].concat(),
        ];
        for frame in frames {
            for before in [1, 2, SEARCH_LEN as usize - 2, SEARCH_LEN as usize * 2] {
                let archive = [vec![b'('; before], frame.clone()].concat();
                let end = archive.len() as u64;
                let start = before as u64;
                let found =
                    |archive: &[u8], from, end| whole_frame(&store(archive), from, 0, end).unwrap();
                assert_eq!(found(&archive, 1, end), Some(start..end));
                assert_eq!(found(&archive, 1, end - 1), None);
                assert_eq!(found(&archive, start + 1, end), None);
                let longer = [&archive[..], b"x"].concat();
                assert_eq!(found(&longer, 1, end + 1), None);
                let followed = [&archive[..], &ZSTD_MAGIC].concat();
                for part in 1..=4 {
                    let followed = &followed[..archive.len() + part as usize];
                    assert_eq!(found(followed, 1, end + part), Some(start..end));
                }
                for offset in [start, end] {
                    let other = whole_frame(&store(&followed), 1, offset, end + 4);
                    assert_eq!(other.unwrap(), None);
                }
            }
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "megabytes, a byte at a time")]
    fn the_zeros_that_a_power_cut_leaves_are_no_frames() {
        let looks = [&ZSTD_MAGIC[..], &[0x20, 3]].concat().repeat(100);
        let archive = [looks, vec![0; 4 << 20]].concat();
        let found = whole_frame(&store(&archive), 1, 1, archive.len() as u64);
        assert_eq!(found.unwrap(), None);
    }

    #[test]
    #[cfg_attr(miri, ignore = "a million headers")]
    fn what_looks_like_frames_without_end_is_given_up() {
        let looks = [&ZSTD_MAGIC[..], &[0x20, 3]].concat().repeat(100);
        // Blocks of a byte that is never repeated.
        let archive = [looks, [2, 0, 0, 0].repeat(1 << 18)].concat();
        let found = whole_frame(&store(&archive), 1, 1, archive.len() as u64);
        assert!(matches!(found, Err(Error::Corrupt { .. })), "{found:?}");
    }
}
