//! Events of any content, and any text as an event's line.

use std::fmt;

use eventfold_core::{
    Access, Codec, Durability, Error, Event, MemoryStore, Scan, Slot, Storage, Writer,
};
use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::choices::Choices;
use crate::has_reserved_key;

const CODEC: Codec = Codec::PORTABLE;

/// An event is refused before a byte is written, for a reason, or reads back equal to the last
/// bit; a line is read as JSON says.
pub fn target(bytes: &[u8]) {
    let mut choices = Choices(bytes);
    match choices.below(4) {
        0 => line(choices.0),
        1 => json_text(choices.0),
        2 => numbers(&mut choices),
        _ => anything(&mut choices),
    }
}

fn line(bytes: &[u8]) {
    let line = bytes
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    if matches!(line, b"" | b"\r") || line.contains(&0) {
        return; // What the log makes of those is a matter of other targets.
    }
    let mut store = MemoryStore::new();
    store.append(Slot::Log, &[line, b"\n"].concat()).unwrap();
    let read = Scan::new(&store, CODEC, 0).next_record::<Value>();
    let event = match read {
        Ok(record) => Some(record.unwrap().event),
        Err(Error::Corrupt { .. }) => None,
        Err(error) => panic!("{error}"),
    };
    let text = str::from_utf8(line).ok();
    match text.and_then(|text| serde_json::from_str::<Value>(text).ok()) {
        Some(value) => {
            let twice = serde_json::from_slice::<Keys>(line)
                .is_ok_and(|keys| keys.repeat_a_field_of_events());
            assert_eq!(event, event_of(value).filter(|_| !twice));
        }
        // A value that is no JSON can only stand where nobody looks: in an unknown field.
        None => assert!(event.is_none() || serde_json::from_slice::<IgnoredAny>(line).is_ok()),
    }
    if let Some(event) = event {
        match assert_reads_back(&event) {
            Some(read) => assert_eq!(read, event),
            None => assert!(has_reserved_key(text.unwrap())),
        }
    }
}

/// The event that this value is, if it is one.
fn event_of(value: Value) -> Option<Event> {
    let Value::Object(mut fields) = value else {
        return None;
    };
    let mut text = |name| match fields.remove(name) {
        None | Some(Value::Null) => Some(None),
        Some(Value::String(text)) => Some(Some(text)),
        Some(_) => None,
    };
    let (event_type, id, actor) = (text("type")??, text("id")?, text("actor")?);
    Some(Event {
        event_type,
        id,
        actor,
        ts: fields.get("ts")?.as_u64()?,
        data: fields.remove("data")?,
        meta: fields.remove("meta"),
    })
}

fn json_text(bytes: &[u8]) {
    let text = String::from_utf8(bytes.to_vec()).ok();
    let Some(data) = text.and_then(|text| RawValue::from_string(text).ok()) else {
        return;
    };
    let text = data.get().to_owned();
    let event = Event::at(0, "raw", data);
    let line = serde_json::to_string(&event).unwrap();
    let reads_back = serde_json::from_str::<Value>(&line).is_ok() && !has_reserved_key(&text);
    let fits = reads_back && !line.contains('\n');
    let read = assert_reads_back(&event);
    assert_eq!(
        read.map(|event| event.data.get().to_owned()),
        fits.then_some(text)
    );
}

type Numbers = (f64, f32, i128, u128, i64, u64, char, Option<f64>);

fn numbers(choices: &mut Choices<'_>) {
    let wide = u128::from(choices.u64()) << 64 | u128::from(choices.u64());
    let (double, single) = (
        f64::from_bits(choices.u64()),
        f32::from_bits(choices.u64() as u32),
    );
    let char = char::from_u32(choices.u64() as u32 & 0x1f_ffff).unwrap_or_default();
    let maybe = choices.flag().then(|| f64::from_bits(choices.u64()));
    let data: Numbers = (
        double,
        single,
        wide as i128,
        wide,
        choices.u64() as i64,
        choices.u64(),
        char,
        maybe,
    );
    let finite = double.is_finite() && single.is_finite() && maybe.is_none_or(f64::is_finite);
    let read = assert_reads_back(&Event::at(0, "numbers", data));
    assert_eq!(read.is_some(), finite);
    if let Some(read) = read {
        assert_eq!(read.data, data);
        assert_eq!(read.data.0.to_bits(), double.to_bits());
        assert_eq!(read.data.1.to_bits(), single.to_bits());
        assert_eq!(read.data.7.map(f64::to_bits), maybe.map(f64::to_bits));
    }
}

