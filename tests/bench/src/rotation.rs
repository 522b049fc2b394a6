//! Rotation, by hand and in the middle of appending.

use std::fs;
use std::path::Path;

use eventfold::{EventLog, EventReader};

use crate::bench::{Bench, MIB};
use crate::events::Sample;
use crate::history;
use crate::peers::v0_2;
use crate::row::{MILLISECONDS, OURS, Row, of_limit, of_peer};
use crate::turns::{self, Contender, timed};

pub fn total(bench: &Bench) -> Row {
    let log = Full::new(bench);
    let bytes = fs::read(&log.path).unwrap();
    let contenders = vec![
        Contender::new(OURS, || {
            let dir = log.copy();
            let mut log = EventLog::open(dir.path()).unwrap();
            1e3 * timed(|| log.rotate().unwrap()).0
        }),
        Contender::new("zstd -3", || {
            1e3 * timed(|| zstd::bulk::compress(&bytes, 3).unwrap()).0
        }),
        Contender::new(v0_2::NAME, || {
            let dir = log.copy();
            let mut log = eventfold_0_2::EventLog::open(dir.path()).unwrap();
            1e3 * timed(|| log.rotate().unwrap()).0
        }),
    ];
    let series = turns::take(bench.rounds(9), contenders);
    let work = format!("rotation of {} MiB", log.mib);
    Row::new(work, MILLISECONDS, "zstd -3", series).goal(of_limit(1.1))
}

pub fn pause(bench: &Bench) -> Row {
    let log = Full::new(bench);
    let contenders = vec![
        Contender::new(OURS, || {
            let dir = log.copy();
            let mut appending = EventLog::builder(dir.path())
                .max_log_size(log.limit())
                .open()
                .unwrap();
            log.longest(bench, dir.path(), |sample| {
                appending.append(&sample.event).unwrap();
            })
        }),
        Contender::new(v0_2::NAME, || {
            let dir = log.copy();
            let mut appending = eventfold_0_2::EventLog::builder(dir.path())
                .max_log_size(log.limit())
                .open()
                .unwrap();
            log.longest(bench, dir.path(), |sample| {
                appending.append(&sample.event_0_2).unwrap();
            })
        }),
    ];
    let series = turns::take(bench.rounds(9), contenders);
    let work = format!("longest append as {} MiB rotate", log.mib);
    Row::new(work, MILLISECONDS, "", series).goal(of_peer(v0_2::NAME, 1.0 / 15.0))
}

/// A log that is about to be rotated.
struct Full {
    _dir: tempfile::TempDir,
    place: std::path::PathBuf,
    path: std::path::PathBuf,
    mib: u64,
}

impl Full {
    fn new(bench: &Bench) -> Self {
        let dir = bench.place.fresh();
        let path = dir.path().join("app.jsonl");
        let mib = bench.scale(64, 8);
        history::lines(&path, &bench.events, mib * MIB);
        Self {
            place: dir.path().to_path_buf(),
            _dir: dir,
            path,
            mib,
        }
    }

    /// On disk, as a log is that was appended to for long.
    fn copy(&self) -> tempfile::TempDir {
        let dir = tempfile::tempdir_in(&self.place).unwrap();
        let copy = dir.path().join("app.jsonl");
        fs::copy(&self.path, &copy).unwrap();
        fs::File::open(copy).unwrap().sync_all().unwrap();
        dir
    }

    /// Reached after some appends.
    fn limit(&self) -> u64 {
        fs::metadata(&self.path).unwrap().len() + 10_000
    }

    /// How many milliseconds the longest append takes, from some before the rotation to some
    /// after it.
    fn longest(&self, bench: &Bench, dir: &Path, mut append: impl FnMut(&Sample)) -> f64 {
        let mut longest = 0.0_f64;
        let mut left = None;
        for sample in bench.events.endless() {
            let (seconds, ()) = timed(|| append(sample));
            longest = longest.max(seconds);
            let rotated = fs::metadata(dir.join("app.jsonl")).unwrap().len() < MIB;
            match &mut left {
                Some(0) => break,
                Some(left) => *left -= 1,
                None if rotated => left = Some(50),
                None => {}
            }
        }
        let last = EventReader::new(dir).read_full().unwrap().next();
        last.unwrap().unwrap();
        1e3 * longest
    }
}
