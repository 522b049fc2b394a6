//! A store in memory.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::convert::Infallible;

use crate::storage::{Slot, Source, Storage};

/// A log's slots in memory: for tests, for previews, for state that need not outlive the program.
///
/// Nothing here is ever durable; [`sync`](Storage::sync) does nothing. A clone is a copy of the
/// bytes, as a disk's image is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemoryStore {
    slots: BTreeMap<String, Vec<u8>>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The slot's bytes, empty when it does not exist.
    #[must_use]
    pub fn bytes(&self, slot: Slot<'_>) -> &[u8] {
        self.slots.get(&slot.to_string()).map_or(&[], Vec::as_slice)
    }

    fn slot(&mut self, slot: Slot<'_>) -> &mut Vec<u8> {
        self.slots.entry(slot.to_string()).or_default()
    }
}

impl Source for MemoryStore {
    type Error = Infallible;

    fn len(&self, slot: Slot<'_>) -> Result<u64, Infallible> {
        Ok(self.bytes(slot).len() as u64)
    }

    fn read_at(&self, slot: Slot<'_>, offset: u64, buf: &mut [u8]) -> Result<usize, Infallible> {
        let rest = usize::try_from(offset)
            .ok()
            .and_then(|offset| self.bytes(slot).get(offset..))
            .unwrap_or_default();
        let n = rest.len().min(buf.len());
        if let (Some(to), Some(from)) = (buf.get_mut(..n), rest.get(..n)) {
            to.copy_from_slice(from);
        }
        Ok(n)
    }
}

impl Storage for MemoryStore {
    fn append(&mut self, slot: Slot<'_>, bytes: &[u8]) -> Result<(), Infallible> {
        self.slot(slot).extend_from_slice(bytes);
        Ok(())
    }

    fn truncate(&mut self, slot: Slot<'_>, len: u64) -> Result<(), Infallible> {
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        self.slot(slot).truncate(len);
        Ok(())
    }

    fn sync(&mut self, _slot: Slot<'_>) -> Result<(), Infallible> {
        Ok(())
    }

    fn replace(&mut self, slot: Slot<'_>, bytes: &[u8]) -> Result<(), Infallible> {
        *self.slot(slot) = bytes.to_vec();
        Ok(())
    }

    fn remove(&mut self, slot: Slot<'_>) -> Result<(), Infallible> {
        self.slots.remove(&slot.to_string());
        Ok(())
    }
}
