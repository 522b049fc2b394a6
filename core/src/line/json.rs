//! Writes compact JSON, the same as `serde_json` does, and refuses what would not read back equal.
//!
//! `serde_json` writes a number that is not finite as `null`, takes any nesting, passes JSON text
//! through unread, and without `std` writes into no buffer of the caller's.

mod parts;
mod serializer;

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::{self, Display, Write};

use serde::ser::{self, Serialize};

use super::MAX_DEPTH;
use super::escape::{first_to_escape, holds_escaped};
use super::raw::check_raw;
use crate::event::Event;
use crate::planted::{Bug, planted};

/// The names under which `serde_json` passes JSON text and, where it keeps all their digits,
/// numbers through as they are. An object that has one as a key is read back as something else.
pub(super) const RESERVED: [&str; 2] = [
    "$serde_json::private::RawValue",
    "$serde_json::private::Number",
];

#[inline]
pub(super) fn is_reserved(name: &[u8]) -> bool {
    RESERVED.iter().any(|own| own.as_bytes() == name)
}

/// A serializer that appends to a buffer.
pub(super) struct Json<'o> {
    out: &'o mut Vec<u8>,
    depth: usize,
    holds_raw: bool,
}

impl<'o> Json<'o> {
    /// Appends `value`, and tells whether JSON text was passed through as it was. After an error
    /// any part of it was appended.
    pub(super) fn write<T: Serialize + ?Sized>(
        value: &T,
        out: &'o mut Vec<u8>,
    ) -> Result<bool, Refused> {
        let mut json = Self {
            out,
            depth: 0,
            holds_raw: false,
        };
        value.serialize(&mut json)?;
        Ok(json.holds_raw)
    }

    /// Appends an event: what [`write`](Self::write) does with one, in less time.
    pub(super) fn write_event<D: Serialize>(
        event: &Event<D>,
        out: &'o mut Vec<u8>,
    ) -> Result<bool, Refused> {
        out.extend_from_slice(b"{\"type\":");
        let mut json = Self {
            out,
            depth: 1,
            holds_raw: false,
        };
        json.text(&event.event_type);
        json.out.extend_from_slice(b",\"data\":");
        event.data.serialize(&mut json)?;
        json.out.extend_from_slice(b",\"ts\":");
        event.ts.serialize(&mut json)?;
        if let Some(id) = &event.id {
            json.out.extend_from_slice(b",\"id\":");
            json.text(id);
        }
        if let Some(actor) = &event.actor {
            json.out.extend_from_slice(b",\"actor\":");
            json.text(actor);
        }
        if let Some(meta) = &event.meta {
            json.out.extend_from_slice(b",\"meta\":");
            meta.serialize(&mut json)?;
        }
        json.out.push(b'}');
        Ok(json.holds_raw)
    }

    #[inline]
    fn text(&mut self, text: &str) {
        self.out.reserve(text.len() + 2);
        self.out.push(b'"');
        self.escaped(text);
        self.out.push(b'"');
    }

    #[inline]
    fn escaped(&mut self, text: &str) {
        match holds_escaped(text.as_bytes()) {
            false => self.out.extend_from_slice(text.as_bytes()),
            true => self.with_escapes(text.as_bytes()),
        }
    }

    fn with_escapes(&mut self, text: &[u8]) {
        let mut rest = text;
        while let Some((plain, [byte, after @ ..])) =
            first_to_escape(rest).and_then(|at| rest.split_at_checked(at))
        {
            self.out.extend_from_slice(plain);
            match byte {
                b'"' | b'\\' => self.out.extend_from_slice(&[b'\\', *byte]),
                b'\n' => self.out.extend_from_slice(b"\\n"),
                b'\r' => self.out.extend_from_slice(b"\\r"),
                b'\t' => self.out.extend_from_slice(b"\\t"),
                0x08 => self.out.extend_from_slice(b"\\b"),
                0x0c => self.out.extend_from_slice(b"\\f"),
                _ => self
                    .out
                    .extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            }
            rest = after;
        }
        self.out.extend_from_slice(rest);
    }

