//! What an event's line says, read by the parser.

use alloc::borrow::{Cow, ToOwned};
use alloc::string::String;
use core::fmt;
use core::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// The fields of an event, with texts left in the line where they stand there as they are.
#[derive(Deserialize)]
#[serde(remote = "Self")]
pub(crate) struct Fields<'a, D, M> {
    #[serde(rename = "type", borrow)]
    pub(crate) event_type: Text<'a>,
    #[serde(
        deserialize_with = "required",
        bound(deserialize = "D: Deserialize<'de>")
    )]
    pub(crate) data: D,
    #[serde(deserialize_with = "seconds")]
    pub(crate) ts: u64,
    #[serde(default, borrow)]
    pub(crate) id: Option<Text<'a>>,
    #[serde(default, borrow)]
    pub(crate) actor: Option<Text<'a>>,
    #[serde(
        default = "Option::default",
        deserialize_with = "present",
        bound(deserialize = "M: Deserialize<'de>")
    )]
    pub(crate) meta: Option<M>,
}

/// What is derived takes an array of the fields for an event too.
impl<'de: 'a, 'a, D, M> Deserialize<'de> for Fields<'a, D, M>
where
    D: Deserialize<'de>,
    M: Deserialize<'de>,
{
    fn deserialize<T: Deserializer<'de>>(deserializer: T) -> Result<Self, T::Error> {
        deserializer.deserialize_map(Object(PhantomData))
    }
}

struct Object<T>(PhantomData<T>);

impl<'de: 'a, 'a, D, M> Visitor<'de> for Object<Fields<'a, D, M>>
where
    D: Deserialize<'de>,
    M: Deserialize<'de>,
{
    type Value = Fields<'a, D, M>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event, which is an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Fields::deserialize(MapAccessDeserializer::new(map))
    }
}

/// A text that is borrowed when it has no escapes. Serde by itself never borrows in an `Option`.
pub(crate) struct Text<'a>(pub(crate) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_string(TextVisitor).map(Self)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text))
    }
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    u64::deserialize(deserializer).map_err(|error| {
        D::Error::custom(format_args!(
            "`ts` takes whole seconds from 1970 on: {error}"
        ))
    })
}

/// Serde takes a field that is missing for an `Option` that is `None`.
fn required<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    T::deserialize(deserializer)
}

/// Serde reads `null` into an `Option` as absent; a field that is there is never absent.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
