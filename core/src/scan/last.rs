//! Finding the last lines, from the end backwards.

use alloc::vec::Vec;

use memchr::memrchr_iter;

use super::{FIRST_READ, Scan};
use crate::error::Error;
use crate::history::{Extent, Piece};
use crate::line::MAX_LINE;
use crate::storage::Source;

impl<S: Source> Scan<S> {
    /// Goes to where the last `lines` lines begin that are there now, blank ones counted, or to
    /// the first line where there are fewer; with 0 behind the last line. A fragment at the end
    /// does not count. What it takes grows with these lines, not with the log.
    ///
    /// Damage on the way is not passed: the scan goes to behind it.
    ///
    /// # Errors
    /// [`Error::Storage`] when the source cannot be read, [`Error::Corrupt`] for damage that
    /// hides where the log begins. The scan stays where it is.
    pub fn seek_last(&mut self, lines: usize) -> Result<(), Error<S::Error>> {
        let mut bytes = Vec::new();
        'anew: loop {
            let extent = self.history.extent(&self.source)?;
            let Extent { base, log_len } = extent;
            let mut at = base + log_len;
            // Before each of them a line ends, and before what follows them the last one does.
            let mut ends = lines;
            while at > 0 {
                let from = match at <= base {
                    true => at - 1,
                    false => at.saturating_sub(FIRST_READ as u64).max(base),
                };
                let want = (at - from) as usize;
                let start = match self.history.read(&self.source, from, want, &mut bytes)? {
                    Piece::Block { position, .. } | Piece::Log { position, .. } => position,
                    Piece::Damaged { .. } => break,
                };
                let Some(before) = bytes.get(..(at - start) as usize) else {
                    // Rotated or cut since; else it is shorter than its length.
                    if self.history.extent(&self.source)? != extent {
                        continue 'anew;
                    }
                    break;
                };
                // Every line of the archive has an end, also where it has no newline, unless it is
                // too long for a block.
                let is_end = at <= base && before.len() <= MAX_LINE;
                if is_end && !before.ends_with(b"\n") {
                    if ends == 0 {
                        break;
                    }
                    ends -= 1;
                }
                for newline in memrchr_iter(b'\n', before) {
                    if ends == 0 {
                        self.go_to(start + newline as u64 + 1);
                        return Ok(());
                    }
                    ends -= 1;
                }
                at = start;
            }
            self.go_to(at);
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Access, Codec, Durability, Event, MemoryStore, Slot, Storage, Writer};
    use alloc::vec;

    #[test]
    #[cfg_attr(miri, ignore = "megabytes, a byte at a time")]
    fn the_last_lines_are_the_same_wherever_they_lie() {
        let mut store = MemoryStore::new();
        for rotations in 0..4 {
            let (mut writer, _) = Writer::open(store, Codec::PORTABLE, Access::Exclusive).unwrap();
            for n in 0..9 {
                // Some longer than what is read at once.
                let len = if n == 4 { FIRST_READ + 7 } else { n };
                let data = "x".repeat(len);
                writer
                    .append(&Event::at(0, "n", data), Durability::Synced)
                    .unwrap();
            }
            store = writer.store().clone();
            if rotations == 2 {
                store.append(Slot::Log, b"{\"type\":\"torn").unwrap();
            }
            let mut starts = vec![];
            let mut scan = Scan::new(&store, Codec::PORTABLE, 0);
            while let Some(line) = scan.next_line().unwrap() {
                starts.push(line.position);
            }
            starts.push(scan.position());
            for lines in [0, 1, 2, 5, 8, 9, 10, 18, 27, 35, 36, 37, usize::MAX] {
                let mut scan = Scan::new(&store, Codec::PORTABLE, 0);
                scan.seek_last(lines).unwrap();
                let expected = starts[starts.len().saturating_sub(lines.saturating_add(1))];
                assert_eq!(scan.position(), expected, "{lines} after {rotations}");
                let left = starts.iter().filter(|start| **start > expected).count();
                let mut read = 0;
                while scan.next_line().unwrap().is_some() {
                    read += 1;
                }
                assert_eq!(read, left);
            }
            let (mut writer, _) = Writer::open(store, Codec::PORTABLE, Access::Exclusive).unwrap();
            writer.rotate().unwrap();
            store = writer.store().clone();
        }
        let mut scan = Scan::new(MemoryStore::new(), Codec::PORTABLE, 0);
        scan.seek_last(3).unwrap();
        assert_eq!(scan.position(), 0);
    }
}
