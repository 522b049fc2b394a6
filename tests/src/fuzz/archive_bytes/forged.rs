//! Archives by somebody who knows the format: whatever is claimed has the hash that makes it
//! whole.

use eventfold_core::LineHash;

use super::{CODECS, lines};
use crate::fuzz::choices::Choices;

const SKIPPABLE: u32 = 0x184D_2A57;

pub(super) fn archive(choices: &mut Choices<'_>) -> Vec<u8> {
    let (mut archive, mut blocks) = (Vec::new(), Vec::<Block>::new());
    // Where the next block and the next seal would stand if all claims so far were true.
    let (mut position, mut sealed, mut base) = (0_u64, 0, 0);
    while !choices.is_empty() && archive.len() < 1 << 14 {
        let at = archive.len() as u64;
        match choices.below(4) {
            0 => archive.extend(choices.some()),
            1 => {
                blocks.retain_mut(|block| block.claims(choices));
                let len = blocks.iter().map(|block| u64::from(block.len)).sum();
                let fields = [sealed, at, base, len].map(|field| near(field, choices));
                archive.extend(seal(&blocks, fields));
                blocks.clear();
                (sealed, base) = (archive.len() as u64, position);
            }
            kind => {
                let content = match choices.below(3) {
                    0 => choices.some().to_vec(),
                    n => lines(0..n as u64),
                };
                let frame =
                    (CODECS[choices.below(CODECS.len())].compress)(std::slice::from_ref(&content))
                        .concat();
                let mut block = Block {
                    frame: at,
                    skip: 0,
                    frame_len: 0,
                    len: content.len() as u32,
                    hash: LineHash::of(&content).0,
                };
                if kind == 2 {
                    block.frame_len = frame.len() as u32;
                    block.claims(choices);
                    let len = u64::from(block.len);
                    let places = [base, position - base + len, position];
                    archive.extend(mark(&block, places.map(|field| near(field, choices))));
                    block.frame = archive.len() as u64;
                }
                archive.extend(frame);
                position = position.wrapping_add(block.len.into());
                blocks.push(block);
            }
        }
    }
    archive
}

/// What a mark or a seal says of one block.
struct Block {
    frame: u64,
    skip: u64,
    frame_len: u32,
    len: u32,
    hash: u64,
}

impl Block {
    /// Changes some of what is said, and whether anything is.
    fn claims(&mut self, choices: &mut Choices<'_>) -> bool {
        if choices.byte() < 200 {
            return true;
        }
        self.frame = near(self.frame, choices);
        self.skip = near(self.skip, choices);
        self.frame_len = near(self.frame_len.into(), choices) as u32;
        self.len = near(self.len.into(), choices) as u32;
        choices.flag()
    }
}

/// This number, mostly, or another.
fn near(number: u64, choices: &mut Choices<'_>) -> u64 {
    let by = choices.byte();
    match by {
        0..=199 => number,
        200..=219 => number.wrapping_add(u64::from(by) - 199),
        220..=239 => number.wrapping_sub(u64::from(by) - 219),
        240..=247 => (1 << 62) - u64::from(by - 240),
        248..=250 => u64::MAX - u64::from(by - 248),
        _ => choices.u64(),
    }
}

/// The mark of a block: `[base, total, position]`.
fn mark(block: &Block, places: [u64; 3]) -> Vec<u8> {
    let mut out = skippable(52, *b"evb1");
    out.extend(places.iter().flat_map(|field| field.to_le_bytes()));
    out.extend(block.len.to_le_bytes());
    out.extend(block.frame_len.to_le_bytes());
    out.extend(block.hash.to_le_bytes());
    out.extend(LineHash::of(&out).0.to_le_bytes());
    out
}

/// A seal over these blocks: `[start, offset, base, len]`.
fn seal(blocks: &[Block], fields: [u64; 4]) -> Vec<u8> {
    let mut out = skippable(56 + 32 * blocks.len() as u32, *b"evs1");
    for block in blocks {
        out.extend(block.frame.to_le_bytes());
        out.extend(block.skip.to_le_bytes());
        out.extend(block.frame_len.to_le_bytes());
        out.extend(block.len.to_le_bytes());
        out.extend(block.hash.to_le_bytes());
    }
    out.extend(fields.iter().flat_map(|field| field.to_le_bytes()));
    out.extend((blocks.len() as u32).to_le_bytes());
    out.extend(LineHash::of(&out).0.to_le_bytes());
    out.extend(b"\x18evseal1");
    out
}

fn skippable(len: u32, tag: [u8; 4]) -> Vec<u8> {
    [SKIPPABLE.to_le_bytes(), len.to_le_bytes(), tag].concat()
}
