//! How the cost grows: with the history, and with the size of an event.

use std::time::Instant;

use eventfold::{EventReader, EventWriter};
use serde_json::Value;

use crate::append;
use crate::bench::Bench;
use crate::events::Events;
use crate::history::History;
use crate::open::{refreshed, refreshed_0_2};
use crate::peers::sqlite::Sqlite;
use crate::peers::{Peer, Wait, v0_2};
use crate::replay::{Log, by_serde_json, by_value_0_2, ours_by_type, ours_by_value};
use crate::row::{MB_PER_SECOND, MICROSECONDS, MILLISECONDS, OURS, PER_SECOND, Unit};
use crate::turns::{self, Contender, Series, Spread, timed, timed_again};

pub const NAME: &str = "curves";

/// One kind of work over sizes.
pub struct Panel {
    pub title: &'static str,
    pub unit: Unit,
    pub lines: Vec<Line>,
}

pub struct Line {
    pub name: &'static str,
    pub points: Vec<(f64, Spread)>,
}

impl Panel {
    fn new(title: &'static str, unit: Unit) -> Self {
        let lines = Vec::new();
        Self { title, unit, lines }
    }

    pub fn sizes(&self) -> impl Iterator<Item = f64> {
        self.lines[0].points.iter().map(|(size, _)| *size)
    }

    fn add(&mut self, size: f64, series: Vec<Series>) {
        for Series { name, samples } in series {
            let at = self.lines.iter().position(|line| line.name == name);
            let at = at.unwrap_or_else(|| {
                let points = Vec::new();
                self.lines.push(Line { name, points });
                self.lines.len() - 1
            });
            self.lines[at].points.push((size, Spread::of(samples)));
        }
    }
}

pub fn measure(bench: &Bench, start: Instant) -> Vec<Panel> {
    let mut of_history = [
        Panel::new("durable append, by history", PER_SECOND),
        Panel::new("replay by type, by history", MB_PER_SECOND),
        Panel::new("reopen and refresh, by history", MILLISECONDS),
        Panel::new("one event anywhere, by history", MICROSECONDS),
    ];
    let mut sizes = bench.scale(vec![1e6, 16e6, 128e6, 1e9], vec![1e6, 16e6]);
    if bench.options.huge {
        sizes.push(4e9);
    }
    for bytes in sizes {
        let shown = crate::table::size(bytes);
        eprintln!(
            "{:>5.0} s  {NAME}, history {shown}",
            start.elapsed().as_secs_f64()
        );
        let dir = bench.place.fresh();
        let history = History::build(bench, dir.path().to_owned(), bytes as u64);
        let sqlite = sqlite_with(bench, &history);
        bench.place.settle();
        of_history[0].add(bytes, durable(bench, &history, &sqlite));
        of_history[1].add(bytes, replay(bench, &history, &sqlite));
        of_history[2].add(bytes, reopen(bench, &history));
        of_history[3].add(bytes, point(bench, &history, &sqlite));
    }
    let mut of_event = [
        Panel::new("durable append, by size of event", PER_SECOND),
        Panel::new("buffered append, by size of event", MB_PER_SECOND),
        Panel::new("replay by type, by size of event", MB_PER_SECOND),
        Panel::new("replay as Value, by size of event", MB_PER_SECOND),
    ];
    let total = bench.scale(32_000_000, 4_000_000);
    for size in [100, 1000, 10_000, 100_000, 1_000_000] {
        let shown = crate::table::size(size as f64);
        eprintln!(
            "{:>5.0} s  {NAME}, event {shown}",
            start.elapsed().as_secs_f64()
        );
        let events = bench.events.of_size(size, total);
        let durable = append::durable_beside_sqlite(bench, &events, 20);
        of_event[0].add(size as f64, turns::take(bench.rounds(7), durable));
        of_event[1].add(size as f64, buffered(bench, &events));
        of_event[2].add(size as f64, by_type(bench, &events));
        of_event[3].add(size as f64, by_value(bench, &events));
    }
    of_history.into_iter().chain(of_event).collect()
}

struct OnDisk {
    sqlite: Sqlite,
    events: u64,
    _dir: tempfile::TempDir,
}

