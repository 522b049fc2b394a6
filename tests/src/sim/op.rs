//! What can be done to a disk.

use std::fmt;
use std::rc::Rc;

use super::image::{Image, NAMES};

/// Something done to a disk, in the order in which it was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    Append {
        slot: usize,
        at: usize,
        bytes: Rc<[u8]>,
    },
    Truncate {
        slot: usize,
        len: usize,
    },
    Replace {
        slot: usize,
        bytes: Rc<[u8]>,
    },
    Remove {
        slot: usize,
    },
    Sync {
        slot: usize,
    },
    /// A sync that failed, and after which no later one covers what was appended to the slot from
    /// operation `since` on, though the disk goes on showing it.
    GiveUp {
        slot: usize,
        since: usize,
    },
}

impl Op {
    /// Does it to an image.
    pub fn apply(&self, image: &mut Image) {
        match self {
            Self::Append { slot, at, bytes } => image.write(*slot, *at, bytes),
            Self::Truncate { slot, len } => image.resize(*slot, *len),
            Self::Replace { slot, bytes } => image.slots[*slot] = Some(bytes.to_vec()),
            Self::Remove { slot } => image.slots[*slot] = None,
            Self::Sync { .. } | Self::GiveUp { .. } => {}
        }
    }

    pub fn slot(&self) -> usize {
        match self {
            Self::Append { slot, .. }
            | Self::Truncate { slot, .. }
            | Self::Replace { slot, .. }
            | Self::Remove { slot }
            | Self::Sync { slot }
            | Self::GiveUp { slot, .. } => *slot,
        }
    }
}

/// As a replay tells it.
impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slot = NAMES[self.slot()];
        match self {
            Self::Append { at, bytes, .. } => {
                let end = at + bytes.len();
                let begins = bytes[..bytes.len().min(60)].escape_ascii();
                write!(f, "append to {slot}, {at} to {end}: {begins}")
            }
            Self::Truncate { len, .. } => write!(f, "truncate {slot} to {len}"),
            Self::Replace { bytes, .. } => write!(f, "replace {slot}, {} bytes", bytes.len()),
            Self::Remove { .. } => write!(f, "remove {slot}"),
            Self::Sync { .. } => write!(f, "sync {slot}"),
            Self::GiveUp { since, .. } => {
                write!(
                    f,
                    "sync {slot} fails and gives up what came since operation {since}"
                )
            }
        }
    }
}
