//! Reading forward: lines and events from a position on.

mod last;

use alloc::vec::Vec;
use core::fmt;
use core::mem::take;
use core::ops::Range;

use memchr::{memchr, memrchr};
use serde::de::DeserializeOwned;

use crate::archive::{BLOCK_LEN, Codec};
use crate::error::Error;
use crate::hash::LineHash;
use crate::history::{History, Piece};
use crate::line::{self, MAX_LINE};
use crate::planted::{Bug, planted};
use crate::record::{Line, Place, Record};
use crate::storage::{Slot, Source};
use crate::torn::TornTail;

/// How much of the log is read at first, by whoever may want no more than a line.
const FIRST_READ: usize = 64 << 10;

/// How much of the log is read at a time by whoever reads on and on: each time twice as much, up
/// to this. A read asks the store for more than bytes, and that is to be little of it.
const LONGEST_READ: usize = 1 << 20;

/// The largest buffer that is kept to read on into: one that a long line took is given back.
const KEEP_LEN: usize = BLOCK_LEN;

/// Reads lines from a position to the end of what is readable, from the archive into the log.
///
/// At the end it answers `None` and may be asked again later: it goes on with what was appended
/// since, across rotations. A fragment without its newline is not there yet, and neither are
/// lines with NULs at the very end, which a power cut leaves. Blank lines are passed over.
///
/// After [`Error::Corrupt`] or [`Error::Mismatch`] the next call goes on behind the damage.
///
/// A line is taken only whole out of one read, so a fragment that a writer cuts off and writes
/// over is never joined with what comes after it.
pub struct Scan<S> {
    source: S,
    history: History,
    /// Position of the next line.
    position: u64,
    bytes: Vec<u8>,
    /// Where in `bytes` the next line starts.
    at: usize,
    /// Where `bytes` were read. The last line of a block may lack a newline.
    place: Place,
    /// No line before this position is one of those at the log's end that a power cut damaged.
    whole_to: u64,
    /// How much of the log to read next.
    want: usize,
}

impl<S: Source> Scan<S> {
    /// Starts at `position`, which is 0, a record's `next_position`, or the start of any event.
    ///
    /// Reading fails with [`Error::Beyond`] or [`Error::NotABoundary`] where it is none, or no
    /// longer one: events that were never durable can have given their place to others.
    pub fn new(source: S, codec: Codec, position: u64) -> Self {
        Self {
            source,
            history: History::new(codec),
            position,
            bytes: Vec::new(),
            at: 0,
            place: Place::Block { offset: 0 },
            whole_to: 0,
            want: FIRST_READ,
        }
    }

    /// Goes to another position, as if [`new`](Scan::new) there, but with what is known of the
    /// archive.
    pub fn seek(&mut self, position: u64) {
        self.go_to(position);
        self.whole_to = 0;
    }

    /// Where the next line starts.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// How many bytes there are from where the next line starts to the end of what is written, a
    /// fragment included that may be there. 0 means that nothing is left to read.
    ///
    /// # Errors
    /// [`Error::Beyond`] when what is written ends before; else as
    /// [`next_line`](Scan::next_line) for what lies at the archive's end.
    pub fn bytes_ahead(&mut self) -> Result<u64, Error<S::Error>> {
        let extent = self.history.extent(&self.source)?;
        let (position, end) = (self.position, extent.base + extent.log_len);
        let ahead = end.checked_sub(position);
        ahead.ok_or(Error::Beyond { position, end })
    }

    /// The next event, or `None` when there is none yet.
    ///
    /// # Errors
    /// As [`next_line`](Scan::next_line) and [`Line::event`].
    pub fn next_record<D: DeserializeOwned>(
        &mut self,
    ) -> Result<Option<Record<D>>, Error<S::Error>> {
        let Some(line) = self.next_line()? else {
            return Ok(None);
        };
        line.record().map(Some)
    }

