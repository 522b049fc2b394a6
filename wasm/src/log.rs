//! The log as JavaScript sees it.

use eventfold_core::{Access, Codec, Durability, Event, LockMode, Scan, Writer};
use serde_json::Value;
use wasm_bindgen::prelude::*;

use crate::host::{Files, HostStore};

/// A log on a host's storage.
///
/// Positions are numbers: byte offsets into the whole history.
#[wasm_bindgen]
#[derive(Debug)]
pub struct EventLog {
    writer: Writer<HostStore>,
}

#[wasm_bindgen]
impl EventLog {
    /// Opens the log on `host` and repairs what a crash left. `lockMode` is `"flock"` or
    /// `"none"`; the answer is `"none"` either way, see `lockMode`.
    ///
    /// # Errors
    /// Throws what the host throws, and when the log cannot be repaired.
    #[wasm_bindgen(constructor)]
    pub fn open(files: Files, lock_mode: Option<String>) -> Result<Self, JsError> {
        let asked = match lock_mode.as_deref() {
            None | Some("none") => LockMode::None,
            Some("flock") => LockMode::Flock,
            Some(other) => {
                let message = format!("lockMode is {other:?}, it can be \"flock\" or \"none\"");
                return Err(JsError::new(&message));
            }
        };
        let store = HostStore::new(files, asked);
        let (writer, _) = Writer::open(store, Codec::PORTABLE, Access::Exclusive)?;
        Ok(Self { writer })
    }

    /// The lock that is held: `"none"`. Keeping other writers away is the host's duty.
    #[wasm_bindgen(getter, js_name = lockMode)]
    #[must_use]
    pub fn lock_mode(&self) -> String {
        match self.writer.store().lock_mode() {
            LockMode::Flock => "flock".into(),
            LockMode::None => "none".into(),
        }
    }

    /// Appends one event, given as an object with `type`, `data`, `ts` in whole seconds, and
    /// where wanted `id`, `actor`, `meta`; returns its position.
    ///
    /// # Errors
    /// Throws when the object is no event, and what the host throws.
    pub fn append(&mut self, event: &JsValue) -> Result<f64, JsError> {
        let json = js_sys::JSON::stringify(event)
            .ok()
            .and_then(|json| json.as_string())
            .ok_or_else(|| JsError::new("the event cannot be written as JSON"))?;
        let event: Event<Value> = serde_json::from_str(&json)?;
        let appended = self.writer.append(&event, Durability::Synced)?;
        Ok(appended.position as f64)
    }

    /// The events from `position` on, archived ones included.
    ///
    /// # Errors
    /// Throws for a position that is none, for a corrupt line, and what the host throws.
    pub fn read(&self, position: f64) -> Result<Vec<JsValue>, JsError> {
        if !(position >= 0.0 && position.fract() == 0.0 && position < 9_007_199_254_740_992.0) {
            return Err(JsError::new(&format!("{position} is not a position")));
        }
        let mut scan = Scan::new(self.writer.store(), Codec::PORTABLE, position as u64);
        let mut events = Vec::new();
        while let Some(record) = scan.next_record::<serde::de::IgnoredAny>()? {
            let line = String::from_utf8_lossy(record.line());
            let event = js_sys::JSON::parse(&line)
                .map_err(|_| JsError::new(&format!("corrupt at position {}", record.position)))?;
            events.push(event);
        }
        Ok(events)
    }

    /// Moves the log's lines into the compressed archive. No position changes.
    ///
    /// # Errors
    /// Throws what the host throws.
    pub fn rotate(&mut self) -> Result<(), JsError> {
        self.writer.rotate()?;
        Ok(())
    }
}
