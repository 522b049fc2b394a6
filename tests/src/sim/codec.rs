//! The codecs that scripts rotate with. Each reads what the others have written.

use std::sync::Mutex;

#[cfg(not(target_arch = "wasm32"))]
use eventfold::ZSTD;
use eventfold_core::{Codec, Waiting, Work};
#[cfg(target_arch = "wasm32")]
use eventfold_wasm::CODEC as ZSTD;

use super::random::Random;

const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Begins a header of one segment with a content size of four bytes.
const HEAD: [u8; 5] = [0x28, 0xb5, 0x2f, 0xfd, 0xa0];
const BLOCK: usize = 128 << 10;
/// The lengths of [`ROUNDED`]'s frames are multiples of this.
const ROUND: usize = 768;

/// Frames that store their content as it is: quick to make. What it starts is done as late as can
/// be: when it is waited for.
pub const STORED: Codec = Codec {
    compress: |contents| contents.iter().map(|content| compress(content)).collect(),
    decompress: |frame, content| {
        stored(frame, content).is_some() || (Codec::PORTABLE.decompress)(frame, content)
    },
    start,
};

/// Frames that are as long as those of other contents are.
pub const ROUNDED: Codec = Codec {
    compress: |contents| contents.iter().map(|content| rounded(content)).collect(),
    ..STORED
};

/// Frames as programs make them: shorter than their content, which cannot be seen in them.
pub const REAL: Codec = Codec { start, ..ZSTD };

/// One of them, the slowest ones least often.
pub(super) fn draw(random: &mut Random) -> Codec {
    match random.below(16) {
        0 => REAL,
        1..6 => ROUNDED,
        _ => STORED,
    }
}

fn start(work: Work) -> Option<Waiting> {
    let work = Mutex::new(work);
    Some(Box::new(|| work.into_inner().ok()?()))
}

fn compress(content: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(content.len() + 64);
    frame.extend(HEAD);
    frame.extend((content.len() as u32).to_le_bytes());
    add_blocks(&mut frame, content);
    frame
}

fn rounded(content: &[u8]) -> Vec<u8> {
    /// Of 2 MiB.
    const WINDOW: u8 = 0x58;
    let size = (content.len() as u64).to_le_bytes();
    // A header whose length leaves a multiple of three to be filled up.
    let mut frame = match content.len() % 3 {
        0 => [&HEAD[..], &size[..4]].concat(),
        1 => [&MAGIC[..], &[0xc0, WINDOW], &size].concat(),
        _ => [&MAGIC[..], &[0x80, WINDOW], &size[..4]].concat(),
    };
    let headers = 3 * content.len().div_ceil(BLOCK);
    while !(frame.len() + headers + content.len()).is_multiple_of(ROUND) {
        // A block without content.
        frame.extend([0; 3]);
    }
    add_blocks(&mut frame, content);
    frame
}

fn add_blocks(frame: &mut Vec<u8>, content: &[u8]) {
    let last = content.len().saturating_sub(1) / BLOCK;
    for (n, block) in content.chunks(BLOCK).enumerate() {
        let header = (block.len() as u32) << 3 | u32::from(n == last);
        frame.extend(&header.to_le_bytes()[..3]);
        frame.extend(block);
    }
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

    const CODECS: [Codec; 4] = [STORED, ROUNDED, REAL, Codec::PORTABLE];

    #[test]
    fn each_codec_reads_the_frames_of_every_other_one() {
        for len in [1, 2, 3, 1000, BLOCK, BLOCK + 1, 3 * BLOCK] {
            let content: Vec<u8> = (0..len).map(|n| n as u8).collect();
            for writer in CODECS {
                let frames = (writer.compress)(std::slice::from_ref(&content));
                let [frame] = &frames[..] else { panic!() };
                for reader in CODECS {
                    let mut read = vec![0; len];
                    assert!((reader.decompress)(frame, &mut read));
                    assert_eq!(read, content);
                    assert!(!(reader.decompress)(&frame[..frame.len() - 1], &mut read));
                    assert!(!(reader.decompress)(frame, &mut read[1..]));
                }
            }
        }
    }

    #[test]
    fn rounded_frames_of_different_contents_have_the_same_length() {
        for len in 100..700 {
            assert_eq!(rounded(&vec![7; len]).len(), ROUND);
        }
    }
}
