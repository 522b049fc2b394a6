//! Logs with a long history, of ours and of the crate's version 0.2.0.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use eventfold::{Durability, EventLog};

use crate::bench::{Bench, MIB};
use crate::events::Events;
use crate::peers::v0_2;

/// How much of the log is moved at a time.
const ROTATE_EVERY: u64 = 64 * MIB;

/// What stays in the log, so that both files have something to be read.
const KEPT: u64 = MIB / 2;

pub struct History {
    pub dir: PathBuf,
    pub dir_0_2: PathBuf,
    pub bytes: u64,
    pub events: u64,
    /// Of some events, evenly over all: their number and their position.
    pub marks: Vec<(u64, u64)>,
}

impl History {
    pub fn build(bench: &Bench, parent: PathBuf, bytes: u64) -> Self {
        let (dir, dir_0_2) = (parent.join("ours"), parent.join("0.2.0"));
        let (events, marks) = ours(&dir, &bench.events, bytes);
        v0_2::build(&dir_0_2, &bench.events, bytes, ROTATE_EVERY, KEPT);
        bench.place.settle();
        Self {
            dir,
            dir_0_2,
            bytes,
            events,
            marks,
        }
    }
}

/// Fills a log up to `bytes`, all but the last of them in its archive.
pub fn ours(dir: &Path, events: &Events, bytes: u64) -> (u64, Vec<(u64, u64)>) {
    let mut log = EventLog::builder(dir)
        .durability(Durability::Buffered)
        .open()
        .unwrap();
    let (mut count, mut marks) = (0, Vec::new());
    let archived = bytes - KEPT.min(bytes);
    let batches = events.samples.chunks(500).cycle();
    for batch in batches {
        let end = log.end_position();
        if end >= bytes {
            break;
        }
        let due = log.writer().log_len();
        if due >= ROTATE_EVERY || (end >= archived && end - due < archived) {
            log.rotate().unwrap();
        }
        let step = marks.len() as u64 * (bytes / 200);
        let appended = log
            .append_batch(batch.iter().map(|sample| &sample.json))
            .unwrap();
        if end >= step {
            marks.push((count, appended[0].position));
        }
        count += batch.len() as u64;
    }
    log.sync().unwrap();
    (count, marks)
}

/// Writes the lines of events up to `bytes` to a file, as a log that was never rotated.
pub fn lines(path: &Path, events: &Events, bytes: u64) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path).unwrap());
    let mut written = 0;
    for sample in events.endless() {
        if written >= bytes {
            break;
        }
        file.write_all(&sample.line).unwrap();
        written += sample.line.len() as u64;
    }
    file.into_inner().unwrap().sync_all().unwrap();
}
