//! Events, views and checks for both versions.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::path::Path;

use eventfold::{Event, EventLog, EventReader};
use eventfold_0_2 as old;
use serde_json::{Value, json};

pub(crate) type Counts = BTreeMap<String, u64>;

pub(crate) fn event(n: u64) -> Event {
    let event = Event::at(
        1_600_000_000 + n,
        ["made", "moved", "größe", ""][n as usize % 4],
        json!({ "n": n, "text": "line\nbreak \u{1F980} \u{0} \"".repeat(n as usize % 5), "f": n as f64 / 3.0 }),
    );
    match n % 3 {
        0 => event,
        1 => event.with_id(format!("id-{n}")).with_actor("ada"),
        _ => event.with_meta(json!({ "trace": [n, null, -1.5e-300] })),
    }
}

pub(crate) fn as_old(event: &Event) -> old::Event {
    serde_json::from_value(serde_json::to_value(event).unwrap()).unwrap()
}

pub(crate) fn as_new(event: &old::Event) -> Event {
    serde_json::from_value(serde_json::to_value(event).unwrap()).unwrap()
}

pub(crate) fn count(mut counts: Counts, event_type: &str) -> Counts {
    *counts.entry(event_type.to_owned()).or_default() += 1;
    counts
}

/// A fold that depends on the order of the events.
pub(crate) fn mix(order: u64, data: &Value) -> u64 {
    order
        .wrapping_mul(31)
        .wrapping_add(data["n"].as_u64().unwrap_or(7) + 1)
}

/// 0.2.0 unlocks by closing its file, which a child that another test is just starting has open
/// too, until it runs its own program.
pub(crate) fn open(dir: &Path) -> EventLog {
    loop {
        let log = EventLog::builder(dir)
            .view("counts", |counts, event: &Event| {
                count(counts, &event.event_type)
            })
            .view("order", |order, event: &Event| mix(order, &event.data))
            .open();
        match log {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                std::thread::yield_now();
            }
            log => return log.unwrap(),
        }
    }
}

pub(crate) fn open_0_2(dir: &Path) -> old::EventLog {
    old::EventLog::builder(dir)
        .view::<Counts>("counts", |counts, event| count(counts, &event.event_type))
        .view::<u64>("order", |order, event| mix(order, &event.data))
        .open()
        .unwrap()
}

/// Three frames and a log, with snapshots that were refreshed at different times.
pub(crate) fn made_by_0_2(dir: &Path) -> Vec<Event> {
    let mut events = Vec::new();
    let mut log = open_0_2(dir);
    for _ in 0..3 {
        append_0_2(&mut log, &mut events, 8);
        log.rotate().unwrap();
    }
    append_0_2(&mut log, &mut events, 2);
    log.refresh_all().unwrap();
    append_0_2(&mut log, &mut events, 3);
    events
}

pub(crate) fn append(log: &mut EventLog, events: &mut Vec<Event>, n: u64) {
    for _ in 0..n {
        let event = event(events.len() as u64);
        let end = log.writer().end_position();
        assert_eq!(log.append(&event).unwrap().position, end);
        events.push(event);
    }
}

pub(crate) fn append_0_2(log: &mut old::EventLog, events: &mut Vec<Event>, n: u64) {
    for _ in 0..n {
        let event = event(events.len() as u64);
        log.append(&as_old(&event)).unwrap();
        events.push(event);
    }
}

pub(crate) fn read(dir: &Path) -> Vec<Event> {
    let mut position = 0;
    let reader = EventReader::new(dir);
    let read = reader.read_full().unwrap().map(|record| {
        let record = record.unwrap();
        assert_eq!(record.position, position);
        position = record.next_position;
        record.event
    });
    read.collect()
}

pub(crate) fn read_0_2(dir: &Path) -> Vec<Event> {
    let reader = old::EventReader::new(dir);
    let read = reader.read_full().unwrap();
    read.map(|item| as_new(&item.unwrap().0)).collect()
}

pub(crate) fn assert_state(log: &EventLog, events: &[Event]) {
    let (counts, order) = states(events);
    assert_eq!(*log.view::<Counts>("counts").unwrap(), counts);
    assert_eq!(*log.view::<u64>("order").unwrap(), order);
}

pub(crate) fn assert_state_0_2(log: &old::EventLog, events: &[Event]) {
    let (counts, order) = states(events);
    assert_eq!(*log.view::<Counts>("counts").unwrap(), counts);
    assert_eq!(*log.view::<u64>("order").unwrap(), order);
}

pub(crate) fn states(events: &[Event]) -> (Counts, u64) {
    events
        .iter()
        .fold(Default::default(), |(counts, order), event| {
            (count(counts, &event.event_type), mix(order, &event.data))
        })
}

/// The log that was just opened holds `events`, has the right states, and can be used on: views,
/// appends, rotations, opening again.
pub(crate) fn goes_on(mut log: EventLog, events: &mut Vec<Event>) {
    let dir = log.dir().to_path_buf();
    assert_eq!(read(&dir), *events);
    log.refresh_all().unwrap();
    assert_state(&log, events);
    for _ in 0..2 {
        append(&mut log, events, 2);
        log.rotate().unwrap();
        append(&mut log, events, 2);
        assert_eq!(read(&dir), *events);
        log.refresh_all().unwrap();
        assert_state(&log, events);
        drop(log);
        log = open(&dir);
        assert!(log.recovery().is_clean());
        assert_state(&log, events);
    }
    log.rebuild_all().unwrap();
    assert_state(&log, events);
    let active = fs::metadata(dir.join("app.jsonl")).unwrap().len();
    let archived = archive(&dir).len() as u64;
    assert_eq!(log.writer().end_position(), archived + active);
}

/// What the archive holds, by another zstd decoder than the log's.
pub(crate) fn archive(dir: &Path) -> String {
    let file = fs::File::open(dir.join("archive.jsonl.zst")).unwrap();
    let mut lines = String::new();
    zstd::Decoder::new(file)
        .unwrap()
        .read_to_string(&mut lines)
        .unwrap();
    lines
}

pub(crate) fn append_bytes(path: &Path, bytes: &[u8]) {
    let mut file = fs::OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(bytes).unwrap();
}

/// Every file of the directory, with its bytes and when it was changed.
pub(crate) fn files(dir: &Path) -> BTreeMap<std::path::PathBuf, (Vec<u8>, std::time::SystemTime)> {
    let mut files = BTreeMap::new();
    let mut dirs = vec![dir.to_path_buf()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
            let path = entry.path();
            let meta = entry.metadata().unwrap();
            if meta.is_dir() {
                dirs.push(path);
            } else {
                let bytes = fs::read(&path).unwrap();
                files.insert(path, (bytes, meta.modified().unwrap()));
            }
        }
    }
    files
}
