//! The stores beside which eventfold is measured, each used as its documentation says for this
//! work.

pub mod fjall;
pub mod redb;
pub mod sqlite;
pub mod v0_2;

use std::collections::BTreeMap;
use std::path::Path;

use crate::events::Sample;

/// How many events there are of each type: the view of every replay.
pub type Counts = BTreeMap<String, u64>;

pub fn count(counts: &mut Counts, event_type: &str) {
    match counts.get_mut(event_type) {
        Some(count) => *count += 1,
        None => {
            counts.insert(event_type.to_owned(), 1);
        }
    }
}

/// What an append waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Until the disk has it.
    Disk,
    /// Until the system has it, so that it outlives the process.
    System,
}

/// A store that many threads may use.
pub trait Peer: Sync {
    fn open(dir: &Path, wait: Wait) -> Self
    where
        Self: Sized;

    /// Appends events in one transaction.
    fn append(&self, events: &[Sample]);

    /// Ends a number of appends.
    fn flush(&self) {}

    fn count_types(&self) -> Counts;

    /// The length of the data of the event with this number.
    fn read(&self, number: u64) -> usize;
}

/// The event as a value of a store of keys and values. The type stands in front, so that it is
/// read without parsing.
fn encode(event: &Sample) -> Vec<u8> {
    let event_type = event.event.event_type.as_bytes();
    let mut value = Vec::with_capacity(2 + event_type.len() + event.line.len());
    value.extend((event_type.len() as u16).to_le_bytes());
    value.extend(event_type);
    value.extend(&event.line);
    value
}

fn type_of(value: &[u8]) -> &str {
    let (len, rest) = value.split_first_chunk().unwrap();
    std::str::from_utf8(&rest[..u16::from_le_bytes(*len).into()]).unwrap()
}
