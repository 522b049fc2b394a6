//! What a disk holds at one moment.

use std::fmt;

use eventfold_core::{LineHash, Slot, Source, Storage};

use crate::faulty::Failed;

/// How many slots an image has: log, archive, torn bytes, and the snapshot of one view.
pub const SLOTS: usize = 4;
pub const LOG: usize = 0;
pub const ARCHIVE: usize = 1;
pub const TORN: usize = 2;
pub const SNAPSHOT: usize = 3;
/// What each slot is called where something is told of it.
pub const NAMES: [&str; SLOTS] = ["log", "archive", "torn bytes", "snapshot"];

/// The bytes of each slot, `None` where it has no name. As a store it makes nothing durable and
/// never fails: the cheapest thing that a recovery can run on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Image {
    pub slots: [Option<Vec<u8>>; SLOTS],
}

/// Where a slot stands in an [`Image`]. All snapshots are one: scripts have one view.
pub fn index(slot: Slot<'_>) -> usize {
    match slot {
        Slot::Log => LOG,
        Slot::Archive => ARCHIVE,
        Slot::Torn => TORN,
        _ => SNAPSHOT,
    }
}

impl Image {
    pub fn bytes(&self, slot: usize) -> &[u8] {
        self.slots[slot].as_deref().unwrap_or_default()
    }

    /// Becomes a copy of `other`, in the memory it has.
    pub fn copy_from(&mut self, other: &Self) {
        for (to, from) in self.slots.iter_mut().zip(&other.slots) {
            match (to.as_mut(), from) {
                (Some(to), Some(from)) => to.clone_from(from),
                _ => to.clone_from(from),
            }
        }
    }

    /// Puts `bytes` at offset `at`, with zeros before them where the slot is shorter.
    pub fn write(&mut self, slot: usize, at: usize, bytes: &[u8]) {
        let slot = self.slots[slot].get_or_insert_default();
        let end = at + bytes.len();
        if slot.len() == at {
            slot.extend_from_slice(bytes);
            return;
        }
        if slot.len() < end {
            slot.resize(end, 0);
        }
        slot[at..end].copy_from_slice(bytes);
    }

    /// Sets the slot's length, with zeros where it was shorter.
    pub fn resize(&mut self, slot: usize, len: usize) {
        self.slots[slot].get_or_insert_default().resize(len, 0);
    }

    /// A hash of these slots and of whether they exist.
    pub fn hash(&self, slots: &[usize]) -> u64 {
        slots.iter().fold(slots.len() as u64, |hash, &slot| {
            let of = match &self.slots[slot] {
                Some(bytes) => LineHash::of(bytes).0,
                None => 1,
            };
            mix(hash, of)
        })
    }
}

/// Folds one number into a hash.
pub fn mix(hash: u64, with: u64) -> u64 {
    let mut mixed = (hash ^ with.rotate_left(29)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^= mixed >> 32;
    mixed.wrapping_mul(0xd6e8_feb8_6659_fd93)
}

/// As a replay tells it.
impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, bytes) in NAMES.iter().zip(&self.slots) {
            match bytes {
                Some(bytes) => {
                    let (len, shown) = (bytes.len(), bytes.len().min(20_000));
                    writeln!(f, "  {name}, {len}: {}", bytes[..shown].escape_ascii())?;
                }
                None => writeln!(f, "  no {name}")?,
            }
        }
        Ok(())
    }
}

impl Source for Image {
    type Error = Failed;

    fn len(&self, slot: Slot<'_>) -> Result<u64, Failed> {
        Ok(self.bytes(index(slot)).len() as u64)
    }

    fn read_at(&self, slot: Slot<'_>, offset: u64, buf: &mut [u8]) -> Result<usize, Failed> {
        let bytes = self.bytes(index(slot));
        let rest = &bytes[bytes.len().min(offset as usize)..];
        let n = rest.len().min(buf.len());
        buf[..n].copy_from_slice(&rest[..n]);
        Ok(n)
    }
}

impl Storage for Image {
    fn append(&mut self, slot: Slot<'_>, bytes: &[u8]) -> Result<(), Failed> {
        let slot = &mut self.slots[index(slot)];
        slot.get_or_insert_default().extend_from_slice(bytes);
        Ok(())
    }

    fn truncate(&mut self, slot: Slot<'_>, len: u64) -> Result<(), Failed> {
        self.resize(index(slot), len as usize);
        Ok(())
    }

    fn sync(&mut self, _slot: Slot<'_>) -> Result<(), Failed> {
        Ok(())
    }

    fn replace(&mut self, slot: Slot<'_>, bytes: &[u8]) -> Result<(), Failed> {
        self.slots[index(slot)] = Some(bytes.to_vec());
        Ok(())
    }

    fn remove(&mut self, slot: Slot<'_>) -> Result<(), Failed> {
        self.slots[index(slot)] = None;
        Ok(())
    }
}
