//! Any bytes as `app.jsonl`.

use std::str;

use eventfold_core::{Access, Durability, Error, Event, LineHash, Slot, Writer};
use serde_json::Value;

use crate::places::Memory;
use crate::{Place, event};

/// A reader sees what is whole, opening succeeds and cuts what is torn and nothing else, and the
/// log goes on from there. A writer without the lock cuts nothing.
pub fn target(bytes: &[u8]) {
    let place = Memory::empty();
    place.set(Slot::Log, bytes);
    let (readable, repaired) = spec(bytes);
    assert_reads(&place, &bytes[..readable], 0);

    let (writer, recovery) = place.open_reporting();
    drop(writer);
    let mut content = match repaired {
        Repaired::Completed => [bytes, b"\n"].concat(),
        Repaired::CutTo(len) => bytes[..len].to_vec(),
    };
    assert_eq!(place.bytes(Slot::Log), content);
    assert_eq!(recovery.completed_line, repaired == Repaired::Completed);
    let cut = bytes.get(content.len()..).unwrap_or_default();
    assert_eq!(recovery.torn_log_bytes, cut.len() as u64);
    assert_kept(&place.bytes(Slot::Torn), cut, content.len());
    assert_reads(&place, &content, bytes.len() / 2);

    let image = place.image();
    let (mut writer, recovery) = place.open_reporting();
    assert!(recovery.is_clean(), "opening twice: {recovery:?}");
    assert_eq!(place.image(), image);
    assert_eq!(writer.last_hash().unwrap(), last_hash(&content));
    append(&mut writer, &mut content, 1);
    assert_reads(&place, &content, 0);
    let rotation = writer.rotate().unwrap();
    assert_eq!(rotation.bytes, content.len() as u64);
    assert_reads(&place, &content, 0);
    append(&mut writer, &mut content, 2);
    drop(writer);
    let (mut writer, recovery) = place.open_reporting();
    assert!(recovery.is_clean(), "after a rotation: {recovery:?}");
    append(&mut writer, &mut content, 3);
    assert_reads(&place, &content, 0);
    assert_reads(&place, &content, bytes.len() / 2);

    without_the_lock(bytes);
}

fn without_the_lock(bytes: &[u8]) {
    let place = Memory::empty();
    place.set(Slot::Log, bytes);
    let (mut writer, recovery) =
        Writer::open(place.store(), Memory::CODEC, Access::Shared).unwrap();
    assert!(recovery.is_clean());
    let mut content = bytes.to_vec();
    if !bytes.is_empty() && !bytes.ends_with(b"\n") {
        content.push(b'\n');
    }
    append(&mut writer, &mut content, 1);
    assert_eq!(place.bytes(Slot::Log), content);
    assert_reads(&place, &content, 0);
}

/// Appends an event to the log, and to what is expected of it.
fn append(writer: &mut Writer<Memory>, content: &mut Vec<u8>, n: u64) {
    let appended = writer.append(&event(n), Durability::Synced).unwrap();
    assert_eq!(appended.position, content.len() as u64);
    content.extend(serde_json::to_vec(&event(n)).unwrap());
    content.push(b'\n');
    assert_eq!(appended.next_position, content.len() as u64);
    assert_eq!(appended.hash, last_hash(content));
}

#[derive(Debug, PartialEq)]
enum Repaired {
    /// The fragment at the end is a whole event and gets its newline.
    Completed,
    CutTo(usize),
}

/// The log's rules written down a second time: up to where a reader reads these bytes, and what
/// opening makes of them.
fn spec(bytes: &[u8]) -> (usize, Repaired) {
    let newline = bytes.iter().rposition(|byte| *byte == b'\n');
    let (whole, fragment) = bytes.split_at(newline.map_or(0, |at| at + 1));
    let (mut start, mut torn_from) = (whole.len(), whole.len());
    for line in whole.split_inclusive(|byte| *byte == b'\n').rev() {
        start -= line.len();
        if line.contains(&0) {
            torn_from = start;
        } else if !matches!(line, b"\n" | b"\r\n") {
            break;
        }
    }
    let repaired = match event_in(fragment) {
        Some(_) => Repaired::Completed,
        None => Repaired::CutTo(torn_from),
    };
    (torn_from, repaired)
}

fn event_in(line: &[u8]) -> Option<Event> {
    serde_json::from_str(str::from_utf8(line).ok()?).ok()
}

fn last_hash(content: &[u8]) -> LineHash {
    let lines = content.rsplit(|byte| *byte == b'\n');
    let mut lines = lines.filter(|line| !matches!(*line, b"" | b"\r"));
    LineHash::of(lines.next().unwrap_or_default())
}

/// `torn.bin` holds what was cut off the log at `offset`, and says so.
fn assert_kept(torn: &[u8], cut: &[u8], offset: usize) {
    if cut.is_empty() {
        assert!(torn.is_empty());
        return;
    }
    let head_len = torn.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let (head, kept) = torn.split_at(head_len);
    let head: Value = serde_json::from_slice(head).unwrap();
    assert_eq!(head["cut_from"], "app.jsonl");
    assert_eq!(
        (&head["offset"], &head["position"]),
        (&offset.into(), &offset.into())
    );
    assert_eq!(head["bytes"], cut.len());
    assert_eq!(kept, [cut, b"\n"].concat());
}

/// Reading from `from` yields each event of this history that starts there or later, and one
/// error for each line that is none, all with their places.
fn assert_reads(place: &Memory, history: &[u8], from: usize) {
    let mut scan = place.scan(from as u64);
    if from > history.len() {
        assert!(matches!(
            scan.next_record::<Value>(),
            Err(Error::Beyond { .. })
        ));
        return;
    }
    let (before, rest) = history.split_at(from);
    if !before.is_empty() && !before.ends_with(b"\n") {
        assert!(matches!(
            scan.next_record::<Value>(),
            Err(Error::NotABoundary { .. })
        ));
        return;
    }
    let base = history.len().saturating_sub(place.bytes(Slot::Log).len()) as u64;
    let mut next = from as u64;
    for line in rest.split_inclusive(|byte| *byte == b'\n') {
        let position = next;
        next += line.len() as u64;
        let line = &line[..line.len() - 1];
        if matches!(line, b"" | b"\r") {
            continue;
        }
        match (event_in(line), scan.next_record::<Value>()) {
            (Some(event), Ok(Some(record))) => {
                assert_eq!(record.event, event);
                assert_eq!(record.line(), line);
                assert_eq!((record.position, record.next_position), (position, next));
            }
            (
                None,
                Err(Error::Corrupt {
                    position: told,
                    file,
                    ..
                }),
            ) => {
                let expected = if position < base {
                    Slot::Archive
                } else {
                    Slot::Log
                };
                assert_eq!((told, file), (position, expected.to_string()));
            }
            (expected, found) => panic!("at {position}: expected {expected:?}, found {found:?}"),
        }
    }
    assert!(matches!(scan.next_record::<Value>(), Ok(None)));
    assert!(
        matches!(scan.next_record::<Value>(), Ok(None)),
        "nothing came since"
    );
}
