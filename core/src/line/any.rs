//! Data of any kind, in less time than [`Value`] takes to read itself.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::de::value::SeqAccessDeserializer;
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::json::is_reserved;

/// How many keys there is room for at first.
const FEW_KEYS: usize = 8;

/// A [`Value`] whose keys, if it is an object, are put in order all at once, where the parser looks
/// for the place of each. Objects inside of it mostly have too few keys to gain by that.
///
/// Fails for an object whose first key has a meaning of its own to `serde_json`: what cannot be read
/// as this is to be read as a [`Value`], which knows what it is or why it is none.
pub(super) struct Any(Value);

impl From<Any> for Value {
    fn from(any: Any) -> Self {
        any.0
    }
}

impl<'de> Deserialize<'de> for Any {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyVisitor).map(Self)
    }
}

struct AnyVisitor;

impl<'de> Visitor<'de> for AnyVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_bool<E>(self, is_true: bool) -> Result<Value, E> {
        Ok(is_true.into())
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.to_owned().into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Value, A::Error> {
        Value::deserialize(SeqAccessDeserializer::new(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::<(String, Value)>::with_capacity(FEW_KEYS);
        while let Some(key) = map.next_key()? {
            // A key and its value together would be moved once more.
            entries.push((key, Value::Null));
            let value = map.next_value()?;
            if let Some((_, place)) = entries.last_mut() {
                *place = value;
            }
        }
        match entries.first() {
            Some((key, _)) if is_reserved(key.as_bytes()) => {
                Err(A::Error::custom("a key of serde_json's"))
            }
            _ => Ok(Value::Object(entries.into_iter().collect())),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::ToString;

    use crate::line::{from_json, parse, parse_any};

    use super::*;

    const DATA: [&str; 17] = [
        "null",
        "true",
        "0",
        "-0",
        "-1",
        "18446744073709551615",
        "18446744073709551616",
        "0.1",
        "-0.0",
        r#""a\u00e9""#,
        r#"[1,[{"b":2,"a":1}]]"#,
        "{}",
        r#"{"b":1,"a":{"d":[],"c":"e"},"\u0063":null}"#,
        r#"{"a":1,"b":2,"a":{"c":3},"b":4}"#,
        r#"{"a":{"$serde_json::private::RawValue":"[1]"}}"#,
        r#"{"a":1,"$serde_json::private::RawValue":"[1]"}"#,
        r#"{"j":0,"i":1,"h":2,"g":3,"f":4,"e":5,"d":6,"c":7,"b":8,"a":9,"k":10,"m":11,"l":12}"#,
    ];

    #[test]
    fn any_data_is_what_the_parser_makes_of_it() {
        for json in DATA {
            let (any, value): (Any, Value) = (
                from_json(json.as_bytes()).unwrap(),
                from_json(json.as_bytes()).unwrap(),
            );
            assert_eq!(any.0, value, "{json}");
            assert_eq!(any.0.to_string(), value.to_string());
        }
    }

    #[test]
    fn what_is_no_event_or_the_parsers_own_is_left_to_the_parser() {
        let own = r#"{"$serde_json::private::RawValue":"[1]"}"#;
        assert!(from_json::<Any>(own.as_bytes()).is_err());
        for data in [
            own,
            r#"{"$serde_json::private::RawValue":1}"#,
            "{",
            "1e999",
            r#"{"a"}"#,
        ] {
            let line = format!(r#"{{"type":"a","data":{data},"ts":1}}"#);
            assert_eq!(parse_any(line.as_bytes()), parse(line.as_bytes()), "{line}");
        }
    }
}
