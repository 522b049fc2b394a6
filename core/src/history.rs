//! One history out of two files: finds the bytes at any position while a writer may rotate.

use alloc::vec::Vec;

use memchr::memrchr;

use crate::archive::{Block, Codec, Decoder, Seal, Tail};
use crate::error::Error;
use crate::hash::LineHash;
use crate::line::{self, MAX_LINE};
use crate::named::NamedSource;
use crate::planted::{Bug, planted};
use crate::storage::{Slot, Source};

/// What bytes of history are.
pub(crate) enum Piece {
    /// A whole block of the archive, from this position on and of this archive offset.
    Block { position: u64, offset: u64 },
    /// Bytes of the log from this position on. `base` is the position of its first byte.
    Log { position: u64, base: u64 },
    /// History up to position `to` cannot be read, because of what lies at this archive offset.
    Damaged {
        to: u64,
        offset: u64,
        reason: &'static str,
    },
}

/// Where the log lies in history, at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Position of the log's first byte.
    pub(crate) base: u64,
    /// Length of the log.
    pub(crate) log_len: u64,
}

/// Reads history from a source, which is given to each call and is the same one each time. What is
/// kept between calls depends on no source's type: a log has one copy of this code, whoever reads.
///
/// Every answer that depends on where the log begins is checked afterwards and found again if a
/// rotation came in between: one changes the archive's length before it empties the log, and
/// again before it lets anything be appended.
pub(crate) struct History {
    decoder: Decoder,
    tail: Option<Tail>,
    /// The seal that the last block came from.
    seal: Option<Seal>,
    /// Archive offsets where the seals after it end, the nearest last.
    later: Vec<u64>,
}

impl History {
    pub(crate) fn new(codec: Codec) -> Self {
        Self {
            decoder: Decoder::new(codec),
            tail: None,
            seal: None,
            later: Vec::new(),
        }
    }

    /// Where the log lies now.
    pub(crate) fn extent<S: Source>(&mut self, source: &S) -> Result<Extent, Error<S::Error>> {
        loop {
            let extent = self.presumed_extent(source)?;
            if self.tail_is_current(source)? {
                return Ok(extent);
            }
            self.tail(source)?;
        }
    }

    /// Whether the archive ends, as it was last seen, with a rotation that waits for its seal.
    pub(crate) fn waits_for_seal(&self) -> bool {
        let tail = self.tail.as_ref();
        tail.is_some_and(|tail| !tail.pending.is_empty())
    }

    /// Where the log lies now if the archive is as it was last seen. Whoever reads by this has to
    /// see afterwards that it is.
    fn presumed_extent<S: Source>(&mut self, source: &S) -> Result<Extent, Error<S::Error>> {
        let tail = match self.tail {
            Some(ref tail) => tail,
            None => self.tail(source)?,
        };
        let (base, base_if_empty) = (tail.counted_end(), tail.end());
        let log_len = source.length(Slot::Log)?;
        let base = if log_len == 0 { base_if_empty } else { base };
        Ok(Extent { base, log_len })
    }

    /// Sets `bytes` to what is at `position`: the whole block that holds it, or at most `want`
    /// bytes of the log from there on, none at its end, and the byte before where the log has one.
    pub(crate) fn read<S: Source>(
        &mut self,
        source: &S,
        position: u64,
        want: usize,
        bytes: &mut Vec<u8>,
    ) -> Result<Piece, Error<S::Error>> {
        loop {
            let extent = self.presumed_extent(source)?;
            let Extent { base, log_len } = extent;
            let piece = if position < base {
                Ok(self.read_block(source, position, bytes)?)
            } else if position - base > log_len {
                let end = base + log_len;
                Err(Error::Beyond { position, end })
            } else {
                let offset = position - base;
                let before = u64::from(offset > 0);
                let want = (want as u64).min(log_len - offset) + before;
                source.read_bytes(Slot::Log, offset - before, want as usize, bytes)?;
                let position = position - before;
                Ok(Piece::Log { position, base })
            };
            if self.still_holds(source, extent)? {
                return piece;
            }
            self.tail(source)?;
        }
    }

    /// The hash of the last line before `position` that is not blank, or `None` when no line ends
    /// there.
    pub(crate) fn hash_before<S: Source>(
        &mut self,
        source: &S,
        position: u64,
    ) -> Result<Option<LineHash>, Error<S::Error>> {
        const FIRST_WANT: u64 = 4 << 10;
        // A line with its newline, and the one before it.
        const LONGEST: u64 = MAX_LINE as u64 + 2;
        let (mut position, mut want, mut bytes) = (position, FIRST_WANT, Vec::new());
        loop {
            if position == 0 {
                return Ok(Some(LineHash::NONE));
            }
            let extent = self.extent(source)?;
            let Extent { base, log_len } = extent;
            if position > base + log_len {
                return Ok(None);
            }
            let from = if position <= base {
                position - 1
            } else {
                position.saturating_sub(want).max(base)
            };
            let start = match self.read(source, from, (position - from) as usize, &mut bytes)? {
                Piece::Damaged { .. } => return Ok(None),
                // Rotated since: what was asked of the log is found in the archive.
                Piece::Log { base: moved, .. } if moved != base => continue,
                Piece::Block { position, .. } | Piece::Log { position, .. } => position,
            };
            let Some(before) = bytes.get(..(position - start) as usize) else {
                // Cut since, by whoever repairs the log; else it is shorter than its length.
                if self.extent(source)? != extent {
                    continue;
                }
                return Ok(None);
            };
            let is_unit_end = position <= base && before.len() == bytes.len();
            if !before.ends_with(b"\n") && !is_unit_end {
                return Ok(None);
            }
            let lines = without_blank_lines(before);
            let line = lines.strip_suffix(b"\n").unwrap_or(lines);
            match memrchr(b'\n', line) {
                Some(newline) => {
                    return Ok(line.get(newline + 1..).map(LineHash::of));
                }
                // Nothing but blank lines so far, or none in front of which the log goes on.
                None if start > base && position > base => {
                    if lines.len() < before.len() {
                        (position, want) = (start + lines.len() as u64, FIRST_WANT);
                    } else if want == LONGEST {
                        return Ok(None);
                    } else {
                        want = (want * 4).min(LONGEST);
                    }
                }
                None if line::is_blank(line) => (position, want) = (start, FIRST_WANT),
                None => return Ok(Some(LineHash::of(line))),
            }
        }
    }

