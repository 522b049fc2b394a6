//! What each kind of value is in JSON.

use core::fmt;
use core::fmt::{Display, Write};

use serde::ser::{Serialize, Serializer};

use super::parts::{Kind, Parts};
use super::{Json, Refused, failed, is_reserved};

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
        if is_reserved(name.as_bytes()) {
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
