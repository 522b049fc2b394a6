//! Folding a log from its first event on. Its file is in the page cache.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use eventfold::{Event, EventReader, LogIterator, View};
use eventfold_0_2::EventReader as EventReader02;
use memchr::memchr_iter;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::append::filled;
use crate::bench::Bench;
use crate::events::Events;
use crate::history;
use crate::peers::fjall::Fjall;
use crate::peers::redb::Redb;
use crate::peers::sqlite::Sqlite;
use crate::peers::{Counts, Peer, count, v0_2};
use crate::row::{MB_PER_SECOND, OURS, Row, of_limit, of_peer};
use crate::turns::{self, Contender, timed_again};

pub fn by_type(bench: &Bench) -> Row {
    let log = Log::new(bench);
    let contenders = vec![
        log.replay(OURS, ours_by_type),
        log.scan(),
        log.peer::<Sqlite>("SQLite"),
        log.peer::<Redb>("redb"),
        log.peer::<Fjall>("fjall"),
        log.replay(v0_2::NAME, by_value_0_2),
        log.replay("borrowed serde", borrowed_by_type),
    ];
    let series = turns::take(bench.rounds(21), contenders);
    let work = "replay, looks at the type only";
    Row::new(work, MB_PER_SECOND, SCAN, series)
        .goal(of_limit(0.3))
        .goal(of_peer("SQLite", 2.5))
}

pub fn typed(bench: &Bench) -> Row {
    match bench.events.name.as_str() {
        "wikipedia-edits" => typed_as::<Edit>(bench),
        "football-matches" => typed_as::<Match>(bench),
        // Any object.
        _ => typed_as::<std::collections::BTreeMap<String, Value>>(bench),
    }
}

fn typed_as<D: DeserializeOwned>(bench: &Bench) -> Row {
    let log = Log::new(bench);
    let contenders = vec![
        log.replay(OURS, ours_typed::<D>),
        log.replay("serde_json", by_serde_json::<D>),
    ];
    let series = turns::take(bench.rounds(15), contenders);
    let work = "replay, data as a struct";
    Row::new(work, MB_PER_SECOND, "serde_json", series).goal(of_limit(0.95))
}

pub fn value(bench: &Bench) -> Row {
    let log = Log::new(bench);
    let contenders = vec![
        log.replay(OURS, ours_by_value),
        log.replay("serde_json", by_serde_json::<Value>),
        log.replay(v0_2::NAME, by_value_0_2),
    ];
    let series = turns::take(bench.rounds(15), contenders);
    let work = "replay, data as Value";
    Row::new(work, MB_PER_SECOND, "serde_json", series).goal(of_peer(v0_2::NAME, 1.2))
}

pub const SCAN: &str = "newline scan";

/// A log in which all events are, none of them archived.
pub struct Log<'a> {
    bench: &'a Bench,
    events: &'a Events,
    dir: tempfile::TempDir,
    /// As 0.2.0 would have left it.
    dir_0_2: tempfile::TempDir,
}

impl<'a> Log<'a> {
    pub fn new(bench: &'a Bench) -> Self {
        Self::of(bench, &bench.events)
    }

    pub fn of(bench: &'a Bench, events: &'a Events) -> Self {
        let (dir, dir_0_2) = (bench.place.fresh(), bench.place.fresh());
        for dir in [&dir, &dir_0_2] {
            history::lines(&dir.path().join("app.jsonl"), events, events.bytes);
        }
        Self {
            bench,
            events,
            dir,
            dir_0_2,
        }
    }

    pub fn replay<'l>(
        &'l self,
        name: &'static str,
        replay: impl Fn(&Path) -> Counts + 'l,
    ) -> Contender<'l> {
        let dir = match name {
            v0_2::NAME => &self.dir_0_2,
            _ => &self.dir,
        };
        Contender::new(name, move || {
            let (seconds, counts) = timed_again(|| replay(dir.path()));
            self.rate(seconds, counts.values().sum())
        })
    }

    pub fn scan(&self) -> Contender<'_> {
        Contender::new(SCAN, || {
            let (seconds, lines) = timed_again(|| scan(&self.dir.path().join("app.jsonl")));
            self.rate(seconds, lines)
        })
    }

    pub fn peer<'l, P: Peer + 'l>(&'l self, name: &'static str) -> Contender<'l> {
        let dir = self.bench.place.fresh();
        let peer: P = filled(dir.path(), self.events);
        Contender::new(name, move || {
            let _dir = &dir;
            let (seconds, counts) = timed_again(|| peer.count_types());
            self.rate(seconds, counts.values().sum())
        })
    }

    fn rate(&self, seconds: f64, counted: u64) -> f64 {
        assert_eq!(counted, self.events.samples.len() as u64);
        self.events.bytes as f64 / 1e6 / seconds
    }
}