    fn tail<S: Source>(&mut self, source: &S) -> Result<&Tail, Error<S::Error>> {
        while !self.tail_is_current(source)? {
            let len = source.length(Slot::Archive)?;
            match Tail::read(source) {
                Ok(tail) => {
                    // It was found by another state of the archive.
                    self.decoder.forget_ahead();
                    self.tail = Some(tail);
                }
                // Half of what a writer is writing can look like damage.
                Err(error) if len == source.length(Slot::Archive)? => return Err(error),
                Err(_) => {}
            }
        }
        Ok(self.tail.get_or_insert_default())
    }

    /// Whether the log lay where `extent` says during all that was read since.
    fn still_holds<S: Source>(&self, source: &S, extent: Extent) -> Result<bool, Error<S::Error>> {
        // While a rotation waits for its seal the log can be emptied without a change to the
        // archive. This is asked first: an archive that is the same afterwards vouches for it.
        let waits = self.waits_for_seal() && !planted(Bug::EmptiedLogUnseen);
        let emptied = waits && extent.log_len > 0 && source.length(Slot::Log)? == 0;
        Ok(planted(Bug::RotationUnseen) || !emptied && self.tail_is_current(source)?)
    }

    fn tail_is_current<S: Source>(&self, source: &S) -> Result<bool, Error<S::Error>> {
        match &self.tail {
            Some(tail) => tail.is_current(source),
            None => Ok(false),
        }
    }

    fn read_block<S: Source>(
        &mut self,
        source: &S,
        position: u64,
        bytes: &mut Vec<u8>,
    ) -> Result<Piece, Error<S::Error>> {
        let block = match self.decoder.block_ahead(position) {
            Some(block) => Some(block),
            None => match self.block_at(source, position)? {
                Ok(block) => block,
                Err(damaged) => return Ok(damaged),
            },
        };
        let Some(block) = block.filter(|block| position < block.end()) else {
            let reason = "no block holds this position";
            return Err(Error::corrupt(position, Slot::Archive, 0, reason));
        };
        Ok(match self.decoder.read(source, &block, bytes)? {
            true => {
                self.decode_ahead(source);
                Piece::Block {
                    position: block.position,
                    offset: block.frame,
                }
            }
            false => Piece::Damaged {
                to: block.end(),
                offset: block.frame,
                reason: "the block does not match its hash",
            },
        })
    }

    fn decode_ahead<S: Source>(&mut self, source: &S) {
        while let Some(position) = self.decoder.wanted()
            && let Ok(Ok(Some(next))) = self.block_at(source, position)
            && next.position == position
            && self.decoder.start(source, next)
        {}
    }

    /// The block that holds `position`, if it is archived and one does, or the damage that hides it.
    fn block_at<S: Source>(
        &mut self,
        source: &S,
        position: u64,
    ) -> Result<Result<Option<Block>, Piece>, Error<S::Error>> {
        let tail = self.tail(source)?;
        match position >= tail.sealed_end {
            true => Ok(Ok(tail.block_at(position))),
            false => self.sealed_block_at(source, position),
        }
    }

    /// The block that holds the sealed position `position`, or the damage that hides it.
    fn sealed_block_at<S: Source>(
        &mut self,
        source: &S,
        position: u64,
    ) -> Result<Result<Option<Block>, Piece>, Error<S::Error>> {
        let covers = |seal: &Seal| seal.base <= position && position < seal.end_position();
        if !self.seal.as_ref().is_some_and(covers) {
            // Reading forward, where the next seal ends is known from the way back.
            self.seal = match self.later.pop() {
                Some(end) => Seal::ending_at(source, end)?.filter(covers),
                None => None,
            };
        }
        if self.seal.is_none() {
            self.later.clear();
            let tail = self.tail(source)?;
            let (mut end, mut to) = (tail.sealed_to, tail.sealed_end);
            while self.seal.is_none() {
                let seal = Seal::ending_at(source, end)?;
                match seal.filter(|seal| seal.end_position() == to) {
                    Some(seal) if covers(&seal) => self.seal = Some(seal),
                    Some(seal) => {
                        self.later.push(end);
                        end = seal.start;
                        to = seal.base;
                    }
                    None => {
                        return Ok(Err(Piece::Damaged {
                            to,
                            offset: end,
                            reason: "the seal that ends here is damaged",
                        }));
                    }
                }
            }
        }
        let blocks = self.seal.as_ref().map(|seal| seal.blocks.as_slice());
        Ok(Ok(
            Block::holding(blocks.unwrap_or_default(), position).copied()
        ))
    }
}

/// The lines without the blank ones at their end, but for one where there is nothing else.
fn without_blank_lines(mut lines: &[u8]) -> &[u8] {
    while let [rest @ .., b'\n'] = lines
        && let Some(before) = rest.strip_suffix(b"\r").or(Some(rest))
        && before.ends_with(b"\n")
    {
        lines = before;
    }
    lines
}
