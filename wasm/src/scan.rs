use std::mem::take;

use eventfold_core::{LineHash, LockMode, Scan, check_beyond_grammar};
use js_sys::{Float64Array, Map, Uint8Array, Uint32Array};
use memchr::memchr;
use wasm_bindgen::prelude::*;

use crate::codec::CODEC;
use crate::error::to_js;
use crate::host::{Files, HostError, HostStore};
use crate::writer::line_hash;

type Error = eventfold_core::Error<HostError>;

/// Instead of the number of a type: the line has to be parsed to know it.
const NO_TYPE: u32 = u32::MAX;

/// An object on its way out. As the lone result of a function it would end the process on Node 20,
/// when a caller's compiled code is thrown away in the middle of the call, as by a collection of
/// garbage: V8 of that time does not know what such a call answers.
type Fetched<T> = Result<T, JsValue>;

/// More room than this is not kept from one batch to the next: it was for a long line.
const MAX_KEPT: usize = 1 << 20;

/// The reader under `EventReader`: hands out batches of whole lines.
#[wasm_bindgen]
#[derive(Debug)]
pub struct RawScan {
    scan: Scan<HostStore>,
    types: Types,
    new_types: Vec<String>,
    bytes: Vec<u8>,
    places: Vec<f64>,
    spans: Vec<u32>,
    hash: LineHash,
    /// What ended the batch before, to be told when it has been handed out.
    error: Option<Error>,
}

#[wasm_bindgen]
impl RawScan {
    /// Starts at `position`, a whole number from 0 on and below 2^53.
    #[must_use]
    #[wasm_bindgen(constructor)]
    pub fn new(files: Files, position: f64) -> Self {
        let store = HostStore::new(files, LockMode::None);
        Self {
            scan: Scan::new(store, CODEC, position as u64),
            types: Types::default(),
            new_types: Vec::new(),
            bytes: Vec::new(),
            places: Vec::new(),
            spans: Vec::new(),
            hash: LineHash::NONE,
            error: None,
        }
    }

    /// Goes to another position.
    pub fn seek(&mut self, position: f64) {
        self.scan.seek(position as u64);
        self.error = None;
    }

    /// Where the next batch starts.
    #[must_use]
    pub fn position(&self) -> f64 {
        self.scan.position() as f64
    }

    /// Reads lines until they take about `limit` bytes, and answers how many: 0 when there is
    /// none yet. The batch is then fetched by [`bytes`](Self::bytes), [`places`](Self::places),
    /// [`spans`](Self::spans) and [`new_types`](Self::new_types). Where they are to follow a line
    /// that was read before, `after` is its hash.
    ///
    /// # Errors
    /// As [`Scan::next_line`]; the lines before the damage come first, as a batch of their own.
    /// [`Error::Diverged`] when another line is before them, or before the end of the log.
    pub fn next(&mut self, limit: usize, after: Option<String>) -> Result<usize, JsValue> {
        if let Some(error) = self.error.take() {
            return Err(to_js(error));
        }
        let from = self.scan.position();
        self.bytes.clear();
        self.places.clear();
        self.spans.clear();
        while self.bytes.len() < limit {
            match self.scan.next_line() {
                Ok(Some(line)) => {
                    let number = self.types.number(&mut self.new_types, line.bytes);
                    let (start, len) = (self.bytes.len() as u32, line.bytes.len() as u32);
                    self.bytes.extend_from_slice(line.bytes);
                    self.bytes.push(b'\n');
                    self.places
                        .extend([line.position as f64, line.next_position as f64]);
                    self.spans.extend([start, start + len, number]);
                }
                Ok(None) => break,
                Err(error) if self.spans.is_empty() => return Err(to_js(error)),
                Err(error) => {
                    self.error = Some(error);
                    break;
                }
            }
        }
        let after = after.as_deref().map(line_hash).transpose()?;
        if let [.., start, end, _] = self.spans[..] {
            let last = self.bytes.get(start as usize..end as usize);
            self.hash = LineHash::of(last.unwrap_or_default());
            if let Some(hash) = after {
                let end = self.scan.position();
                self.scan.seek(from);
                self.scan.check_before(hash).map_err(to_js)?;
                self.scan.seek(end);
            }
        } else if let Some(hash) = after {
            self.scan.check_last(hash).map_err(to_js)?;
        }
        Ok(self.spans.len() / 3)
    }

