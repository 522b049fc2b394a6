//! One event after the other in the same memory.

use alloc::vec::Vec;

use serde_json::Value;

use crate::error::Error;
use crate::event::Event;
use crate::line;
use crate::record::Line;

/// How many types of events have memory of their own, so that types may take turns.
const TYPES: usize = 8;

/// The longest line, in bytes, whose event is kept for its memory. Longer ones are mostly documents
/// that have little in common, and are parsed faster into memory that lies close together.
const LARGE: usize = 16 << 10;

/// Memory for events of any data that are read one after the other.
///
/// An event mostly has the keys of the last one of its type: it is read into that one, and nothing
/// is allocated but what is new in it. That takes half the time where keys stay the same, and as
/// long as [`Line::event`] where they do not. Up to 8 events of lines of up to 16 KiB are kept, each
/// in no more than a few times the memory that it needs.
///
/// ```
/// use eventfold_core::{Access, Codec, Durability, Event, EventBuffer, MemoryStore, Scan, Writer};
/// use std::convert::Infallible;
///
/// let (mut writer, _) = Writer::open(MemoryStore::new(), Codec::PORTABLE, Access::Exclusive)?;
/// writer.append(&Event::at(7, "counted", 2), Durability::Synced)?;
/// writer.append(&Event::at(8, "counted", 3), Durability::Synced)?;
///
/// let mut scan = Scan::new(writer.store(), Codec::PORTABLE, 0);
/// let (mut buffer, mut sum) = (EventBuffer::new(), 0);
/// while let Some(line) = scan.next_line()? {
///     sum += buffer.read::<Infallible>(&line)?.data.as_u64().unwrap_or(0);
/// }
/// assert_eq!(sum, 5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct EventBuffer {
    kept: Vec<Event>,
    /// Which one an event of another type goes into when all are in use.
    oldest: usize,
    /// One that was parsed by itself.
    parsed: Event,
    sorts_keys: bool,
}

impl EventBuffer {
    /// Memory of nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            kept: Vec::new(),
            oldest: 0,
            parsed: blank(),
            sorts_keys: line::sorts_keys(),
        }
    }

    /// The event in the line, until the next one is read.
    ///
    /// # Errors
    /// As [`Line::event`]; other lines can be read after that.
    pub fn read<E: core::error::Error>(&mut self, line: &Line<'_>) -> Result<&Event, Error<E>> {
        // Freed before anything is allocated.
        self.parsed = blank();
        let place = self.refill(line.bytes);
        if let Some(event) = place.and_then(|place| self.kept.get(place)) {
            return Ok(event);
        }
        self.parsed = line.event()?;
        Ok(&self.parsed)
    }

    /// Which of those kept the line was read into, if it was.
    fn refill(&mut self, line: &[u8]) -> Option<usize> {
        if line.len() > LARGE {
            return None;
        }
        let text = str::from_utf8(line).ok()?;
        let place = self.place_for(line);
        line::refill(text, self.kept.get_mut(place)?, self.sorts_keys).ok()?;
        Some(place)
    }

    fn place_for(&mut self, line: &[u8]) -> usize {
        let quoted = line.strip_prefix(br#"{"type":""#).unwrap_or_default();
        let is_of_its_type = |event: &Event| {
            let rest = quoted.strip_prefix(event.event_type.as_bytes());
            rest.is_some_and(|rest| rest.starts_with(b"\""))
        };
        if let Some(place) = self.kept.iter().position(is_of_its_type) {
            return place;
        }
        if self.kept.len() < TYPES {
            self.kept.push(blank());
            return self.kept.len() - 1;
        }
        let place = self.oldest;
        self.oldest = (place + 1) % TYPES;
        place
    }
}

impl Default for EventBuffer {
    fn default() -> Self {
        Self::new()
    }
}

fn blank() -> Event {
    Event::at(0, "", Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::vec;
    use core::convert::Infallible;
    use serde_json::json;

    use crate::{Codec, MemoryStore, Scan, Slot, Storage};

    fn read<'b>(buffer: &'b mut EventBuffer, line: &str) -> &'b Value {
        let mut store = MemoryStore::new();
        let line = format!("{line}\n");
        store.append(Slot::Log, line.as_bytes()).unwrap();
        let mut scan = Scan::new(&store, Codec::PORTABLE, 0);
        let line = scan.next_line().unwrap().unwrap();
        &buffer.read::<Infallible>(&line).unwrap().data
    }

    #[test]
    fn an_event_is_read_into_the_memory_of_the_last_one_of_its_type() {
        let lines = [
            r#"{"type":"x","data":{"b":1,"a":"first"},"ts":1}"#,
            r#"{"type":"y","data":{"a":"other"},"ts":2}"#,
            r#"{"type":"x","data":{"b":2,"a":"again"},"ts":3,"actor":"me"}"#,
            r#"{"type":"y","data":{"a":"there","c":[]},"ts":4}"#,
        ];
        let mut buffer = EventBuffer::new();
        let places = lines.map(|line| read(&mut buffer, line)["a"].as_str().unwrap().as_ptr());
        assert_eq!(places[..2], places[2..]);
        assert_ne!(places[0], places[1]);
    }

    #[test]
    fn the_memory_of_a_long_text_or_array_is_not_kept_for_a_short_one() {
        let mut buffer = EventBuffer::new();
        let long = json!({ "text": "x".repeat(5000), "array": vec![0; 3000] });
        for data in [long, json!({ "text": "x", "array": [0] })] {
            let data = read(
                &mut buffer,
                &format!(r#"{{"type":"x","data":{data},"ts":1}}"#),
            );
            let (Value::String(text), Value::Array(array)) = (&data["text"], &data["array"]) else {
                panic!("{data}");
            };
            assert!(
                text.capacity() < 5 * text.len() + 200,
                "{}",
                text.capacity()
            );
            assert!(
                array.capacity() < 5 * array.len() + 10,
                "{}",
                array.capacity()
            );
        }
    }
}
