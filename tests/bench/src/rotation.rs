//! Rotation, by hand and in the middle of appending.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use eventfold::{Durability, EventLog};
use tempfile::TempDir;

use crate::append::appending;
use crate::bench::{Bench, MIB};
use crate::events::Sample;
use crate::history;
use crate::peers::v0_2;
use crate::row::{MILLISECONDS, OURS, Row, of_limit, of_peer};
use crate::turns::{self, Contender, timed};

pub fn total(bench: &Bench) -> Row {
    let mib = bench.scale(64, 8);
    let place = bench.place.fresh();
    let full = place.path().join("app.jsonl");
    history::lines(&full, &bench.events, mib * MIB);
    let bytes = fs::read(&full).unwrap();
    let contenders = vec![
        Contender::new(OURS, || {
            let dir = copy(bench, &full);
            let mut log = EventLog::open(dir.path()).unwrap();
            1e3 * timed(|| log.rotate().unwrap()).0
        }),
        Contender::new(ZSTD, || {
            1e3 * timed(|| zstd::bulk::compress(&bytes, 3).unwrap()).0
        }),
        Contender::new(v0_2::NAME, || {
            let dir = copy(bench, &full);
            let mut log = eventfold_0_2::EventLog::open(dir.path()).unwrap();
            1e3 * timed(|| log.rotate().unwrap()).0
        }),
    ];
    let series = turns::take(bench.rounds(9), contenders);
    let work = format!("rotation of {mib} MiB");
    Row::new(work, MILLISECONDS, ZSTD, series).goal(of_limit(1.1))
}

const ZSTD: &str = "zstd -3";

/// The log grows past its size limit: by batches at first, then event by event, each waited for.
pub fn pause(bench: &Bench) -> Row {
    let mib = bench.scale(64, 8);
    let limit = mib * MIB;
    let by_batches = limit - MIB * 5 / 4;
    let place = bench.place.fresh();
    let prefilled = place.path().join("app.jsonl");
    history::lines(&prefilled, &bench.events, by_batches);
    let archived = zstd::bulk::compress(&fs::read(&prefilled).unwrap(), 3).unwrap();
    let line = &bench.events.samples[0].line;
    let contenders = vec![
        Contender::new(OURS, || {
            let dir = bench.place.fresh();
            let builder = EventLog::builder(dir.path()).max_log_size(limit);
            let mut log = builder.open().unwrap();
            let mut batches = bench.events.samples.chunks(500).cycle();
            while log.end_position() < by_batches {
                let batch = batches.next().unwrap().iter().map(|sample| &sample.event);
                log.append_batch_with(batch, Durability::Buffered).unwrap();
            }
            longest(bench, dir.path(), |sample| {
                log.append(&sample.event).unwrap();
            })
        }),
        Contender::new(v0_2::NAME, || {
            let dir = copy(bench, &prefilled);
            let builder = eventfold_0_2::EventLog::builder(dir.path()).max_log_size(limit);
            let mut log = builder.open().unwrap();
            longest(bench, dir.path(), |sample| {
                log.append(&sample.event_0_2).unwrap();
            })
        }),
        Contender::new(BARE, || {
            let dir = copy(bench, &prefilled);
            let mut log = appending(&dir.path().join("app.jsonl"));
            let mut archive = appending(&dir.path().join("archive.jsonl.zst"));
            let (frame, seal) = archived.split_at(archived.len() - 4096);
            let rotate = || -> io::Result<()> {
                archive.write_all(frame)?;
                archive.sync_data()?;
                log.set_len(0)?;
                log.sync_data()?;
                archive.write_all(seal)?;
                archive.sync_data()?;
                log.write_all(line)?;
                log.sync_data()
            };
            let (seconds, rotated) = timed(rotate);
            rotated.unwrap();
            1e3 * seconds
        }),
    ];
    let series = turns::take(bench.rounds(9), contenders);
    let work = format!("longest append, rotating at {mib} MiB");
    Row::new(work, MILLISECONDS, BARE, series).goal(of_peer(v0_2::NAME, 1.0 / 15.0))
}

/// A rotation that compressed everything before: an archive and its seal are synced, and the log
/// is cut between them.
const BARE: &str = "bare calls";

/// How many milliseconds the longest append takes, until the log was rotated and for some more.
fn longest(bench: &Bench, dir: &Path, mut append: impl FnMut(&Sample)) -> f64 {
    let log = dir.join("app.jsonl");
    let mut samples = bench.events.endless();
    let mut longest = 0.0_f64;
    let mut append = || longest = longest.max(timed(|| append(samples.next().unwrap())).0);
    let len = || fs::metadata(&log).unwrap().len();
    let before = len();
    while len() >= before {
        append();
    }
    (0..50).for_each(|_| append());
    1e3 * longest
}

/// On disk, as a log is that was appended to for long.
fn copy(bench: &Bench, log: &Path) -> TempDir {
    let dir = bench.place.fresh();
    let copy = dir.path().join("app.jsonl");
    fs::copy(log, &copy).unwrap();
    fs::File::open(copy).unwrap().sync_all().unwrap();
    dir
}
