//! zstd frames that store their content as it is: valid for every reader, and quick to make.

use std::sync::Mutex;

use eventfold_core::{Codec, Waiting, Work};

/// Magic number; a header of one segment with a content size of four bytes.
const HEAD: [u8; 5] = [0x28, 0xb5, 0x2f, 0xfd, 0xa0];
const BLOCK: usize = 128 << 10;

/// Stores instead of compressing. What it starts is done as late as can be: when it is waited for.
pub const STORED: Codec = Codec {
    compress: |contents| contents.iter().map(|content| compress(content)).collect(),
    decompress,
    start,
};

fn start(work: Work) -> Option<Waiting> {
    let work = Mutex::new(work);
    Some(Box::new(|| work.into_inner().ok()?()))
}

fn compress(content: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(content.len() + 64);
    frame.extend(HEAD);
    frame.extend((content.len() as u32).to_le_bytes());
    let last = content.len().saturating_sub(1) / BLOCK;
    for (n, block) in content.chunks(BLOCK).enumerate() {
        let header = (block.len() as u32) << 3 | u32::from(n == last);
        frame.extend(&header.to_le_bytes()[..3]);
        frame.extend(block);
    }
    frame
}

fn decompress(frame: &[u8], content: &mut [u8]) -> bool {
    stored(frame, content).is_some()
}

fn stored(frame: &[u8], mut content: &mut [u8]) -> Option<()> {
    let mut rest = frame.strip_prefix(&HEAD)?;
    let (size, blocks) = rest.split_first_chunk::<4>()?;
    (u32::from_le_bytes(*size) as usize == content.len()).then_some(())?;
    rest = blocks;
    loop {
        let (header, blocks) = rest.split_first_chunk::<3>()?;
        let header = u32::from_le_bytes([header[0], header[1], header[2], 0]);
        let (block, after) = blocks.split_at_checked((header >> 3) as usize)?;
        let (to, left) = content.split_at_mut_checked(block.len())?;
        to.copy_from_slice(block);
        (content, rest) = (left, after);
        if header & 1 == 1 {
            return (rest.is_empty() && content.is_empty()).then_some(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_frames_are_read_by_a_real_decoder_and_by_this_one() {
        for len in [1, 1000, BLOCK, BLOCK + 1, 3 * BLOCK] {
            let content: Vec<u8> = (0..len).map(|n| n as u8).collect();
            let frame = compress(&content);
            for codec in [Codec::PORTABLE, STORED] {
                let mut read = vec![0; len];
                assert!((codec.decompress)(&frame, &mut read));
                assert_eq!(read, content);
            }
            let mut read = vec![0; len];
            assert!(!decompress(&frame[..frame.len() - 1], &mut read));
            assert!(!decompress(&frame, &mut read[1..]));
        }
    }
}
