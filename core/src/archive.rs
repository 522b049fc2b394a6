//! Rotated history: zstd frames of lines, with our marks between them.
//!
//! ```text
//! archive := ( block | seal | frame )*
//! block   := block mark, zstd frame          one piece of a rotation, whole lines, about 2 MiB
//! seal    := seal mark                       says that everything before it is complete history
//! frame   := zstd frame without a mark       another writer's, complete history by itself
//! ```
//!
//! Marks are zstd *skippable* frames ([RFC 8878, section 3.1.2]), so that any zstd reader prints
//! exactly the history. All integers are little-endian, all hashes are xxh64 with seed 0.
//!
//! | block mark | bytes | | seal mark | bytes |
//! |---|---|---|---|---|
//! | magic `0x184D2A57`, payload length | 4 + 4 | | magic `0x184D2A57`, payload length | 4 + 4 |
//! | `evb1` | 4 | | `evs1` | 4 |
//! | position of the rotation's first byte | 8 | | one entry per block: frame offset, bytes of the frame's content to skip, frame length (0 where unknown), content length, content hash | 8 + 8 + 4 + 4 + 8 |
//! | bytes in the whole rotation | 8 | | archive offset where the sealed part starts | 8 |
//! | position of the block's first byte | 8 | | archive offset of this seal | 8 |
//! | content length, frame length | 4 + 4 | | position of the first byte sealed | 8 |
//! | content hash | 8 | | bytes of history sealed | 8 |
//! | hash of the mark up to here | 8 | | number of entries | 4 |
//! | | | | hash of the seal up to here | 8 |
//! | | | | `18` hex, `evseal1` | 8 |
//!
//! A seal ends in fixed fields, so the last one is found from the archive's end, and the one
//! before it where the sealed part starts: opening costs nothing that grows with history, and a
//! position is reached by reading seals backwards and decoding one block. The hash in a seal
//! guards each block's content; a block that does not match is reported, never returned.
//!
//! [RFC 8878, section 3.1.2]: https://www.rfc-editor.org/rfc/rfc8878#section-3.1.2

#[cfg_attr(target_family = "wasm", path = "archive/no_ahead.rs")]
mod ahead;
mod block;
mod codec;
mod decoder;
mod foreign;
mod frame;
mod mark;
mod seal;
mod tail;
mod whole;

pub(crate) use block::{Block, block_end};
pub use codec::{Codec, Waiting, Work};
pub(crate) use decoder::Decoder;
pub(crate) use mark::BlockMark;
pub(crate) use seal::Seal;
pub(crate) use tail::Tail;

/// About how many bytes of lines go into one block. A longer line makes a longer block.
///
/// Small blocks are quicker to reach into, large ones compress better: with these the archive is
/// at most a twentieth larger than one frame of all history.
pub(crate) const BLOCK_LEN: usize = 2 << 20;