fn anything(choices: &mut Choices<'_>) {
    let event = Event {
        event_type: text(choices),
        ts: choices.u64(),
        id: choices.flag().then(|| text(choices)),
        actor: choices.flag().then(|| text(choices)),
        meta: choices.flag().then(|| value(choices, 8)),
        data: value(choices, 8),
    };
    let nested = depth(&event.data).max(event.meta.as_ref().map_or(0, depth));
    let reserved = has_reserved_key(&serde_json::to_string(&event).unwrap());
    let read = assert_reads_back(&event);
    assert_eq!(read, (nested < 127 && !reserved).then_some(event));
}

fn text(choices: &mut Choices<'_>) -> String {
    String::from_utf8_lossy(choices.some()).into_owned()
}

fn value(choices: &mut Choices<'_>, levels: usize) -> Value {
    match choices.below(if levels > 0 { 10 } else { 6 }) {
        0 => Value::Null,
        1 => choices.flag().into(),
        2 => (choices.u64() as i64).into(),
        3 => choices.u64().into(),
        // One that is not finite becomes null.
        4 => f64::from_bits(choices.u64()).into(),
        5 => text(choices).into(),
        6 => (0..choices.below(4))
            .map(|_| value(choices, levels - 1))
            .collect(),
        7 => {
            let fields = 0..choices.below(4);
            let field = |_| (text(choices), value(choices, levels - 1));
            Value::Object(fields.map(field).collect())
        }
        8 => (0..choices.byte()).fold(value(choices, 0), |inner, _| json!([inner])),
        _ => (0..choices.byte()).fold(value(choices, 0), |inner, _| json!({ "[{": inner })),
    }
}

/// How deep arrays and objects nest in this value.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(elements) => 1 + elements.iter().map(depth).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// What the event reads back as, `None` when it was refused.
fn assert_reads_back<D: Serialize + DeserializeOwned>(event: &Event<D>) -> Option<Event<D>> {
    let (mut writer, _) = Writer::open(MemoryStore::new(), CODEC, Access::Exclusive).unwrap();
    match writer.append(event, Durability::Synced) {
        Ok(_) => {}
        Err(Error::Unreadable { .. }) => {
            assert_eq!(*writer.store(), MemoryStore::new());
            return None;
        }
        Err(error) => panic!("{error}"),
    }
    let line = writer.store().bytes(Slot::Log);
    let mut scan = Scan::new(writer.store(), CODEC, 0);
    let read = scan.next_record::<D>().unwrap().unwrap();
    assert_eq!([read.line(), b"\n"].concat(), line);
    assert!(scan.next_line().unwrap().is_none());
    // As text too, where 0 and -0 differ.
    assert_eq!(serde_json::to_vec(&read.event).unwrap(), read.line());
    Some(read.event)
}

/// The keys of an object, each as often as it stands there.
struct Keys(Vec<String>);

impl Keys {
    fn repeat_a_field_of_events(&self) -> bool {
        let times = |name| self.0.iter().filter(|key| *key == name).count();
        ["type", "data", "ts", "id", "actor", "meta"]
            .into_iter()
            .any(|name| times(name) > 1)
    }
}

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Keys;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
                let mut keys = Vec::new();
                while let Some((key, IgnoredAny)) = map.next_entry()? {
                    keys.push(key);
                }
                Ok(Keys(keys))
            }
        }
        deserializer.deserialize_map(Object)
    }
}
