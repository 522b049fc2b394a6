//! Reading an event into the memory of the one before it, which mostly has the same keys.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::mem;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::event::Event;

use super::fields::Text;
use super::json::is_reserved;

/// The most keys that an object may have to be read into. Larger ones are mostly tables, whose keys
/// are data, and have few in common.
const MOST_KEYS: usize = 64;

/// How much more memory than a text or an array needs it may keep of the one before: so many times
/// as much, and so many bytes or items. Else many short ones could each keep that of a long one.
const TIMES: usize = 4;
const MORE_BYTES: usize = 128;
const MORE_ITEMS: usize = 4;

/// Reads a line into `event`, whatever that was, if the line is as the log writes it. Fails for any
/// other, and for a line that is no event; then `event` is not to be looked at.
pub(crate) fn refill(line: &str, event: &mut Event, sorts_keys: bool) -> serde_json::Result<()> {
    let mut parser = serde_json::Deserializer::from_str(line);
    parser.deserialize_map(IntoEvent { event, sorts_keys })?;
    parser.end()
}

/// Whether objects have their keys in order, where they could have them as they came.
pub(crate) fn sorts_keys() -> bool {
    let pair = ["b", "a"].map(|key| (key.to_owned(), Value::Null));
    let first = Map::from_iter(pair).into_iter().next();
    first.is_some_and(|(key, _)| key == "a")
}

struct IntoEvent<'e> {
    event: &'e mut Event,
    sorts_keys: bool,
}

impl<'de> Visitor<'de> for IntoEvent<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let Self { event, sorts_keys } = self;
        required(fields.next_key()?, "type")?;
        fields.next_value_seed(IntoText(&mut event.event_type))?;
        required(fields.next_key()?, "data")?;
        fields.next_value_seed(IntoValue(&mut event.data, sorts_keys))?;
        required(fields.next_key()?, "ts")?;
        event.ts = fields.next_value()?;
        let mut name = fields.next_key::<Text<'_>>()?;
        for (optional, text) in [("id", &mut event.id), ("actor", &mut event.actor)] {
            if name.take_if(|name| name.0 == optional).is_none() {
                *text = None;
                continue;
            }
            fields.next_value_seed(IntoText(text.get_or_insert_default()))?;
            name = fields.next_key()?;
        }
        if name.take_if(|name| name.0 == "meta").is_some() {
            let meta = event.meta.get_or_insert_default();
            fields.next_value_seed(IntoValue(meta, sorts_keys))?;
            name = fields.next_key()?;
        } else {
            event.meta = None;
        }
        name.map_or(Ok(()), |_| Err(elsewhere()))
    }
}

fn required<E: Error>(name: Option<Text<'_>>, expected: &str) -> Result<(), E> {
    match name {
        Some(name) if name.0 == expected => Ok(()),
        _ => Err(elsewhere()),
    }
}

#[cold]
fn elsewhere<E: Error>() -> E {
    E::custom("a field is not where the log writes it")
}

struct IntoText<'t>(&'t mut String);

impl<'de> DeserializeSeed<'de> for IntoText<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for IntoText<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.0.clear();
        self.0.shrink_to(text.len() * TIMES + MORE_BYTES);
        self.0.push_str(text);
        Ok(())
    }
}

/// The value, and whether objects sort their keys.
struct IntoValue<'v>(&'v mut Value, bool);

impl<'de> DeserializeSeed<'de> for IntoValue<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for IntoValue<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_bool<E>(self, is_true: bool) -> Result<(), E> {
        *self.0 = is_true.into();
        Ok(())
    }

    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        *self.0 = number.into();
        Ok(())
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        *self.0 = number.into();
        Ok(())
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        *self.0 = number.into();
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        if let Value::String(old) = self.0 {
            return IntoText(old).visit_str(text);
        }
        *self.0 = text.into();
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        *self.0 = Value::Null;
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let mut array = match mem::take(self.0) {
            Value::Array(old) => old,
            _ => Vec::new(),
        };
        let mut known = 0;
        while let Some(item) = array.get_mut(known)
            && items.next_element_seed(IntoValue(item, self.1))?.is_some()
        {
            known += 1;
        }
        if known < array.len() {
            array.truncate(known);
            array.shrink_to(known * TIMES + MORE_ITEMS);
        } else {
            while let Some(item) = items.next_element()? {
                array.push(item);
            }
        }
        *self.0 = Value::Array(array);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let mut object = match mem::take(self.0) {
            Value::Object(old) if old.len() <= MOST_KEYS => old,
            _ => Map::new(),
        };
        let mut key = entries.next_key::<Text<'_>>()?;
        if key
            .as_ref()
            .is_some_and(|key| is_reserved(key.0.as_bytes()))
        {
            return Err(A::Error::custom("a key of serde_json's"));
        }
        let mut places = Places::of(&mut object, self.1);
        while let Some(value) = key.as_ref().and_then(|key| places.take(&key.0)) {
            entries.next_value_seed(IntoValue(value, self.1))?;
            key = entries.next_key()?;
        }
        let taken = places.taken;
        if taken == 0 {
            object = Map::new();
        } else if taken.count_ones() as usize != object.len() {
            let mut bits = taken;
            object.retain(|_, _| {
                let is_taken = bits & 1 == 1;
                bits >>= 1;
                is_taken
            });
        }
        while let Some(new) = key {
            object.insert(new.0.into_owned(), entries.next_value()?);
            key = entries.next_key()?;
        }
        *self.0 = Value::Object(object);
        Ok(())
    }
}

/// Where the values of an object's keys go, each to be taken once.
struct Places<'o> {
    places: [Option<(&'o String, &'o mut Value)>; MOST_KEYS],
    count: usize,
    /// A bit for each that was taken.
    taken: u64,
    /// Behind the one that was taken last.
    next: usize,
    sorts_keys: bool,
}

impl<'o> Places<'o> {
    fn of(object: &'o mut Map<String, Value>, sorts_keys: bool) -> Self {
        let (mut places, count) = ([const { None }; MOST_KEYS], object.len());
        for (place, entry) in places.iter_mut().zip(object) {
            *place = Some(entry);
        }
        Self {
            places,
            count,
            taken: 0,
            next: 0,
            sorts_keys,
        }
    }

    fn take(&mut self, key: &str) -> Option<&'o mut Value> {
        let at = self.find(key)?;
        let (_, value) = self.places.get_mut(at)?.take()?;
        self.taken |= 1 << at;
        self.next = at + 1;
        Some(value)
    }

    /// Keys mostly come in the order of the object before.
    fn find(&self, key: &str) -> Option<usize> {
        let is_at = |at: &usize| match self.places.get(*at) {
            Some(Some((found, _))) => *found == key,
            _ => false,
        };
        if !self.sorts_keys {
            return Some(self.next).filter(is_at);
        }
        (self.next..self.count).chain(0..self.next).find(is_at)
    }
}