/// Folds a view of what each event says beside its data.
pub fn ours_by_type(dir: &Path) -> Counts {
    let mut view = View::lazy("types", |mut counts: Counts, event| {
        count(&mut counts, event.event_type());
        Ok(counts)
    })
    .unwrap();
    view.rebuild(&EventReader::new(dir)).unwrap().clone()
}

pub fn ours_typed<D: DeserializeOwned>(dir: &Path) -> Counts {
    counted(EventReader::new(dir).read_full().unwrap().typed::<D>())
}

/// Folds a view of the events with all that they say.
pub fn ours_by_value(dir: &Path) -> Counts {
    let mut view = View::new("types", |mut counts: Counts, event: &Event| {
        count(&mut counts, &event.event_type);
        counts
    })
    .unwrap();
    view.rebuild(&EventReader::new(dir)).unwrap().clone()
}

fn counted<D: DeserializeOwned>(events: LogIterator<D>) -> Counts {
    let mut counts = Counts::new();
    for record in events {
        count(&mut counts, &record.unwrap().event.event_type);
    }
    counts
}

pub fn by_value_0_2(dir: &Path) -> Counts {
    let mut counts = Counts::new();
    for event in EventReader02::new(dir).read_full().unwrap() {
        count(&mut counts, &event.unwrap().0.event_type);
    }
    counts
}

/// The file is read in pieces as long as the longest that eventfold reads.
fn scan(path: &Path) -> u64 {
    let mut file = File::open(path).unwrap();
    let (mut piece, mut lines) = (vec![0; 1 << 20], 0);
    loop {
        match file.read(&mut piece).unwrap() {
            0 => return lines,
            n => lines += memchr_iter(b'\n', &piece[..n]).count() as u64,
        }
    }
}

/// All that an event holds, by serde alone.
#[derive(Deserialize)]
#[serde(bound = "D: DeserializeOwned")]
pub struct Parsed<D> {
    #[serde(rename = "type")]
    pub event_type: String,
    #[expect(dead_code, reason = "it is parsed")]
    data: D,
    #[expect(dead_code, reason = "it is parsed")]
    ts: u64,
    #[expect(dead_code, reason = "it is parsed")]
    id: Option<String>,
    #[expect(dead_code, reason = "it is parsed")]
    actor: Option<String>,
}

pub fn by_serde_json<D: DeserializeOwned>(dir: &Path) -> Counts {
    each_line(dir, |counts, line| {
        let event: Parsed<D> = serde_json::from_slice(line).unwrap();
        count(counts, &event.event_type);
    })
}

fn borrowed_by_type(dir: &Path) -> Counts {
    #[derive(Deserialize)]
    struct Event<'a> {
        #[serde(rename = "type")]
        event_type: &'a str,
    }
    each_line(dir, |counts, line| {
        let event: Event = serde_json::from_slice(line).unwrap();
        count(counts, event.event_type);
    })
}

fn each_line(dir: &Path, act: impl Fn(&mut Counts, &[u8])) -> Counts {
    let bytes = fs::read(dir.join("app.jsonl")).unwrap();
    let mut counts = Counts::new();
    let mut start = 0;
    for end in memchr_iter(b'\n', &bytes) {
        act(&mut counts, &bytes[start..end]);
        start = end + 1;
    }
    counts
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "it is parsed")]
struct Edit {
    time: String,
    channel: String,
    city_name: Option<String>,
    comment: String,
    country_iso_code: Option<String>,
    country_name: Option<String>,
    is_anonymous: bool,
    is_minor: bool,
    is_new: bool,
    is_robot: bool,
    is_unpatrolled: bool,
    metro_code: Option<u32>,
    namespace: String,
    page: String,
    region_iso_code: Option<String>,
    region_name: Option<String>,
    user: String,
    delta: i64,
    added: u64,
    deleted: u64,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "it is parsed")]
struct Match {
    date: String,
    home_team: String,
    away_team: String,
    home_score: Option<u32>,
    away_score: Option<u32>,
    tournament: Option<String>,
    city: Option<String>,
    country: Option<String>,
    neutral: Option<bool>,
    team: Option<String>,
    scorer: Option<String>,
    minute: Option<u32>,
    own_goal: Option<bool>,
    penalty: Option<bool>,
    winner: Option<String>,
    first_shooter: Option<String>,
}