    /// The next line that is not blank, or `None` when there is none yet.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for a line over [`MAX_LINE`] and for a damaged block or seal of the
    /// archive, once each; and each time, staying where it is, for damage behind the last seal,
    /// which hides where the log begins. [`Error::Beyond`] and [`Error::NotABoundary`] as said in
    /// [`new`](Scan::new). [`Error::Storage`] when the source cannot be read; the scan stays
    /// where it is.
    // Handing a line over would take as long as finding it.
    #[inline(always)]
    pub fn next_line(&mut self) -> Result<Option<Line<'_>>, Error<S::Error>> {
        let range = match self.plain_line() {
            Some(range) => range,
            None => match self.find_line()? {
                Some(range) => range,
                None => return Ok(None),
            },
        };
        let position = self.start_of(&range);
        let bytes = self.bytes.get(range).unwrap_or_default();
        Ok(Some(Line {
            position,
            next_position: self.position,
            place: self.place,
            bytes,
            stored: bytes,
        }))
    }

    /// Checks that the line before where the next one starts, if there is one, has this hash: that
    /// what was once read up to here is there still. It is for who has not read on yet.
    ///
    /// # Errors
    /// [`Error::Diverged`] when it has another; else as [`next_line`](Scan::next_line).
    pub fn check_before(&mut self, hash: LineHash) -> Result<(), Error<S::Error>> {
        match self.hash_before()? {
            Some(found) if found != hash => Err(Error::Diverged {
                position: self.position,
            }),
            _ => Ok(()),
        }
    }

    /// As [`check_before`](Scan::check_before), for who found nothing to read: an event that was seen
    /// before it was durable may have given its place to one of the same length. A line of the
    /// archive is taken for the one that was read, since each look would decode a block.
    ///
    /// # Errors
    /// As there.
    pub fn check_last(&mut self, hash: LineHash) -> Result<(), Error<S::Error>> {
        let extent = self.history.extent(&self.source)?;
        match self.position > extent.base {
            true => self.check_before(hash),
            false => Ok(()),
        }
    }

    /// The hash of the line that ends at [`position`](Scan::position), or `None` when none does.
    pub(crate) fn hash_before(&mut self) -> Result<Option<LineHash>, Error<S::Error>> {
        self.history.hash_before(&self.source, self.position)
    }

    /// Where in `bytes` the next line lies, without its newline, if it is there and nothing more has
    /// to be asked: what most lines take.
    #[inline(always)]
    fn plain_line(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        let rest = self.bytes.get(start..)?;
        let len = memchr(b'\n', rest)?;
        if self.position >= self.whole_to || line::is_blank(rest.get(..len)?) {
            return None;
        }
        self.at += len + 1;
        self.position += len as u64 + 1;
        Some(start..self.at - 1)
    }

    /// Where in `bytes` the next line lies that is not blank and not torn, without its newline.
    #[inline(never)]
    fn find_line(&mut self) -> Result<Option<Range<usize>>, Error<S::Error>> {
        let before = self.position;
        let Some(range) = self.take_line()? else {
            return Ok(None);
        };
        let start = self.start_of(&range);
        if start < self.whole_to {
            return Ok(Some(range));
        }
        let is_whole = self.whole_line_follows(start);
        self.go_to(before);
        match is_whole? {
            true => self.take_line(),
            false => Ok(None),
        }
    }

    /// Where in `bytes` the next line that is not blank lies, without its newline.
    fn take_line(&mut self) -> Result<Option<Range<usize>>, Error<S::Error>> {
        loop {
            let start = self.at;
            let rest = self.bytes.get(start..).unwrap_or_default();
            let (len, next) = match memchr(b'\n', rest) {
                Some(newline) => (newline, newline + 1),
                None if !rest.is_empty() => (rest.len(), rest.len()),
                None if self.fill()? => continue,
                None => return Ok(None),
            };
            let blank = line::is_blank(rest.get(..len).unwrap_or_default());
            self.at += next;
            self.position += next as u64;
            if !blank {
                return Ok(Some(start..start + len));
            }
        }
    }

    /// Reads what comes next: a block, or whole lines of the log. False when nothing does yet.
    #[inline(never)]
    fn fill(&mut self) -> Result<bool, Error<S::Error>> {
        let position = self.position;
        // Taken, so that an error leaves no bytes to be taken for lines.
        let mut bytes = take(&mut self.bytes);
        self.at = 0;
        if bytes.capacity() > KEEP_LEN {
            bytes = Vec::new();
        }
        let mut want = self.want;
        loop {
            let (start, place) = match self.read(position, want, &mut bytes)? {
                Piece::Block { position, offset } => (position, Place::Block { offset }),
                Piece::Log { position, base } => (position, Place::Log { base }),
                Piece::Damaged { to, offset, reason } => {
                    self.go_to(to);
                    return Err(Error::corrupt(position, Slot::Archive, offset, reason));
                }
            };
            let at = (position - start) as usize;
            // Also where a line ended here: it can have given its place to a longer one.
            let before = at.checked_sub(1).and_then(|at| bytes.get(at));
            if before.is_some_and(|&byte| byte != b'\n') {
                return Err(Error::NotABoundary { position });
            }
            let mut whole_to = start + bytes.len() as u64;
            if let Place::Block { .. } = place {
                if bytes.len() > MAX_LINE && memchr(b'\n', &bytes).is_none() {
                    return self.pass_long_line(position, place, bytes);
                }
            } else {
                let lines = bytes.get(at..).unwrap_or_default();
                let Some(newline) = memrchr(b'\n', lines) else {
                    if lines.len() < want {
                        return Ok(false);
                    }
                    if want > MAX_LINE {
                        return self.pass_long_line(position, place, bytes);
                    }
                    want = (want * 4).min(MAX_LINE + 1);
                    continue;
                };
                bytes.truncate(at + newline + 1);
                self.want = (self.want * 2).min(LONGEST_READ);
                whole_to = torn_start(bytes.get(at..).unwrap_or_default(), position);
                if whole_to > position && !planted(Bug::TornLinesKept) {
                    // What may be torn is read when it is its turn: until then it may be cut off.
                    bytes.truncate((whole_to - start) as usize);
                }
            }
            (self.at, self.bytes, self.place) = (at, bytes, place);
            self.whole_to = self.whole_to.max(whole_to);
            return Ok(true);
        }
    }

    fn read(
        &mut self,
        position: u64,
        want: usize,
        bytes: &mut Vec<u8>,
    ) -> Result<Piece, Error<S::Error>> {
        self.history.read(&self.source, position, want, bytes)
    }

    /// Reports the line over the limit at `position` and goes behind it, in bounded memory and
    /// across the blocks that it was cut into. A line of the log that has no end yet is a fragment
    /// like any other.
    fn pass_long_line(
        &mut self,
        position: u64,
        place: Place,
        mut bytes: Vec<u8>,
    ) -> Result<bool, Error<S::Error>> {
        let mut from = position + MAX_LINE as u64 + 1;
        loop {
            let (start, is_block) = match self.read(from, LONGEST_READ, &mut bytes)? {
                Piece::Block { position, .. } => (position, true),
                Piece::Log { position, .. } => (position, false),
                Piece::Damaged { .. } => break,
            };
            let rest = bytes.get((from - start) as usize..).unwrap_or_default();
            if let Some(newline) = memchr(b'\n', rest) {
                from += newline as u64 + 1;
                break;
            }
            from += rest.len() as u64;
            match place {
                Place::Log { .. } if rest.is_empty() => return Ok(false),
                // Its last block can lack the newline, when another writer archived it.
                _ if rest.is_empty() || is_block && bytes.len() <= MAX_LINE => break,
                _ => {}
            }
        }
        self.go_to(from);
        let reason = alloc::format!("a line longer than the limit of {MAX_LINE} bytes");
        Err(place.corrupt(position, &reason))
    }

    /// Whether a line that no power cut damaged follows the one at `start`, behind which only
    /// lines with NULs were read.
    fn whole_line_follows(&mut self, start: u64) -> Result<bool, Error<S::Error>> {
        while self.whole_to <= start {
            self.position += (self.bytes.len() - self.at) as u64;
            match self.fill() {
                Ok(true) => {}
                // It was cut off meanwhile, or ends here.
                Ok(false) | Err(Error::Beyond { .. } | Error::NotABoundary { .. }) => {
                    return Ok(false);
                }
                // A line over the limit.
                Err(Error::Corrupt { .. }) => self.whole_to = self.position,
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Where a line starts that was just taken.
    fn start_of(&self, line: &Range<usize>) -> u64 {
        self.position - (self.at - line.start) as u64
    }

    fn go_to(&mut self, position: u64) {
        self.position = position;
        self.at = self.bytes.len();
        self.want = FIRST_READ;
    }
}

/// Without what it has read.
impl<S: fmt::Debug> fmt::Debug for Scan<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scan")
            .field("source", &self.source)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}

/// Where among these lines of the log, which start at `position`, those begin that are torn if no
/// other follows; 0 if all are, since those before them can be as well.
fn torn_start(lines: &[u8], position: u64) -> u64 {
    let mut tail = TornTail::ending_at(position + lines.len() as u64);
    let may_be_all = tail.goes_on_before(lines, position) && tail.takes_line_at(position);
    if may_be_all { 0 } else { tail.start }
}
