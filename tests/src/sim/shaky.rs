//! Files that fail, end, vanish, are replaced or grow while they are read.

use std::cell::Cell;

use eventfold_core::{Error, Scan, Slot, Source};

use super::check::Found;
use super::codec::STORED;
use super::image::{ARCHIVE, Image, LOG, index};
use super::run::Run;
use super::script::Script;
use crate::faulty::Failed;

/// What happens to a file at one reading call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mishap {
    /// The call fails.
    Fails,
    /// From then on each call does.
    Fail,
    /// The call gives so many bytes less than there are.
    Short(usize),
    /// From then on the file is gone.
    Vanishes,
    /// From then on another program's file is in its place.
    Replaced,
    /// From then on there are more bytes behind its end, which are no line yet.
    Grows,
}

const MISHAPS: [Mishap; 8] = [
    Mishap::Fails,
    Mishap::Fail,
    Mishap::Short(1),
    Mishap::Short(30),
    Mishap::Short(usize::MAX),
    Mishap::Vanishes,
    Mishap::Replaced,
    Mishap::Grows,
];

/// The files of an image, with a mishap at one reading call.
struct Shaky<'i> {
    image: &'i Image,
    changed: Image,
    slot: usize,
    mishap: Mishap,
    at: usize,
    calls: Cell<usize>,
    /// Whether the mishap is over.
    over: Cell<bool>,
}

impl Shaky<'_> {
    /// Whether it happens in this call, or happened before and lasts.
    fn happens(&self, slot: Slot<'_>) -> bool {
        let call = self.calls.replace(self.calls.get() + 1);
        let once = matches!(self.mishap, Mishap::Fails | Mishap::Short(_));
        let is_now = if once {
            call == self.at
        } else {
            call >= self.at
        };
        is_now && !self.over.get() && index(slot) == self.slot
    }
}

impl Source for Shaky<'_> {
    type Error = Failed;

    fn len(&self, slot: Slot<'_>) -> Result<u64, Failed> {
        match (self.happens(slot), self.mishap) {
            (true, Mishap::Fails | Mishap::Fail) => Err(Failed),
            (false, _) | (true, Mishap::Short(_)) => self.image.len(slot),
            (true, _) => self.changed.len(slot),
        }
    }

    fn read_at(&self, slot: Slot<'_>, offset: u64, buf: &mut [u8]) -> Result<usize, Failed> {
        match (self.happens(slot), self.mishap) {
            (true, Mishap::Fails | Mishap::Fail) => Err(Failed),
            (false, _) => self.image.read_at(slot, offset, buf),
            (true, Mishap::Short(by)) => {
                let n = self.image.read_at(slot, offset, buf)?;
                Ok(n.saturating_sub(by))
            }
            (true, _) => self.changed.read_at(slot, offset, buf),
        }
    }
}

/// Reads a script's log with a mishap at each call of the reading in turn, and on when it is over:
/// no line is there that was not written, none comes twice or out of order, and none is missing
/// unless an error was told in its place. Returns how many readings there were.
pub fn read_with_mishaps(script: &Script) -> usize {
    let run = Run::of(script);
    let image = run.disk.shown(Image::clone);
    let (all, _) = read(&image, &|| ());
    let mut readings = 0;
    for slot in [LOG, ARCHIVE] {
        for mishap in MISHAPS {
            for at in 0.. {
                let shaky = Shaky {
                    image: &image,
                    changed: changed(&image, slot, mishap),
                    slot,
                    mishap,
                    at,
                    calls: Cell::new(0),
                    over: Cell::new(false),
                };
                let (lines, errors) = read(&shaky, &|| shaky.over.set(true));
                let context = format_args!("{script}: slot {slot}, {mishap:?} at call {at}");
                // Without its archive, or with another file, it is another log.
                let other = match mishap {
                    Mishap::Vanishes => slot == ARCHIVE,
                    mishap => mishap == Mishap::Replaced,
                };
                let mut rest = all.iter();
                for line in lines.iter().filter(|_| !other) {
                    assert!(rest.any(|known| known == line), "{context}: {line:?}");
                }
                if errors == 0 && !other {
                    assert_eq!(lines, all, "{context}");
                }
                readings += 1;
                if shaky.calls.get() <= at {
                    break;
                }
            }
        }
    }
    readings
}

fn changed(image: &Image, slot: usize, mishap: Mishap) -> Image {
    let mut changed = image.clone();
    changed.slots[slot] = match mishap {
        Mishap::Vanishes => None,
        Mishap::Replaced => Some(b"{\"type\":\"other\",\"data\":0,\"ts\":0}\n".repeat(9)),
        _ => Some([image.bytes(slot), b"{\"type\":\"t\",\"da"].concat()),
    };
    changed
}

/// Reads until nothing comes any more, ends the mishap, and reads on. Returns the lines, and how
/// many errors there were besides those of the calls themselves.
fn read<S: Source<Error = Failed>>(source: S, end: &dyn Fn()) -> (Vec<Found>, usize) {
    let mut scan = Scan::new(source, STORED, 0);
    let (mut lines, mut errors) = (Vec::new(), 0);
    for _ in 0..2 {
        // Errors can be repeated without end; a program gives up on them.
        for _ in 0..lines.len() + 1000 {
            match scan.next_line() {
                Ok(Some(line)) => lines.push(Found {
                    position: line.position,
                    hash: line.hash(),
                }),
                Ok(None) => break,
                Err(Error::Storage { .. }) => {}
                Err(_) => errors += 1,
            }
        }
        end();
    }
    (lines, errors)
}
