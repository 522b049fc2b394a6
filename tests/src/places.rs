//! The places that the suite runs on.

use std::cell::RefCell;
use std::convert::Infallible;
use std::rc::Rc;

use eventfold_core::{Codec, MemoryStore, Slot, Source, Storage};

use crate::Place;

/// Memory, with the portable codec.
#[derive(Debug, Clone, Default)]
pub struct Memory(Rc<RefCell<MemoryStore>>);

impl Memory {
    /// A copy of all bytes.
    pub fn image(&self) -> MemoryStore {
        self.0.borrow().clone()
    }
}

impl Place for Memory {
    type Store = Self;
    const CODEC: Codec = Codec::PORTABLE;

    fn empty() -> Self {
        Self::default()
    }

    fn store(&self) -> Self {
        self.clone()
    }
}

impl Source for Memory {
    type Error = Infallible;

    fn len(&self, slot: Slot<'_>) -> Result<u64, Infallible> {
        self.0.borrow().len(slot)
    }

    fn read_at(&self, slot: Slot<'_>, offset: u64, buf: &mut [u8]) -> Result<usize, Infallible> {
        self.0.borrow().read_at(slot, offset, buf)
    }
}

impl Storage for Memory {
    fn append(&mut self, slot: Slot<'_>, bytes: &[u8]) -> Result<(), Infallible> {
        self.0.borrow_mut().append(slot, bytes)
    }

    fn truncate(&mut self, slot: Slot<'_>, len: u64) -> Result<(), Infallible> {
        self.0.borrow_mut().truncate(slot, len)
    }

    fn sync(&mut self, slot: Slot<'_>) -> Result<(), Infallible> {
        self.0.borrow_mut().sync(slot)
    }

    fn replace(&mut self, slot: Slot<'_>, bytes: &[u8]) -> Result<(), Infallible> {
        self.0.borrow_mut().replace(slot, bytes)
    }

    fn remove(&mut self, slot: Slot<'_>) -> Result<(), Infallible> {
        self.0.borrow_mut().remove(slot)
    }
}

/// Real files in a directory of their own, with zstd in C.
#[cfg(not(target_arch = "wasm32"))]
#[derive(Debug)]
pub struct Files(tempfile::TempDir);

#[cfg(not(target_arch = "wasm32"))]
impl Place for Files {
    type Store = eventfold::FileStore;
    const CODEC: Codec = eventfold::ZSTD;

    fn empty() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn store(&self) -> Self::Store {
        eventfold::FileStore::open(self.0.path(), eventfold::LockMode::None).unwrap()
    }
}

/// An object in JavaScript.
#[cfg(target_arch = "wasm32")]
#[derive(Debug)]
pub struct Host(eventfold_wasm::Files);

#[cfg(target_arch = "wasm32")]
impl Place for Host {
    type Store = eventfold_wasm::HostStore;
    const CODEC: Codec = Codec::PORTABLE;

    fn empty() -> Self {
        Self(eventfold_wasm::memory_files())
    }

    fn store(&self) -> Self::Store {
        eventfold_wasm::HostStore::new(self.0.clone(), eventfold_core::LockMode::None)
    }
}
