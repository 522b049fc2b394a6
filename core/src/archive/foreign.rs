//! Frames of another writer: any zstd frame, of any length, decoded as a stream.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use ruzstd::decoding::errors::FrameDecoderError;
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use ruzstd::io::{Error as IoError, ErrorKind, Read};
use twox_hash::XxHash64;

use super::BLOCK_LEN;
use super::block::{Block, block_end};
use crate::error::Error;
use crate::named::NamedSource;
use crate::storage::{Slot, Source};

const INPUT_LEN: usize = 64 << 10;

/// Why a frame cannot be read.
pub(super) enum FrameError<E> {
    /// The archive ends before the frame does.
    Truncated,
    /// The frame is not what a zstd writer makes.
    Damaged,
    /// The frame may be whole, but asks for what cannot be given.
    Unsupported(String),
    Source(E),
}

/// A frame being decoded. Memory is bounded by the frame's window, at most 100 MiB.
pub(super) struct Frame {
    offset: u64,
    decoder: FrameDecoder,
    input: Input,
    /// Bytes of content handed out.
    produced: u64,
}

/// Compressed bytes read ahead.
struct Input {
    bytes: Vec<u8>,
    at: usize,
    /// Archive offset after `bytes`.
    end: u64,
}

/// The input as a decoder sees it.
struct Reader<'a, S: Source> {
    source: &'a S,
    input: &'a mut Input,
    error: Option<S::Error>,
    ended: bool,
}

impl<S: Source> Read for Reader<'_, S> {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, IoError> {
        if self.input.at == self.input.bytes.len() {
            let mut bytes = core::mem::take(&mut self.input.bytes);
            bytes.resize(INPUT_LEN, 0);
            match self
                .source
                .read_at(Slot::Archive, self.input.end, &mut bytes)
            {
                Ok(n) => bytes.truncate(n),
                Err(error) => {
                    self.error = Some(error);
                    return Err(IoError::from(ErrorKind::Other));
                }
            }
            self.input.end += bytes.len() as u64;
            self.input.bytes = bytes;
            self.input.at = 0;
        }
        let ready = self.input.bytes.get(self.input.at..).unwrap_or_default();
        let n = ready.len().min(buf.len());
        if let (Some(to), Some(from)) = (buf.get_mut(..n), ready.get(..n)) {
            to.copy_from_slice(from);
        }
        self.input.at += n;
        self.ended |= n == 0 && !buf.is_empty();
        Ok(n)
    }
}

impl Frame {
    /// Starts at the frame at archive offset `offset`.
    pub(super) fn open<S: Source>(source: &S, offset: u64) -> Result<Self, FrameError<S::Error>> {
        let mut frame = Self {
            offset,
            decoder: FrameDecoder::new(),
            input: Input {
                bytes: Vec::new(),
                at: 0,
                end: offset,
            },
            produced: 0,
        };
        frame.decode(source, |decoder, reader| decoder.init(reader))?;
        Ok(frame)
    }

    /// Whether the next byte read is the one after `skip` bytes of the frame at `offset`.
    pub(super) fn continues_at(&self, offset: u64, skip: u64) -> bool {
        self.offset == offset && self.produced == skip
    }

    /// Adds up to `limit` bytes of content to `out`; fewer only at the frame's end, where the
    /// frame's own checksum, if it has one, was found right.
    pub(super) fn read<S: Source>(
        &mut self,
        source: &S,
        out: &mut Vec<u8>,
        limit: usize,
    ) -> Result<usize, FrameError<S::Error>> {
        let start = out.len();
        loop {
            let have = out.len() - start;
            let ready = self.decoder.can_collect().min(limit - have);
            out.resize(start + have + ready, 0);
            if let Some(to) = out.get_mut(start + have..) {
                self.decoder.read(to).map_err(|_| FrameError::Damaged)?;
            }
            self.produced += ready as u64;
            if have + ready == limit {
                return Ok(limit);
            }
            if self.decoder.is_finished() {
                let written = self.decoder.get_checksum_from_data();
                if written.is_some() && written != self.decoder.get_calculated_checksum() {
                    return Err(FrameError::Damaged);
                }
                return Ok(have + ready);
            }
            self.decode(source, |decoder, reader| {
                decoder.decode_blocks(reader, BlockDecodingStrategy::UptoBlocks(1))
            })?;
        }
    }

    /// Passes over `n` bytes of content.
    pub(super) fn skip<S: Source>(
        &mut self,
        source: &S,
        mut n: u64,
    ) -> Result<(), FrameError<S::Error>> {
        let mut passed = Vec::new();
        while n > 0 {
            passed.clear();
            let want = usize::try_from(n).unwrap_or(BLOCK_LEN).min(BLOCK_LEN);
            let got = self.read(source, &mut passed, want)?;
            if got == 0 {
                return Err(FrameError::Damaged);
            }
            n -= got as u64;
        }
        Ok(())
    }

