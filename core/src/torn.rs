//! What a power cut leaves at the log's end.

use core::mem::take;

use memchr::memrchr_iter;

use crate::line;

/// Finds where the torn tail of whole lines begins, backwards from their end: lines that hold NULs
/// where their bytes did not reach the disk, and blank ones behind them.
#[derive(Debug)]
pub(crate) struct TornTail {
    /// Where it begins, by what was seen so far.
    pub(crate) start: u64,
    /// What was seen of the line whose start was not.
    line: Seen,
}

#[derive(Debug, Default)]
struct Seen {
    len: usize,
    holds_nul: bool,
    holds_text: bool,
}

impl TornTail {
    /// That of lines which end here.
    pub(crate) fn ending_at(end: u64) -> Self {
        Self {
            start: end,
            line: Seen::default(),
        }
    }

    /// Looks at the bytes before those seen so far, the first of which is at `offset`. Whether the
    /// tail can begin before them.
    pub(crate) fn goes_on_before(&mut self, bytes: &[u8], offset: u64) -> bool {
        let mut end = bytes.len();
        for newline in memrchr_iter(b'\n', bytes) {
            let start = newline + 1;
            self.see(bytes.get(start..end).unwrap_or_default());
            if !self.takes_line_at(offset + start as u64) {
                return false;
            }
            end = newline;
        }
        self.see(bytes.get(..end).unwrap_or_default());
        true
    }

    /// Takes what was seen for a line that starts here. Whether the tail can begin before it.
    pub(crate) fn takes_line_at(&mut self, start: u64) -> bool {
        let line = take(&mut self.line);
        if line.holds_nul {
            self.start = start;
        }
        line.holds_nul || !line.holds_text && line.len <= 1
    }

    fn see(&mut self, part: &[u8]) {
        self.line.len += part.len();
        self.line.holds_nul |= line::holds_nul(part);
        self.line.holds_text |= !line::is_blank(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_tail_begins_at_the_same_line_wherever_the_bytes_before_are_parted() {
        for (lines, start) in [
            (&b""[..], 0),
            (b"\n\r\n", 3),
            (b"text\n\n\r\n", 8),
            (b"text\n\0\n\r\nta\0il\n\n", 5),
            (b"\0\nt\n", 4),
            (b"\0\n\r\r\n\0\n", 5),
            (b"\0\n\r\n\n\0\n", 0),
            (b"t\0\r\n", 0),
        ] {
            for len in 1..=lines.len().max(1) {
                let mut tail = TornTail::ending_at(lines.len() as u64);
                let mut offset = lines.len();
                let goes_on = lines.rchunks(len).all(|bytes| {
                    offset -= bytes.len();
                    tail.goes_on_before(bytes, offset as u64)
                });
                if goes_on {
                    tail.takes_line_at(0);
                }
                assert_eq!(tail.start, start, "{lines:?} by {len}");
            }
        }
    }
}
