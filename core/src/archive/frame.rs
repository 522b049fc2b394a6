//! Any zstd frame, of any length, decoded as a stream.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use ruzstd::decoding::errors::FrameDecoderError;
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use ruzstd::io::{Error as IoError, ErrorKind, Read};

use super::BLOCK_LEN;
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
    /// The archive cannot be read.
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

    /// Archive offset after what was read of it.
    pub(super) fn end(&self) -> u64 {
        self.offset + self.decoder.bytes_read_from_source()
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
