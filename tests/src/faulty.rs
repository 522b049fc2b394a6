//! A store that fails or stops at a chosen call.

use std::error::Error;
use std::fmt;

use eventfold_core::{Access, Codec, Slot, Source, Storage, Writer};

/// What happens from the chosen call on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// That call fails; later ones work.
    Once,
    /// That call and every later one fails, as after the end of the process.
    FromThenOn,
    /// None fails, but before that one another program appends [`OTHER`] to the log.
    OtherAppends,
    /// None fails, but before that one another program cuts the log to half its length.
    OtherCuts,
    /// None fails, but before that one another program removes the archive.
    OtherRemovesArchive,
    /// None fails, but before that one another writer opens the log and rotates it.
    OtherRotates,
}

/// The line of [`event`](crate::event) 1000.
pub const OTHER: &[u8] = b"{\"type\":\"counted\",\"data\":{\"n\":1000},\"ts\":1000}\n";

/// A store whose `at`-th writing call (from 0) fails. An append that fails leaves its first
/// `part` bytes, or one byte less than all if that is fewer.
#[derive(Debug)]
pub struct Faulty<S> {
    pub store: S,
    pub fault: Fault,
    pub at: usize,
    pub part: usize,
    /// Writing calls so far.
    pub calls: usize,
}

/// The failure of a [`Faulty`] store.
#[derive(Debug)]
pub struct Failed;

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the store failed, as it was told")
    }
}

impl Error for Failed {}

impl<S: Storage> Faulty<S> {
    pub fn new(store: S, fault: Fault, at: usize, part: usize) -> Self {
        Self {
            store,
            fault,
            at,
            part,
            calls: 0,
        }
    }

    /// Whether the fault was met.
    pub fn met(&self) -> bool {
        self.calls > self.at
    }

    fn fails(&mut self) -> bool {
        let call = self.calls;
        self.calls += 1;
        match self.fault {
            Fault::Once => call == self.at,
            Fault::FromThenOn => call >= self.at,
            _ => {
                if call == self.at {
                    self.meddle();
                }
                false
            }
        }
    }

    fn meddle(&mut self) {
        let len = self.store.len(Slot::Log).unwrap();
        match self.fault {
            Fault::OtherAppends => self.store.append(Slot::Log, OTHER).unwrap(),
            Fault::OtherRemovesArchive => self.store.truncate(Slot::Archive, 0).unwrap(),
            Fault::OtherRotates => {
                let opened = Writer::open(&mut self.store, Codec::PORTABLE, Access::Exclusive);
                opened.unwrap().0.rotate().unwrap();
            }
            _ => self.store.truncate(Slot::Log, len / 2).unwrap(),
        }
    }

    fn act<T>(&mut self, act: impl FnOnce(&mut S) -> Result<T, S::Error>) -> Result<T, Failed> {
        if self.fails() {
            return Err(Failed);
        }
        Ok(act(&mut self.store).unwrap())
    }
}

impl<S: Storage> Source for Faulty<S> {
    type Error = Failed;

    fn len(&self, slot: Slot<'_>) -> Result<u64, Failed> {
        Ok(self.store.len(slot).unwrap())
    }

    fn read_at(&self, slot: Slot<'_>, offset: u64, buf: &mut [u8]) -> Result<usize, Failed> {
        Ok(self.store.read_at(slot, offset, buf).unwrap())
    }
}

impl<S: Storage> Storage for Faulty<S> {
    fn append(&mut self, slot: Slot<'_>, bytes: &[u8]) -> Result<(), Failed> {
        let call = self.calls;
        if self.fails() {
            if call == self.at {
                let part = self.part.min(bytes.len().saturating_sub(1));
                self.store.append(slot, &bytes[..part]).unwrap();
            }
            return Err(Failed);
        }
        self.store.append(slot, bytes).unwrap();
        Ok(())
    }

    fn truncate(&mut self, slot: Slot<'_>, len: u64) -> Result<(), Failed> {
        self.act(|store| store.truncate(slot, len))
    }

    fn sync(&mut self, slot: Slot<'_>) -> Result<(), Failed> {
        self.act(|store| store.sync(slot))
    }

    fn replace(&mut self, slot: Slot<'_>, bytes: &[u8]) -> Result<(), Failed> {
        self.act(|store| store.replace(slot, bytes))
    }

    fn remove(&mut self, slot: Slot<'_>) -> Result<(), Failed> {
        self.act(|store| store.remove(slot))
    }
}
