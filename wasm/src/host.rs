//! A store over files that a JavaScript host provides.

#[cfg(target_arch = "wasm32")]
use std::arch::wasm32::memory_size;
use std::fmt;

use eventfold_core::{LockMode, Slot, Source, Storage};
use wasm_bindgen::prelude::*;

/// 2^53: from here on a JavaScript number is not a whole number of its own.
const MAX_LEN: f64 = 9_007_199_254_740_992.0;

#[wasm_bindgen]
extern "C" {
    /// An object that holds a log's bytes; `Files` in `hosts/host.d.ts` says what it has to do.
    #[derive(Debug, Clone)]
    pub type Files;

    #[wasm_bindgen(method, structural, catch)]
    fn len(this: &Files, name: &JsValue) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, structural, catch, js_name = readAt)]
    fn read_at(
        this: &Files,
        name: &JsValue,
        offset: f64,
        into: &mut [u8],
    ) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, structural, catch)]
    fn append(this: &Files, name: &JsValue, data: &[u8]) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, structural, catch)]
    fn truncate(this: &Files, name: &JsValue, length: f64) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, structural, catch)]
    fn sync(this: &Files, name: &JsValue) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, structural, catch)]
    fn replace(this: &Files, name: &JsValue, data: &[u8]) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, structural, catch)]
    fn remove(this: &Files, name: &JsValue) -> Result<JsValue, JsValue>;
}

#[wasm_bindgen(module = "/hosts/memory-files.js")]
extern "C" {
    /// A log's files in memory.
    #[wasm_bindgen(js_name = memoryFiles)]
    pub fn memory_files() -> Files;
}

#[wasm_bindgen]
extern "C" {
    /// `String(value)`. It runs code of the value's own, which can throw.
    #[wasm_bindgen(catch, js_name = String)]
    fn string(value: &JsValue) -> Result<String, JsValue>;
}

/// What a host threw, or how it broke its contract.
#[derive(Clone)]
pub struct HostError(pub JsValue);

impl HostError {
    fn broken(method: &str, answer: &JsValue) -> Self {
        let kind = answer.js_typeof().as_string().unwrap_or_default();
        let message = format!("the host's {method} answered {} ({kind})", shown(answer));
        Self(js_sys::TypeError::new(&message).into())
    }
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.0))
    }
}

impl fmt::Debug for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostError({self})")
    }
}

fn shown(value: &JsValue) -> String {
    string(value).unwrap_or_else(|_| "a value that cannot be shown".into())
}

impl std::error::Error for HostError {}

/// The log's slots over a host's [`Files`].
#[derive(Debug)]
pub struct HostStore {
    files: Files,
    /// The name of the file that each append asks for, as the text that JavaScript takes.
    log: JsValue,
}

impl HostStore {
    /// A store over `files`, whatever lock is asked for: there is none to take here, so
    /// [`lock_mode`](Self::lock_mode) is [`LockMode::None`] always, and keeping other writers
    /// away is the host's duty.
    #[must_use]
    pub fn new(files: Files, _asked: LockMode) -> Self {
        Self {
            files,
            log: Slot::Log.to_string().into(),
        }
    }

    fn named<T>(&self, slot: Slot<'_>, call: impl FnOnce(&JsValue) -> T) -> T {
        match slot {
            Slot::Log => call(&self.log),
            slot => call(&slot.to_string().into()),
        }
    }

    /// The lock that this store holds: [`LockMode::None`].
    #[must_use]
    pub fn lock_mode(&self) -> LockMode {
        LockMode::None
    }
}

impl Source for HostStore {
    type Error = HostError;

    fn len(&self, slot: Slot<'_>) -> Result<u64, HostError> {
        let answer = self.named(slot, |name| self.files.len(name));
        let answer = answer.map_err(HostError)?;
        whole(&answer)
            .filter(|len| *len < MAX_LEN)
            .map(|len| len as u64)
            .ok_or_else(|| HostError::broken("len", &answer))
    }

    fn read_at(&self, slot: Slot<'_>, offset: u64, buf: &mut [u8]) -> Result<usize, HostError> {
        let room = buf.len();
        let answer = self.named(slot, |name| {
            lending("readAt", || self.files.read_at(name, offset as f64, buf))
        });
        let answer = answer.map_err(HostError)?;
        whole(&answer)
            .filter(|n| *n <= room as f64)
            .map(|n| n as usize)
            .ok_or_else(|| HostError::broken("readAt", &answer))
    }
}

impl Storage for HostStore {
    fn append(&mut self, slot: Slot<'_>, bytes: &[u8]) -> Result<(), HostError> {
        let answer = self.named(slot, |name| {
            lending("append", || self.files.append(name, bytes))
        });
        done("append", answer)
    }

    fn truncate(&mut self, slot: Slot<'_>, len: u64) -> Result<(), HostError> {
        let answer = self.named(slot, |name| self.files.truncate(name, len as f64));
        done("truncate", answer)
    }

    fn sync(&mut self, slot: Slot<'_>) -> Result<(), HostError> {
        done("sync", self.named(slot, |name| self.files.sync(name)))
    }

    fn replace(&mut self, slot: Slot<'_>, bytes: &[u8]) -> Result<(), HostError> {
        let answer = self.named(slot, |name| {
            lending("replace", || self.files.replace(name, bytes))
        });
        done("replace", answer)
    }

    fn remove(&mut self, slot: Slot<'_>) -> Result<(), HostError> {
        done("remove", self.named(slot, |name| self.files.remove(name)))
    }
}

/// A call that is given a view on the module's memory. Where that grows in the middle of it, as
/// another log makes it, the view is empty from then on, which a host need not notice.
fn lending(
    method: &str,
    call: impl FnOnce() -> Result<JsValue, JsValue>,
) -> Result<JsValue, JsValue> {
    let pages = memory_size::<0>();
    let answer = call()?;
    match memory_size::<0>() == pages {
        true => Ok(answer),
        false => Err(moved(method)),
    }
}

#[cold]
fn moved(method: &str) -> JsValue {
    let message = format!(
        "the host's {method} used another log, which took away the bytes that it was given: use \
         that after the call"
    );
    js_sys::Error::new(&message).into()
}

/// Natively, where the workspace is checked and nothing calls a host.
#[cfg(not(target_arch = "wasm32"))]
fn memory_size<const MEMORY: u32>() -> usize {
    0
}

fn whole(answer: &JsValue) -> Option<f64> {
    answer
        .as_f64()
        .filter(|number| *number >= 0.0 && number.fract() == 0.0)
}

/// A call that came back did its work, unless it only promised to.
fn done(method: &str, answer: Result<JsValue, JsValue>) -> Result<(), HostError> {
    match answer {
        Ok(answer) if answer.is_undefined() => Ok(()),
        Ok(answer) => Err(HostError::broken(method, &answer)),
        Err(error) => Err(HostError(error)),
    }
}
