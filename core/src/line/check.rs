//! Looks at every value of a line as the parser would, and builds nothing.

use core::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::raw::check_raw;

/// Any JSON value that the parser can read: its numbers are in range, its strings are text.
///
/// `IgnoredAny` is content with the grammar alone.
pub(crate) struct Readable;

impl<'de> Deserialize<'de> for Readable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

macro_rules! accept {
    ($($method:ident($type:ty);)*) => {
        $(fn $method<E>(self, _: $type) -> Result<Self, E> {
            Ok(self)
        })*
    };
}

impl<'de> Visitor<'de> for Readable {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    accept! {
        visit_bool(bool);
        visit_i64(i64);
        visit_u64(u64);
        visit_f64(f64);
        visit_str(&str);
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self, A::Error> {
        while fields.next_entry::<Self, Self>()?.is_some() {}
        Ok(self)
    }
}

/// An event with its fields in the order of the log.
pub(crate) struct InOrder;

/// A name in that order.
#[derive(Clone, Copy, PartialEq, PartialOrd, Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum Field {
    Type,
    Data,
    Ts,
    Id,
    Actor,
    Meta,
}

impl<'de> Deserialize<'de> for InOrder {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Self)
    }
}

impl<'de> Visitor<'de> for InOrder {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event, which is an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self, A::Error> {
        const ORDER: &str = "the fields of an event are type, data, ts, then id, actor, meta";
        for required in [Field::Type, Field::Data, Field::Ts] {
            if fields.next_key()? != Some(required) {
                return Err(A::Error::custom(ORDER));
            }
            take(&mut fields, required)?;
        }
        let mut last = Field::Ts;
        while let Some(field) = fields.next_key()? {
            if field <= last {
                return Err(A::Error::custom(ORDER));
            }
            take(&mut fields, field)?;
            last = field;
        }
        Ok(self)
    }
}

fn take<'de, A: MapAccess<'de>>(fields: &mut A, field: Field) -> Result<(), A::Error> {
    match field {
        Field::Type | Field::Id | Field::Actor => fields.next_value::<Text>().map(drop),
        Field::Ts => fields.next_value::<u64>().map(drop),
        Field::Data | Field::Meta => {
            let json = fields.next_value::<&RawValue>()?;
            check_raw(json.get().as_bytes(), 1).map_err(A::Error::custom)
        }
    }
}

struct Text;

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Self)
    }
}

impl Visitor<'_> for Text {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    accept!(visit_str(&str););
}
