//! Writes compact JSON, the same as `serde_json` does, and refuses what would not read back equal.
//!
//! `serde_json` writes a number that is not finite as `null`, takes any nesting, passes JSON text
//! through unread, and without `std` writes into no buffer of the caller's.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::{self, Display, Write};

use serde::ser::{self, Serialize, Serializer};

use super::MAX_DEPTH;
use super::escape::first_to_escape;
use super::raw::check_raw;
use crate::planted::{Bug, planted};

/// The names under which `serde_json` passes JSON text and, where it keeps all their digits,
/// numbers through as they are.
const RAW: &str = "$serde_json::private::RawValue";
const NUMBER: &str = "$serde_json::private::Number";

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

    #[inline]
    fn text(&mut self, text: &str) {
        self.out.reserve(text.len() + 2);
        self.out.push(b'"');
        self.escaped(text);
        self.out.push(b'"');
    }

    #[inline]
    fn escaped(&mut self, text: &str) {
        let bytes = text.as_bytes();
        match first_to_escape(bytes) {
            None => self.out.extend_from_slice(bytes),
            Some(at) => self.escaped_from(bytes, at),
        }
    }

    /// Appends a text whose byte at `at` is the first to be escaped.
    fn escaped_from(&mut self, text: &[u8], at: usize) {
        let (mut rest, mut next) = (text, Some(at));
        while let Some((plain, [byte, after @ ..])) = next.and_then(|at| rest.split_at_checked(at))
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
            next = first_to_escape(rest);
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
    fn open_variant(&mut self, variant: &str) -> Result<(), Refused> {
        self.open(b'{')?;
        self.text(variant);
        self.out.push(b':');
        Ok(())
    }

    fn finite(&self, number: f64) -> Result<(), Refused> {
        match number.is_finite() {
            true => Ok(()),
            false => Err(Refused(format!(
                "it holds {number}, which JSON does not know"
            ))),
        }
    }

    /// The name of a field. Those that are not static are any value that is written as a text, or
    /// a number or a truth value, which is put between quotes.
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
        check_raw(raw, self.depth).map_err(Refused)
    }
}

/// Why a value was refused.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Refused(pub(super) String);

impl ser::Error for Refused {
    fn custom<T: Display>(reason: T) -> Self {
        Self(reason.to_string())
    }
}

pub(super) fn too_deep() -> Refused {
    Refused(format!("it nests deeper than {MAX_DEPTH} levels"))
}

fn no_key() -> Refused {
    Refused("key must be a string".into())
}

fn failed(_: fmt::Error) -> Refused {
    Refused("its text cannot be written".into())
}

macro_rules! numbers {
    ($($method:ident($type:ty);)*) => {
        $(fn $method(self, number: $type) -> Result<(), Refused> {
            let mut digits = itoa::Buffer::new();
            self.out.extend_from_slice(digits.format(number).as_bytes());
            Ok(())
        })*
    };
}

impl<'j, 'o> Serializer for &'j mut Json<'o> {
    type Ok = ();
    type Error = Refused;
    type SerializeSeq = Parts<'j, 'o>;
    type SerializeTuple = Parts<'j, 'o>;
    type SerializeTupleStruct = Parts<'j, 'o>;
    type SerializeTupleVariant = Parts<'j, 'o>;
    type SerializeMap = Parts<'j, 'o>;
    type SerializeStruct = Parts<'j, 'o>;
    type SerializeStructVariant = Parts<'j, 'o>;

    numbers! {
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_i128(i128);
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_u128(u128);
    }

    fn serialize_bool(self, flag: bool) -> Result<(), Refused> {
        let text: &[u8] = if flag { b"true" } else { b"false" };
        self.out.extend_from_slice(text);
        Ok(())
    }

    fn serialize_f32(self, number: f32) -> Result<(), Refused> {
        self.finite(number.into())?;
        let mut digits = zmij::Buffer::new();
        self.out
            .extend_from_slice(digits.format_finite(number).as_bytes());
        Ok(())
    }

    fn serialize_f64(self, number: f64) -> Result<(), Refused> {
        self.finite(number)?;
        let mut digits = zmij::Buffer::new();
        self.out
            .extend_from_slice(digits.format_finite(number).as_bytes());
        Ok(())
    }

    fn serialize_char(self, char: char) -> Result<(), Refused> {
        self.text(char.encode_utf8(&mut [0; 4]));
        Ok(())
    }