    fn decode<S: Source, T>(
        &mut self,
        source: &S,
        step: impl FnOnce(&mut FrameDecoder, &mut Reader<'_, S>) -> Result<T, FrameDecoderError>,
    ) -> Result<T, FrameError<S::Error>> {
        let mut reader = Reader {
            source,
            input: &mut self.input,
            error: None,
            ended: false,
        };
        step(&mut self.decoder, &mut reader).map_err(|error| match reader.error {
            Some(error) => FrameError::Source(error),
            None if reader.ended => FrameError::Truncated,
            None => unsupported(&error).map_or(FrameError::Damaged, FrameError::Unsupported),
        })
    }
}

/// What a person can do something about; where in its bits a frame breaks helps nobody.
fn unsupported(error: &FrameDecoderError) -> Option<String> {
    match error {
        FrameDecoderError::WindowSizeTooBig { requested, max } => Some(format!(
            "it needs a window of {requested} bytes, and {max} is the limit"
        )),
        FrameDecoderError::DictNotProvided { dict_id } => {
            Some(format!("it was made with the dictionary {dict_id}"))
        }
        _ => None,
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("offset", &self.offset)
            .field("produced", &self.produced)
            .finish_non_exhaustive()
    }
}

/// Decodes the frame at archive offset `offset`, whose content starts at `position`, to its end:
/// the blocks it holds and the archive offset after it.
pub(super) fn measure<S: Source>(
    source: &S,
    offset: u64,
    position: u64,
) -> Result<(Vec<Block>, u64), FrameError<S::Error>> {
    let mut frame = Frame::open(source, offset)?;
    let (mut blocks, mut bytes, mut skip) = (vec![], Vec::new(), 0);
    loop {
        let finished = frame.read(source, &mut bytes, BLOCK_LEN)? < BLOCK_LEN;
        while let Some(end) = block_end(&bytes, finished) {
            let rest = bytes.split_off(end);
            blocks.push(Block {
                position: position + skip,
                frame: offset,
                skip,
                frame_len: 0,
                len: end as u32,
                hash: XxHash64::oneshot(0, &bytes),
            });
            skip += end as u64;
            bytes = rest;
        }
        if finished {
            return Ok((blocks, offset + frame.decoder.bytes_read_from_source()));
        }
    }
}

/// Whether the log can be what the damaged frame from archive offset `offset` to `end` was made of,
/// which then is not emptied: whoever archives it syncs the frame before. Where nothing of the frame
/// can be compared, only a hole shows that a crash damaged it.
pub(super) fn may_be_of_log<S: Source>(
    source: &S,
    offset: u64,
    end: u64,
) -> Result<bool, Error<S::Error>> {
    let log_len = source.length(Slot::Log)?;
    // No frame is longer by more than this than what it is made of.
    let longest = log_len + (log_len >> 7) + 64;
    if log_len == 0 || end - offset > longest {
        return Ok(false);
    }
    let mut frame = match Frame::open(source, offset) {
        Ok(frame) => frame,
        Err(FrameError::Source(error)) => {
            return Err(Error::storage("read", Slot::Archive, error));
        }
        Err(_) => return holds_hole(source, offset, end),
    };
    let (mut content, mut at) = (Vec::new(), 0);
    loop {
        content.clear();
        let read = frame.read(source, &mut content, BLOCK_LEN);
        if source.bytes(Slot::Log, at, content.len())? != content {
            return Ok(false);
        }
        at += content.len() as u64;
        match read {
            Err(FrameError::Source(error)) => {
                return Err(Error::storage("read", Slot::Archive, error));
            }
            Ok(BLOCK_LEN) => {}
            _ => return Ok(at > 0 || holds_hole(source, offset, end)?),
        }
    }
}

/// Whether a sector between these archive offsets is zeros, as one is that a crash kept from the
/// disk; of the last one a part may be there.
fn holds_hole<S: Source>(source: &S, offset: u64, end: u64) -> Result<bool, Error<S::Error>> {
    const SECTOR: usize = 512;
    let mut from = offset.next_multiple_of(SECTOR as u64);
    while from < end {
        let to = end.min(from + INPUT_LEN as u64);
        let bytes = source.bytes_between(Slot::Archive, from, to, 0)?;
        let is_hole = |sector: &[u8]| sector.iter().all(|byte| *byte == 0);
        if bytes.chunks(SECTOR).any(is_hole) {
            return Ok(true);
        }
        from = to;
    }
    Ok(false)
}

/// Whether the content of the frame at archive offset `offset` begins with that of these blocks,
/// one frame each. What is damaged is not the same.
pub(super) fn begins_with<S: Source>(
    source: &S,
    offset: u64,
    blocks: &[Block],
) -> Result<bool, Error<S::Error>> {
    let same = || {
        let mut frame = Frame::open(source, offset)?;
        let (mut content, mut of_block) = (Vec::new(), Vec::new());
        for block in blocks {
            let mut own = Frame::open(source, block.frame)?;
            loop {
                content.clear();
                of_block.clear();
                let len = own.read(source, &mut of_block, BLOCK_LEN)?;
                frame.read(source, &mut content, len)?;
                if content != of_block {
                    return Ok(false);
                }
                if len < BLOCK_LEN {
                    break;
                }
            }
        }
        Ok(true)
    };
    match same() {
        Err(FrameError::Source(error)) => Err(Error::storage("read", Slot::Archive, error)),
        result => Ok(matches!(result, Ok(true))),
    }
}
