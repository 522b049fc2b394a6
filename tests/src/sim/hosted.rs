//! A simulated disk as an object in JavaScript.

use eventfold_core::{LockMode, Slot, Source, Storage};
use eventfold_wasm::{Files, HostError, HostStore};
use wasm_bindgen::prelude::*;

use super::disk::Disk;
use super::reach::Reach;

/// A store of the JavaScript package, and the files of a simulated disk as its host's.
#[derive(Debug)]
pub struct Hosted;

impl Reach for Hosted {
    type Store = HostedStore;

    fn reach(disk: &Disk) -> HostedStore {
        let host = JsValue::from(DiskHost { disk: disk.clone() });
        HostedStore {
            store: HostStore::new(host.clone().unchecked_into::<Files>(), LockMode::None),
            host: host.unchecked_into::<Freed>(),
        }
    }
}

/// What a host's files have to do, done by a simulated disk.
#[wasm_bindgen]
#[derive(Debug)]
pub struct DiskHost {
    disk: Disk,
}

#[wasm_bindgen]
impl DiskHost {
    pub fn len(&self, name: &str) -> Result<f64, JsError> {
        Ok(self.disk.len(slot(name)).map(|len| len as f64)?)
    }

    #[wasm_bindgen(js_name = readAt)]
    pub fn read_at(&self, name: &str, offset: f64, into: &mut [u8]) -> Result<usize, JsError> {
        Ok(self.disk.read_at(slot(name), offset as u64, into)?)
    }

    pub fn append(&mut self, name: &str, data: &[u8]) -> Result<(), JsError> {
        Ok(self.disk.append(slot(name), data)?)
    }

    pub fn truncate(&mut self, name: &str, length: f64) -> Result<(), JsError> {
        Ok(self.disk.truncate(slot(name), length as u64)?)
    }

    pub fn sync(&mut self, name: &str) -> Result<(), JsError> {
        Ok(self.disk.sync(slot(name))?)
    }

    pub fn replace(&mut self, name: &str, data: &[u8]) -> Result<(), JsError> {
        Ok(self.disk.replace(slot(name), data)?)
    }

    pub fn remove(&mut self, name: &str) -> Result<(), JsError> {
        Ok(self.disk.remove(slot(name))?)
    }
}

fn slot(name: &str) -> Slot<'_> {
    let snapshot = || name.strip_prefix("views/")?.strip_suffix(".snapshot.json");
    match (name, snapshot()) {
        ("app.jsonl", _) => Slot::Log,
        ("archive.jsonl.zst", _) => Slot::Archive,
        ("torn.bin", _) => Slot::Torn,
        (_, Some(view)) => Slot::Snapshot(view),
        _ => panic!("there is no file {name}"),
    }
}

#[wasm_bindgen]
extern "C" {
    #[derive(Debug)]
    type Freed;
    #[wasm_bindgen(method)]
    fn free(this: &Freed);
}

/// A [`HostStore`] whose host goes with it: JavaScript would keep it until the test is over.
#[derive(Debug)]
pub struct HostedStore {
    store: HostStore,
    host: Freed,
}

impl Drop for HostedStore {
    fn drop(&mut self) {
        self.host.free();
    }
}

impl Source for HostedStore {
    type Error = HostError;

    fn len(&self, slot: Slot<'_>) -> Result<u64, HostError> {
        self.store.len(slot)
    }

    fn read_at(&self, slot: Slot<'_>, offset: u64, buf: &mut [u8]) -> Result<usize, HostError> {
        self.store.read_at(slot, offset, buf)
    }
}

impl Storage for HostedStore {
    fn append(&mut self, slot: Slot<'_>, bytes: &[u8]) -> Result<(), HostError> {
        self.store.append(slot, bytes)
    }

    fn truncate(&mut self, slot: Slot<'_>, len: u64) -> Result<(), HostError> {
        self.store.truncate(slot, len)
    }

    fn sync(&mut self, slot: Slot<'_>) -> Result<(), HostError> {
        self.store.sync(slot)
    }

    fn replace(&mut self, slot: Slot<'_>, bytes: &[u8]) -> Result<(), HostError> {
        self.store.replace(slot, bytes)
    }

    fn remove(&mut self, slot: Slot<'_>) -> Result<(), HostError> {
        self.store.remove(slot)
    }
}
