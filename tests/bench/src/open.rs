//! Opening, and refreshing a view after it.

use std::path::Path;

use eventfold::{Durability, Event, EventLog, FileStore, LockMode, ZSTD};
use eventfold_core::{Access, Writer};
use serde_json::json;

use crate::bench::{Bench, MIB};
use crate::history;
use crate::peers::{Counts, count, v0_2};
use crate::row::{MICROSECONDS, MILLISECONDS, OURS, Row, of_limit};
use crate::turns::{self, Contender, timed};

/// With less history.
const SMALL: &str = "1 MiB";

pub fn open(bench: &Bench) -> Row {
    let (large, small) = (bench.large(), bench.small());
    let contenders = vec![
        many(OURS, 4, || EventLog::open(&large.dir).unwrap()),
        many(SMALL, 4, || EventLog::open(&small.dir).unwrap()),
        many(v0_2::NAME, 4, || {
            eventfold_0_2::EventLog::open(&large.dir_0_2).unwrap()
        }),
    ];
    let series = turns::take(bench.rounds(120), contenders);
    let work = format!("open, {} MiB of history archived", large.bytes / MIB);
    Row::new(work, MICROSECONDS, SMALL, series).goal(of_limit(2.0))
}

pub fn open_log(bench: &Bench) -> Row {
    let mib = bench.scale(1024, 128);
    let [large, small] = [mib, 1].map(|mib| {
        let dir = bench.place.fresh();
        history::lines(&dir.path().join("app.jsonl"), &bench.events, mib * MIB);
        dir
    });
    let contenders = vec![
        many(OURS, 4, || EventLog::open(large.path()).unwrap()),
        many(SMALL, 4, || EventLog::open(small.path()).unwrap()),
    ];
    let series = turns::take(bench.rounds(120), contenders);
    let work = format!("open, {mib} MiB in the log");
    Row::new(work, MICROSECONDS, SMALL, series).goal(of_limit(2.0))
}

pub fn lock(bench: &Bench) -> Row {
    const WITHOUT: &str = "without lock";
    let small = bench.small();
    // Both look for what a crash left, and sync, which takes nearly all of the time.
    let with = |mode| {
        move || {
            let store = FileStore::open(&small.dir, mode).unwrap();
            Writer::open(store, ZSTD, Access::Exclusive).unwrap()
        }
    };
    let contenders = vec![
        many(OURS, 4, with(LockMode::Flock)),
        many(WITHOUT, 4, with(LockMode::None)),
    ];
    let series = turns::take(bench.rounds(120), contenders);
    let work = "open with flock";
    Row::new(work, MICROSECONDS, WITHOUT, series).goal(of_limit(1.1))
}

/// How many microseconds one of `times` openings takes, its closing not included.
fn many<'a, T>(name: &'static str, times: usize, open: impl Fn() -> T + 'a) -> Contender<'a> {
    Contender::new(name, move || {
        let opened = (0..times).map(|_| timed(&open).0);
        1e6 * opened.sum::<f64>() / times as f64
    })
}

pub fn refresh(bench: &Bench) -> Row {
    let (large, small) = (bench.large(), bench.small());
    let contenders = vec![
        Contender::new(OURS, || refreshed(&large.dir)),
        Contender::new(SMALL, || refreshed(&small.dir)),
        Contender::new(v0_2::NAME, || refreshed_0_2(&large.dir_0_2)),
    ];
    let series = turns::take(bench.rounds(120), contenders);
    let work = format!("reopen and refresh, {} MiB of history", large.bytes / MIB);
    Row::new(work, MILLISECONDS, SMALL, series).goal(of_limit(2.0))
}

/// An event comes, the log is closed, and then opened and its view refreshed in so many
/// milliseconds.
pub fn refreshed(dir: &Path) -> f64 {
    let mut log = EventLog::open(dir).unwrap();
    let event = Event::new("note.added", json!({}));
    log.append_with(&event, Durability::Buffered).unwrap();
    drop(log);
    let (seconds, _log) = timed(|| {
        let builder = EventLog::builder(dir).lazy_view("types", |mut counts: Counts, event| {
            count(&mut counts, event.event_type());
            Ok(counts)
        });
        let mut log = builder.open().unwrap();
        log.refresh_all().unwrap();
        assert!(!log.view::<Counts>("types").unwrap().is_empty());
        log
    });
    1e3 * seconds
}

pub fn refreshed_0_2(dir: &Path) -> f64 {
    fn reducer(mut counts: Counts, event: &eventfold_0_2::Event) -> Counts {
        count(&mut counts, &event.event_type);
        counts
    }
    let mut log = eventfold_0_2::EventLog::open(dir).unwrap();
    log.append(&eventfold_0_2::Event::new("note.added", json!({})))
        .unwrap();
    drop(log);
    let (seconds, _log) = timed(|| {
        let builder = eventfold_0_2::EventLog::builder(dir).view("types", reducer);
        let mut log = builder.open().unwrap();
        log.refresh_all().unwrap();
        assert!(!log.view::<Counts>("types").unwrap().is_empty());
        log
    });
    1e3 * seconds
}
