use eventfold_core::{
    Access, Durability, Error, InterruptedRotation, LineHash, LockMode, Recovery, Slot, Snapshot,
    Storage, Writer, is_foreign_snapshot,
};
use wasm_bindgen::prelude::*;

use crate::codec::CODEC;
use crate::error::{bad_argument, no_room, to_js};
use crate::host::{Files, HostStore};

/// The writer under `EventLog`. Positions and lengths are numbers, hashes 16 hex digits.
#[wasm_bindgen]
#[derive(Debug)]
pub struct RawWriter {
    writer: Writer<HostStore>,
    recovery: Recovery,
    /// Where JavaScript puts the lines to append.
    lines: Vec<u8>,
}

/// More room than this is not kept from one append to the next.
const MAX_ROOM: usize = 1 << 20;

#[wasm_bindgen]
impl RawWriter {
    /// Opens the log in `files` and, where `exclusive`, repairs what a crash left.
    ///
    /// # Errors
    /// As [`Writer::open`].
    #[wasm_bindgen(constructor)]
    pub fn open(files: Files, exclusive: bool) -> Result<Self, JsValue> {
        let access = match exclusive {
            true => Access::Exclusive,
            false => Access::Shared,
        };
        let store = HostStore::new(files, LockMode::None);
        let (writer, recovery) = Writer::open(store, CODEC, access).map_err(to_js)?;
        Ok(Self {
            writer,
            recovery,
            lines: Vec::new(),
        })
    }

    /// What opening repaired, in words.
    #[must_use]
    #[wasm_bindgen(js_name = recoveryText)]
    pub fn recovery_text(&self) -> String {
        self.recovery.to_string()
    }

    /// What opening repaired: bytes cut off the log and off the archive, whether a line was
    /// completed, a rotation finished (1), undone (2) or kept beside the log (3), bytes adopted from another writer.
    #[must_use]
    pub fn recovery(&self) -> Vec<f64> {
        let found = &self.recovery;
        let rotation = match found.rotation {
            None => 0.0,
            Some(InterruptedRotation::Undone) => 2.0,
            Some(InterruptedRotation::Kept) => 3.0,
            Some(_) => 1.0,
        };
        vec![
            found.torn_log_bytes as f64,
            found.torn_archive_bytes as f64,
            f64::from(u8::from(found.completed_line)),
            rotation,
            found.adopted_bytes as f64,
        ]
    }

    /// Where in the module's memory there is room for `len` bytes of lines to
    /// [`append`](Self::append), with the bytes that were put there before.
    ///
    /// # Errors
    /// When there is no memory for them.
    pub fn room(&mut self, len: usize) -> Result<usize, JsValue> {
        if let Some(more) = len.checked_sub(self.lines.len()) {
            self.lines.try_reserve(more).map_err(|_| no_room(len))?;
            self.lines.resize(len, 0);
        }
        Ok(self.lines.as_ptr() as usize)
    }

    /// Appends the first `len` bytes of the [`room`](Self::room): lines that each end in a newline.
    /// Answers each line's position, then where the last
    /// one ends, then each line's hash as two numbers of 32 bits, the higher first.
    ///
    /// # Errors
    /// As [`Writer::append_lines`].
    pub fn append(&mut self, len: usize, synced: bool) -> Result<Vec<f64>, JsValue> {
        let durability = match synced {
            true => Durability::Synced,
            false => Durability::Buffered,
        };
        let lines = self.lines.get(..len).unwrap_or_default();
        let appended = self.writer.append_lines(lines, durability);
        if self.lines.len() > MAX_ROOM {
            self.lines = Vec::new();
        }
        let appended = appended.map_err(to_js)?;
        let mut told = Vec::with_capacity(appended.len() * 3 + 1);
        told.extend(appended.iter().map(|at| at.position as f64));
        told.push(self.writer.end_position() as f64);
        for LineHash(hash) in appended.iter().map(|at| at.hash) {
            told.extend([(hash >> 32) as f64, f64::from(hash as u32)]);
        }
        Ok(told)
    }

    /// Checks that the log ends at `position` after the line of this hash.
    ///
    /// # Errors
    /// As [`Writer::check_end`].
    #[wasm_bindgen(js_name = checkEnd)]
    pub fn check_end(&mut self, position: f64, hash: &str) -> Result<(), JsValue> {
        self.writer
            .check_end(position as u64, line_hash(hash)?)
            .map_err(to_js)
    }

    /// Makes everything appended so far durable.
    ///
    /// # Errors
    /// As [`Writer::sync`].
    pub fn sync(&mut self) -> Result<(), JsValue> {
        self.writer.sync().map_err(to_js)
    }

    /// Removes the snapshot of this name if a rotation makes it wrong for the program that saved
    /// it: `eventfold` 0.2.0.
    ///
    /// # Errors
    /// [`Error::Storage`] when the host fails.
    #[wasm_bindgen(js_name = removeForeignSnapshot)]
    pub fn remove_foreign_snapshot(&mut self, name: &str) -> Result<(), JsValue> {
        let store = self.writer.store_mut();
        if !is_foreign_snapshot(store, name).map_err(to_js)? {
            return Ok(());
        }
        let slot = Slot::Snapshot(name);
        store.remove(slot).map_err(|source| {
            to_js(Error::Storage {
                action: "remove",
                file: slot.to_string(),
                source,
            })
        })
    }

    /// Moves the log's lines into the archive. Answers how many bytes of lines, and by how many
    /// the archive grew.
    ///
    /// # Errors
    /// As [`Writer::rotate`].
    pub fn rotate(&mut self) -> Result<Vec<f64>, JsValue> {
        let rotation = self.writer.rotate().map_err(to_js)?;
        Ok(vec![rotation.bytes as f64, rotation.archived as f64])
    }

    /// Compresses a block of the log ahead of its rotation at `limit` bytes, once it holds a whole
    /// one, and a shorter one near the limit.
    ///
    /// # Errors
    /// As [`Writer::prepare_rotation`].
    #[wasm_bindgen(js_name = prepareRotation)]
    pub fn prepare_rotation(&mut self, limit: f64) -> Result<(), JsValue> {
        self.writer.prepare_rotation(limit as u64).map_err(to_js)
    }

    /// Saves a state, given as JSON, that a reducer of this version folded up to `position`, where
    /// the line of this hash ends.
    ///
    /// # Errors
    /// As [`Writer::save_snapshot`].
    pub fn save(
        &mut self,
        name: &str,
        state: String,
        position: f64,
        hash: &str,
        version: u32,
    ) -> Result<(), JsValue> {
        let snapshot = Snapshot {
            state,
            position: position as u64,
            hash: line_hash(hash)?,
            version,
        };
        self.writer.save_snapshot(&snapshot, name).map_err(to_js)
    }

    /// Position after the last event.
    #[must_use]
    pub fn end(&self) -> f64 {
        self.writer.end_position() as f64
    }

    /// The log's length in bytes, without the archive.
    #[must_use]
    #[wasm_bindgen(js_name = logLen)]
    pub fn log_len(&self) -> f64 {
        self.writer.log_len() as f64
    }

    /// The hash of the last line.
    ///
    /// # Errors
    /// As [`Writer::last_hash`].
    #[wasm_bindgen(js_name = lastHash)]
    pub fn last_hash(&mut self) -> Result<String, JsValue> {
        let hash = self.writer.last_hash().map_err(to_js)?;
        Ok(hash.to_string())
    }
}

pub(crate) fn line_hash(hex: &str) -> Result<LineHash, JsValue> {
    hex.parse()
        .map_err(|error| bad_argument(&format!("\"{hex}\" is not a hash: {error}")))
}
