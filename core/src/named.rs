//! Calls to a store whose errors say what was tried on which file.

use alloc::vec;
use alloc::vec::Vec;

use crate::error::Error;
use crate::storage::{Slot, Source, Storage};

pub(crate) trait NamedSource: Source {
    /// The slot's length.
    fn length(&self, slot: Slot<'_>) -> Result<u64, Error<Self::Error>> {
        self.len(slot)
            .map_err(|error| Error::storage("read", slot, error))
    }

    /// `len` bytes of the slot from `offset` on, fewer only at its end.
    fn bytes(
        &self,
        slot: Slot<'_>,
        offset: u64,
        len: usize,
    ) -> Result<Vec<u8>, Error<Self::Error>> {
        let mut bytes = Vec::new();
        self.read_bytes(slot, offset, len, &mut bytes)?;
        Ok(bytes)
    }

    /// As [`bytes`](Self::bytes), in place of what `bytes` holds: reading on and on into the same
    /// buffer costs no memory of its own.
    fn read_bytes(
        &self,
        slot: Slot<'_>,
        offset: u64,
        len: usize,
        bytes: &mut Vec<u8>,
    ) -> Result<(), Error<Self::Error>> {
        match bytes.is_empty() {
            true => *bytes = vec![0; len],
            false => bytes.resize(len, 0),
        }
        let n = self
            .read_at(slot, offset, bytes)
            .map_err(|error| Error::storage("read", slot, error))?;
        bytes.truncate(n);
        Ok(())
    }

    /// The bytes of the slot from offset `from` to `to`, which by its length it has. Whoever goes
    /// through them piece by piece relies on it. `position` is that of the first, for the error.
    fn bytes_between(
        &self,
        slot: Slot<'_>,
        from: u64,
        to: u64,
        position: u64,
    ) -> Result<Vec<u8>, Error<Self::Error>> {
        let bytes = self.bytes(slot, from, (to - from) as usize)?;
        if (bytes.len() as u64) < to - from {
            let reason = "the file ends before its length";
            return Err(Error::corrupt(position, slot, from, reason));
        }
        Ok(bytes)
    }
}

impl<S: Source> NamedSource for S {}

pub(crate) trait NamedStorage: Storage {
    fn add(&mut self, slot: Slot<'_>, bytes: &[u8]) -> Result<(), Error<Self::Error>> {
        self.append(slot, bytes)
            .map_err(|error| Error::storage("append to", slot, error))
    }

    /// Makes what was done to the slot durable.
    fn settle(&mut self, slot: Slot<'_>) -> Result<(), Error<Self::Error>> {
        self.sync(slot)
            .map_err(|error| Error::storage("sync", slot, error))
    }

    /// Adds bytes to a slot of `len` bytes for good, or leaves it as long as it was.
    fn add_for_good(
        &mut self,
        slot: Slot<'_>,
        len: u64,
        bytes: &[u8],
    ) -> Result<(), Error<Self::Error>> {
        let added = self.add(slot, bytes).and_then(|()| self.settle(slot));
        if added.is_err() {
            // What a failed sync gave up may be shown still, and no later sync would cover it.
            // Where this fails too, the next opening finds what a crash would have left.
            let _ = self.truncate(slot, len);
        }
        added
    }

    /// Cuts the slot to `len` bytes for good.
    fn cut(&mut self, slot: Slot<'_>, len: u64) -> Result<(), Error<Self::Error>> {
        self.truncate(slot, len)
            .map_err(|error| Error::storage("truncate", slot, error))?;
        self.settle(slot)
    }
}

impl<S: Storage> NamedStorage for S {}
