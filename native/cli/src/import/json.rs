//! JSON text that is moved, not understood: numbers keep their digits and objects their order.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;
use serde_json::value::RawValue;

/// `text` without the white space between its tokens.
pub(crate) fn compact(text: &str) -> serde_json::Result<Box<RawValue>> {
    let value: &RawValue = serde_json::from_str(text)?;
    Ok(compacted(value))
}

pub(super) fn compacted(value: &RawValue) -> Box<RawValue> {
    let text = value.get();
    if !text.contains([' ', '\t', '\n', '\r']) {
        return value.to_owned();
    }
    let (mut compact, mut in_string, mut escaped) =
        (String::with_capacity(text.len()), false, false);
    for c in text.chars() {
        match c {
            ' ' | '\t' | '\n' | '\r' if !in_string => continue,
            '"' if !escaped => in_string = !in_string,
            _ => {}
        }
        escaped = in_string && c == '\\' && !escaped;
        compact.push(c);
    }
    RawValue::from_string(compact).unwrap_or_else(|_| value.to_owned())
}

/// The fields of an object, in its order.
#[derive(Debug)]
pub(super) struct Object<'a>(pub(super) Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Object<'a> {
    pub(super) fn of(text: &'a str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| {
            let column = error.column();
            let what = match text.trim_start().as_bytes().first() {
                Some(b'{') => "object",
                Some(b'[') => "array",
                Some(b'"') => "string",
                Some(b't' | b'f') => "boolean",
                Some(b'n') => "null",
                _ => "number",
            };
            match error.classify() {
                Category::Eof => format!("it ends in the middle of JSON, at column {column}"),
                Category::Syntax => format!("it is not JSON (column {column})"),
                _ if what != "object" => format!("it is a JSON {what}, not an object"),
                _ => error.to_string().replace(" at line 1 column", " at column"),
            }
        })
    }

    /// The field called `name`; else, where `name` has dots, the one inside those before them.
    pub(super) fn find(&self, name: &str) -> Option<&'a RawValue> {
        if let Some((_, value)) = self.0.iter().find(|(key, _)| key == name) {
            return Some(value);
        }
        let (outer, inner) = name.split_once('.')?;
        let (_, outer) = self.0.iter().find(|(key, _)| key == outer)?;
        Object::of(outer.get()).ok()?.find(inner)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut fields: Self::Value = Vec::new();
                while let Some(Key(key)) = map.next_key()? {
                    // One of two would be lost.
                    if fields.iter().any(|(other, _)| *other == key) {
                        return Err(M::Error::custom(format!("field {key:?} is there twice")));
                    }
                    fields.push((key, map.next_value()?));
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(Fields).map(Self)
    }
}

#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_goes_and_nothing_else() {
        let text = " { \"a b\" : [ 1.10 , 12345678901234567890123 ,\n\"x \\\" y\\\\\" ] , \"c\":\"\\\\\" } ";
        assert_eq!(
            compact(text).unwrap().get(),
            "{\"a b\":[1.10,12345678901234567890123,\"x \\\" y\\\\\"],\"c\":\"\\\\\"}"
        );
        assert!(compact("{").is_err());
    }

    #[test]
    fn a_field_is_found_by_its_name_or_its_way() {
        let object = Object::of(r#"{"a.b":1,"a":{"b":2,"c":{"d":3}}}"#).unwrap();
        assert_eq!(object.find("a.b").unwrap().get(), "1");
        assert_eq!(object.find("a.c.d").unwrap().get(), "3");
        assert!(object.find("a.x").is_none());
        assert!(Object::of(r#"{"a":1,"a":2}"#).is_err());
        assert!(Object::of("[1]").is_err());
    }
}