    fn serialize_str(self, text: &str) -> Result<(), Refused> {
        self.text(text);
        Ok(())
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), Refused> {
        self.collect_seq(bytes)
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<(), Refused> {
        struct Escaped<'j, 'o>(&'j mut Json<'o>);

        impl Write for Escaped<'_, '_> {
            fn write_str(&mut self, text: &str) -> fmt::Result {
                self.0.escaped(text);
                Ok(())
            }
        }

        self.out.push(b'"');
        write!(Escaped(self), "{value}").map_err(failed)?;
        self.out.push(b'"');
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Refused> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Refused> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Refused> {
        self.out.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Refused> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Refused> {
        self.text(variant);
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Refused> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Refused> {
        self.open_variant(variant)?;
        value.serialize(&mut *self)?;
        self.close(b'}');
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Parts<'j, 'o>, Refused> {
        self.open(b'[')?;
        Ok(Parts::of(self, Kind::Array))
    }

    fn serialize_tuple(self, len: usize) -> Result<Parts<'j, 'o>, Refused> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Result<Parts<'j, 'o>, Refused> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts<'j, 'o>, Refused> {
        self.open_variant(variant)?;
        self.open(b'[')?;
        Ok(Parts::of(self, Kind::ArrayVariant))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Parts<'j, 'o>, Refused> {
        self.open(b'{')?;
        Ok(Parts::of(self, Kind::Object))
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Parts<'j, 'o>, Refused> {
        if name == RAW || name == NUMBER {
            return Ok(Parts::of(self, Kind::Raw));
        }
        self.serialize_map(None)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts<'j, 'o>, Refused> {
        self.open_variant(variant)?;
        self.open(b'{')?;
        Ok(Parts::of(self, Kind::ObjectVariant))
    }
}

/// An array or object that is being written.
pub(super) struct Parts<'j, 'o> {
    json: &'j mut Json<'o>,
    kind: Kind,
    is_first: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Array,
    ArrayVariant,
    Object,
    ObjectVariant,
    Raw,
}

impl<'j, 'o> Parts<'j, 'o> {
    fn of(json: &'j mut Json<'o>, kind: Kind) -> Self {
        Self {
            json,
            kind,
            is_first: true,
        }
    }

    fn separate(&mut self) {
        if !core::mem::replace(&mut self.is_first, false) {
            self.json.out.push(b',');
        }
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        self.separate();
        value.serialize(&mut *self.json)
    }

    fn field<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), Refused> {
        if self.kind == Kind::Raw {
            return self.json.raw(value);
        }
        self.separate();
        self.json.text(key);
        self.json.out.push(b':');
        value.serialize(&mut *self.json)
    }

    fn finish(self) {
        match self.kind {
            Kind::Array => self.json.close(b']'),
            Kind::Object => self.json.close(b'}'),
            Kind::ArrayVariant => {
                self.json.close(b']');
                self.json.close(b'}');
            }
            Kind::ObjectVariant => {
                self.json.close(b'}');
                self.json.close(b'}');
            }
            Kind::Raw => {}
        }
    }
}

macro_rules! arrays {
    ($($trait:ident: $method:ident;)*) => {
        $(impl ser::$trait for Parts<'_, '_> {
            type Ok = ();
            type Error = Refused;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
                self.element(value)
            }

            fn end(self) -> Result<(), Refused> {
                self.finish();
                Ok(())
            }
        })*
    };
}

arrays! {
    SerializeSeq: serialize_element;
    SerializeTuple: serialize_element;
    SerializeTupleStruct: serialize_field;
    SerializeTupleVariant: serialize_field;
}

macro_rules! objects {
    ($($trait:ident;)*) => {
        $(impl ser::$trait for Parts<'_, '_> {
            type Ok = ();
            type Error = Refused;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), Refused> {
                self.field(key, value)
            }

            fn end(self) -> Result<(), Refused> {
                self.finish();
                Ok(())
            }
        })*
    };
}

objects! {
    SerializeStruct;
    SerializeStructVariant;
}

impl ser::SerializeMap for Parts<'_, '_> {
    type Ok = ();
    type Error = Refused;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Refused> {
        self.separate();
        self.json.key(key)?;
        self.json.out.push(b':');
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        value.serialize(&mut *self.json)
    }

    fn end(self) -> Result<(), Refused> {
        self.finish();
        Ok(())
    }
}
