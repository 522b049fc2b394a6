//! Reading what was rotated.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use eventfold::{EventLog, EventReader};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde_json::Value;

use crate::bench::{Bench, MIB};
use crate::history;
use crate::peers::{Counts, count, v0_2};
use crate::replay::{self, Parsed};
use crate::row::{MB_PER_SECOND, MICROSECONDS, OURS, Row, Unit, of_limit, of_peer};
use crate::turns::{self, Contender, Rounds, timed};

const ARCHIVE: &str = "archive.jsonl.zst";

const MEGABYTES: Unit = Unit {
    name: "MB",
    more: false,
};

pub fn size(bench: &Bench) -> Row {
    let rotated = Rotated::new(bench, bench.events.bytes);
    let whole: Vec<u8> = bench
        .events
        .samples
        .iter()
        .flat_map(|event| &event.line)
        .copied()
        .collect();
    let mb = |bytes: u64| bytes as f64 / 1e6;
    let contenders = vec![
        Contender::new(OURS, || mb(length(&rotated.ours))),
        Contender::new("zstd -3", || {
            mb(zstd::bulk::compress(&whole, 3).unwrap().len() as u64)
        }),
        Contender::new(v0_2::NAME, || mb(length(&rotated.old))),
    ];
    // It is the same each time.
    let rounds = Rounds {
        most: 3,
        ..bench.rounds(3)
    };
    let series = turns::take(rounds, contenders);
    let work = format!("archive of {:.0} MB", mb(bench.events.bytes));
    Row::new(work, MEGABYTES, "zstd -3", series).goal(of_limit(1.05))
}

pub fn point(bench: &Bench) -> Row {
    let history = bench.large();
    let mut marks = history.marks.iter().cycle();
    // Far apart, in an order that no cache foresees.
    let mut ours = marks.clone().step_by(37);
    let each = 20;
    let contenders = vec![
        Contender::new(OURS, move || {
            let (seconds, ()) = timed(|| {
                for (_, position) in ours.by_ref().take(each) {
                    let mut events = EventReader::new(&history.dir).read_from(*position).unwrap();
                    events.next().unwrap().unwrap();
                }
            });
            1e6 * seconds / each as f64
        }),
        Contender::new(v0_2::NAME, move || {
            let reader = eventfold_0_2::EventReader::new(&history.dir_0_2);
            let (number, _) = marks.nth(history.marks.len() / 5).unwrap();
            1e6 * timed(|| v0_2::read(&reader, *number)).0
        }),
    ];
    let series = turns::take(bench.rounds(7), contenders);
    let work = format!("one event, anywhere in {} MiB", history.bytes / MIB);
    Row::new(work, MICROSECONDS, "", series).goal(of_peer(v0_2::NAME, 0.01))
}

pub fn replay(bench: &Bench) -> Row {
    let rotated = Rotated::new(bench, bench.scale(128, 16) * MIB);
    let rate = |work: &dyn Fn() -> Counts| {
        let (seconds, counts) = timed(work);
        assert_eq!(counts.values().sum::<u64>(), rotated.events);
        rotated.bytes as f64 / 1e6 / seconds
    };
    let contenders = vec![
        Contender::new(OURS, || rate(&|| replay::ours_by_value(dir(&rotated.ours)))),
        Contender::new(PARSED, || rate(&|| decompressed(&rotated.ours))),
        Contender::new(v0_2::NAME, || {
            rate(&|| replay::by_value_0_2(dir(&rotated.old)))
        }),
    ];
    let series = turns::take(bench.rounds(7), contenders);
    let work = "replay of an archive, data as Value";
    Row::new(work, MB_PER_SECOND, PARSED, series).goal(of_limit(1.0 / 1.1))
}

/// Beside the same with one CPU only.
pub fn second_core(bench: &Bench) -> Row {
    const ONE: &str = "one core";
    let rotated = Rotated::new(bench, bench.scale(128, 16) * MIB);
    let archived = dir(&rotated.ours);
    let rate = |seconds: f64| rotated.bytes as f64 / 1e6 / seconds;
    let all = sched_getaffinity(None).unwrap();
    let mut one = CpuSet::new();
    one.set((0..CpuSet::MAX_CPU).find(|cpu| all.is_set(*cpu)).unwrap());
    let on = |cpus: &CpuSet| {
        sched_setaffinity(None, cpus).unwrap();
        let (seconds, _) = timed(|| replay::ours_by_type(archived));
        sched_setaffinity(None, &all).unwrap();
        rate(seconds)
    };
    let contenders = vec![
        Contender::new(OURS, || on(&all)),
        Contender::new(ONE, || on(&one)),
    ];
    let series = turns::take(bench.rounds(7), contenders);
    let work = "replay of an archive by type, with more cores";
    // Faster, and by more than chance.
    Row::new(work, MB_PER_SECOND, ONE, series).goal(of_limit(1.1))
}

const PARSED: &str = "zstd+serde_json";

fn decompressed(path: &Path) -> Counts {
    let decoder = zstd::Decoder::new(File::open(path).unwrap()).unwrap();
    let mut lines = BufReader::with_capacity(256 << 10, decoder);
    let (mut line, mut counts) = (Vec::new(), Counts::new());
    while lines.read_until(b'\n', &mut line).unwrap() > 0 {
        let event: Parsed<Value> = serde_json::from_slice(&line).unwrap();
        count(&mut counts, &event.event_type);
        line.clear();
    }
    counts
}

/// The same events in an archive of ours and one of 0.2.0.
struct Rotated {
    ours: PathBuf,
    old: PathBuf,
    events: u64,
    bytes: u64,
    _dir: tempfile::TempDir,
}

impl Rotated {
    fn new(bench: &Bench, bytes: u64) -> Self {
        let dir = bench.place.fresh();
        let paths = ["ours", "0.2.0"].map(|name| {
            let dir = dir.path().join(name);
            history::lines(&dir.join("app.jsonl"), &bench.events, bytes);
            dir
        });
        let bytes = EventLog::open(&paths[0]).unwrap().rotate().unwrap().bytes;
        eventfold_0_2::EventLog::open(&paths[1])
            .unwrap()
            .rotate()
            .unwrap();
        let [ours, old] = paths.map(|dir| dir.join(ARCHIVE));
        let counts = decompressed(&ours);
        Self {
            ours,
            old,
            events: counts.values().sum(),
            bytes,
            _dir: dir,
        }
    }
}

fn dir(archive: &Path) -> &Path {
    archive.parent().unwrap()
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).unwrap().len()
}