fn sqlite_with(bench: &Bench, history: &History) -> OnDisk {
    let dir = bench.place.fresh();
    let sqlite = Sqlite::open(dir.path(), Wait::System);
    let mut events = 0;
    for batch in bench.events.samples.chunks(500).cycle() {
        if events >= history.events {
            break;
        }
        sqlite.append(batch);
        events += batch.len() as u64;
    }
    drop(sqlite);
    OnDisk {
        sqlite: Sqlite::open(dir.path(), Wait::Disk),
        events,
        _dir: dir,
    }
}

fn durable(bench: &Bench, history: &History, on_disk: &OnDisk) -> Vec<Series> {
    let each = bench.scale(100, 40);
    let samples = || bench.events.endless().take(each);
    let rate = |seconds: f64| each as f64 / seconds;
    let mut log = EventWriter::open(&history.dir).unwrap();
    let contenders = vec![
        Contender::new(OURS, || {
            let append = |sample: &crate::events::Sample| {
                log.append(&sample.event).unwrap();
            };
            rate(timed(|| samples().for_each(append)).0)
        }),
        Contender::new("SQLite", || {
            let append = |sample| on_disk.sqlite.append(std::slice::from_ref(sample));
            rate(timed(|| samples().for_each(append)).0)
        }),
    ];
    turns::take(bench.rounds(9), contenders)
}

fn replay(bench: &Bench, history: &History, on_disk: &OnDisk) -> Vec<Series> {
    let rate = |seconds: f64| history.bytes as f64 / 1e6 / seconds;
    let contenders = vec![
        Contender::new(OURS, || rate(timed_again(|| ours_by_type(&history.dir)).0)),
        Contender::new("SQLite", || {
            rate(timed_again(|| on_disk.sqlite.count_types()).0)
        }),
        Contender::new(v0_2::NAME, || {
            rate(timed_again(|| by_value_0_2(&history.dir_0_2)).0)
        }),
    ];
    turns::take(bench.rounds(3), contenders)
}

fn reopen(bench: &Bench, history: &History) -> Vec<Series> {
    let contenders = vec![
        Contender::new(OURS, || refreshed(&history.dir)),
        Contender::new(v0_2::NAME, || refreshed_0_2(&history.dir_0_2)),
    ];
    turns::take(bench.rounds(9), contenders)
}

fn point(bench: &Bench, history: &History, on_disk: &OnDisk) -> Vec<Series> {
    let reader = EventReader::new(&history.dir);
    let reader_0_2 = eventfold_0_2::EventReader::new(&history.dir_0_2);
    let mut marks = history.marks.iter().cycle().step_by(37);
    let mut numbers = history
        .marks
        .iter()
        .map(|(number, _)| *number)
        .cycle()
        .step_by(37);
    let last = on_disk.events - 1;
    let mut numbers_0_2 = [0.5, 0.2, 0.8].into_iter().cycle();
    let contenders = vec![
        Contender::new(OURS, || {
            let (_, position) = marks.next().unwrap();
            1e6 * timed(|| {
                reader
                    .read_from(*position)
                    .unwrap()
                    .next()
                    .unwrap()
                    .unwrap()
            })
            .0
        }),
        Contender::new("SQLite", || {
            let number = numbers.next().unwrap().min(last);
            1e6 * timed(|| on_disk.sqlite.read(number)).0
        }),
        Contender::new(v0_2::NAME, || {
            let number = numbers_0_2.next().unwrap() * history.events as f64;
            1e6 * timed(|| v0_2::read(&reader_0_2, number as u64)).0
        }),
    ];
    turns::take(bench.rounds(3), contenders)
}

fn buffered(bench: &Bench, events: &Events) -> Vec<Series> {
    let contenders = vec![
        append::ours(bench, events, |sample| &sample.event),
        append::serde_json(bench, events),
        append::peer::<Sqlite>(bench, events, "SQLite"),
    ];
    turns::take(bench.rounds(5), contenders)
}

fn by_type(bench: &Bench, events: &Events) -> Vec<Series> {
    let log = Log::of(bench, events);
    let contenders = vec![
        log.replay(OURS, ours_by_type),
        log.scan(),
        log.peer::<Sqlite>("SQLite"),
    ];
    turns::take(bench.rounds(7), contenders)
}

fn by_value(bench: &Bench, events: &Events) -> Vec<Series> {
    let log = Log::of(bench, events);
    let contenders = vec![
        log.replay(OURS, ours_by_value),
        log.replay("serde_json", by_serde_json::<Value>),
        log.replay(v0_2::NAME, by_value_0_2),
    ];
    turns::take(bench.rounds(5), contenders)
}
