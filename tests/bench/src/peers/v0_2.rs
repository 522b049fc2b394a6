use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::sync::Mutex;

use eventfold_0_2::{EventLog, EventReader, EventWriter};

use super::{Counts, Peer, Wait, count};
use crate::events::{Events, Sample};

pub const NAME: &str = "0.2.0";

/// The registry's eventfold 0.2.0. It syncs every append and knows no batch.
pub struct V0_2 {
    writer: Mutex<EventWriter>,
    reader: EventReader,
}

impl Peer for V0_2 {
    fn open(dir: &Path, wait: Wait) -> Self {
        assert!(wait == Wait::Disk, "0.2.0 has no other way");
        let writer = EventWriter::open(dir).unwrap();
        let reader = writer.reader();
        let writer = Mutex::new(writer);
        Self { writer, reader }
    }

    fn append(&self, events: &[Sample]) {
        let mut writer = self.writer.lock().unwrap();
        for event in events {
            writer.append(&event.event_0_2).unwrap();
        }
    }

    fn count_types(&self) -> Counts {
        let mut counts = Counts::new();
        for event in self.reader.read_full().unwrap() {
            count(&mut counts, &event.unwrap().0.event_type);
        }
        counts
    }

    fn read(&self, number: u64) -> usize {
        read(&self.reader, number)
    }
}

/// 0.2.0 has no positions in the archive: all that comes before is read too.
pub fn read(reader: &EventReader, number: u64) -> usize {
    let mut events = reader.read_full().unwrap();
    let (event, _hash) = events.nth(number as usize).unwrap().unwrap();
    event.event_type.len()
}

/// Fills a log of 0.2.0 up to `bytes`, all but the last `kept` of them in its archive. Its lines
/// are written past it, since it would sync each; it does rotate them.
pub fn build(dir: &Path, events: &Events, bytes: u64, rotate_every: u64, kept: u64) {
    let mut log = EventLog::open(dir).unwrap();
    let mut file = OpenOptions::new()
        .append(true)
        .open(log.log_path())
        .unwrap();
    let (mut written, mut in_log) = (0, 0);
    let archived = bytes - kept.min(bytes);
    for batch in events.samples.chunks(500).cycle() {
        if written >= bytes {
            break;
        }
        if in_log >= rotate_every || (written >= archived && written - in_log < archived) {
            log.rotate().unwrap();
            in_log = 0;
        }
        let lines: Vec<u8> = batch
            .iter()
            .flat_map(|event| &event.line)
            .copied()
            .collect();
        file.write_all(&lines).unwrap();
        written += lines.len() as u64;
        in_log += lines.len() as u64;
    }
    file.sync_all().unwrap();
}