    /// The batch's lines, each with a newline. To be fetched once.
    ///
    /// # Errors
    /// None.
    pub fn bytes(&mut self) -> Fetched<Uint8Array> {
        let bytes = self.bytes.as_slice().into();
        if self.bytes.capacity() > MAX_KEPT {
            self.bytes = Vec::new();
        }
        Ok(bytes)
    }

    /// For each line its position and the next line's.
    ///
    /// # Errors
    /// None.
    pub fn places(&self) -> Fetched<Float64Array> {
        Ok(self.places.as_slice().into())
    }

    /// For each line where it starts and ends in [`bytes`](Self::bytes), without its newline, and
    /// the number of its type: types are numbered as they first come. 2^32 - 1 stands for a line
    /// that has to be parsed to know its type.
    ///
    /// # Errors
    /// None.
    pub fn spans(&self) -> Fetched<Uint32Array> {
        Ok(self.spans.as_slice().into())
    }

    /// The types that came up for the first time in this batch.
    #[wasm_bindgen(js_name = newTypes)]
    pub fn new_types(&mut self) -> Vec<String> {
        take(&mut self.new_types)
    }

    /// The hash of the last line of the batch.
    #[must_use]
    pub fn hash(&self) -> String {
        self.hash.to_string()
    }
}

/// Where the last `lines` lines begin, of which there is a whole number from 0 on.
///
/// # Errors
/// As [`Scan::seek_last`].
#[wasm_bindgen(js_name = startOfLast)]
pub fn start_of_last(files: Files, lines: f64) -> Result<f64, JsValue> {
    let mut scan = Scan::new(HostStore::new(files, LockMode::None), CODEC, 0);
    scan.seek_last(lines as usize).map_err(to_js)?;
    Ok(scan.position() as f64)
}

/// Why lines of a batch, whose bytes and spans these are, are no events, by their index. Of the
/// others those are events that are JSON, which is for the caller to find.
///
/// # Errors
/// None.
#[wasm_bindgen]
pub fn flaws(bytes: &[u8], spans: &[u32]) -> Fetched<Map> {
    let flaws = Map::new();
    for (index, span) in (0_u32..).zip(spans.chunks_exact(3)) {
        let line = match *span {
            [start, end, _] => bytes.get(start as usize..end as usize),
            _ => None,
        };
        if let Err(reason) = check_beyond_grammar(line.unwrap_or_default()) {
            flaws.set(&index.into(), &reason.into());
        }
    }
    Ok(flaws)
}

/// The types that came up, by number.
#[derive(Debug, Default)]
struct Types {
    names: Vec<Box<[u8]>>,
    /// By the name's hash: a type's number and one, or 0.
    slots: Vec<u16>,
}

impl Types {
    /// How many different types are told apart without parsing. Logs have dozens.
    const MAX: usize = 4096;

    /// How long a type may be that is told so, in bytes: they are kept as long as the scan.
    const MAX_LEN: usize = 256;

    /// The number of the line's type, where that can be seen without parsing.
    fn number(&mut self, new: &mut Vec<String>, line: &[u8]) -> u32 {
        let Some(name) = seen_type(line).filter(|name| name.len() <= Self::MAX_LEN) else {
            return NO_TYPE;
        };
        self.slots.resize(2 * Self::MAX, 0);
        let mut at = LineHash::of(name).0 as usize;
        // Half of the slots are free, always.
        while let Some(slot) = self.slots.get_mut(at % (2 * Self::MAX)) {
            let number = usize::from(*slot).wrapping_sub(1);
            match self.names.get(number) {
                Some(known) if **known == *name => return number as u32,
                Some(_) => at = at.wrapping_add(1),
                None => {
                    let number = self.names.len();
                    let Ok(text) = str::from_utf8(name) else {
                        break;
                    };
                    if number == Self::MAX {
                        break;
                    }
                    *slot = number as u16 + 1;
                    self.names.push(name.into());
                    new.push(text.into());
                    return number as u32;
                }
            }
        }
        NO_TYPE
    }
}

/// The type's bytes in a line as the log writes it, whose ends show that nothing was torn off.
fn seen_type(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(br#"{"type":""#)?;
    let name = rest.get(..memchr(b'"', rest)?)?;
    let plain = name.iter().all(|byte| *byte >= b' ' && *byte != b'\\');
    let whole = rest.get(name.len()..)?.starts_with(br#"","data":"#) && line.ends_with(b"}");
    (plain && whole).then_some(name)
}