    fn open(&mut self, bracket: u8) -> Result<(), Refused> {
        self.depth += 1;
        if self.depth > MAX_DEPTH && !planted(Bug::DepthUnchecked) {
            return Err(too_deep());
        }
        self.out.push(bracket);
        Ok(())
    }

    fn close(&mut self, bracket: u8) {
        self.depth -= 1;
        self.out.push(bracket);
    }

    /// Opens an object of one field, whose value follows.
    fn open_variant(&mut self, variant: &'static str) -> Result<(), Refused> {
        self.open(b'{')?;
        self.name(variant)
    }

    /// The name of a field, and the colon.
    #[inline]
    fn name(&mut self, name: &'static str) -> Result<(), Refused> {
        unreserved(name.as_bytes())?;
        self.text(name);
        self.out.push(b':');
        Ok(())
    }

    fn finite(&self, number: f64) -> Result<(), Refused> {
        match number.is_finite() {
            true => Ok(()),
            false => Err(Refused(
                format!("it holds {number}, which JSON does not know").into(),
            )),
        }
    }

    /// The key of a map, and the colon: any value that is written as a text, or a number or a truth
    /// value, which is put between quotes.
    fn key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Refused> {
        let start = self.out.len();
        let held_raw = core::mem::take(&mut self.holds_raw);
        key.serialize(&mut *self)?;
        let first = self.out.get(start).copied().unwrap_or_default();
        match first {
            _ if self.holds_raw => return Err(no_key()),
            b'"' => {}
            b'-' | b'0'..=b'9' | b't' | b'f' => {
                self.out.insert(start, b'"');
                self.out.push(b'"');
            }
            _ => return Err(no_key()),
        }
        self.holds_raw = held_raw;
        let key = self.out.get(start + 1..self.out.len() - 1);
        unreserved(key.unwrap_or_default())?;
        self.out.push(b':');
        Ok(())
    }

    /// The text of a value that is a text, passed through as it is.
    fn raw<T: Serialize + ?Sized>(&mut self, text: &T) -> Result<(), Refused> {
        /// A formatter is a serializer that writes texts without quotes.
        struct Bare<'v, T: ?Sized>(&'v T);

        impl<T: Serialize + ?Sized> Display for Bare<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.serialize(f)
            }
        }

        struct Unescaped<'o>(&'o mut Vec<u8>);

        impl Write for Unescaped<'_> {
            fn write_str(&mut self, text: &str) -> fmt::Result {
                self.0.extend_from_slice(text.as_bytes());
                Ok(())
            }
        }

        let start = self.out.len();
        write!(Unescaped(self.out), "{}", Bare(text)).map_err(failed)?;
        self.holds_raw = true;
        let raw = self.out.get(start..).unwrap_or_default();
        check_raw(raw, self.depth).map_err(|reason| Refused(reason.into()))
    }
}

/// Why a value was refused: in two words, which are handed up in registers.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Refused(pub(super) Box<str>);

impl ser::Error for Refused {
    fn custom<T: Display>(reason: T) -> Self {
        Self(reason.to_string().into())
    }
}

pub(super) fn too_deep() -> Refused {
    Refused(format!("it nests deeper than {MAX_DEPTH} levels").into())
}

#[inline]
fn unreserved(key: &[u8]) -> Result<(), Refused> {
    match is_reserved(key) {
        true => Err(reserved(key)),
        false => Ok(()),
    }
}

#[cold]
fn reserved(key: &[u8]) -> Refused {
    let key = String::from_utf8_lossy(key);
    Refused(format!("serde_json takes its key {key} for its own").into())
}

fn no_key() -> Refused {
    Refused("key must be a string".into())
}

fn failed(_: fmt::Error) -> Refused {
    Refused("its text cannot be written".into())
}
