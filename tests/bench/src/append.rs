//! Appending by one thread.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::Path;

use eventfold::{Durability, Event, EventWriter, SharedWriter};
use serde::Serialize;

use crate::bench::Bench;
use crate::events::{Events, Sample};
use crate::in_flight::submit_all;
use crate::peers::fjall::Fjall;
use crate::peers::redb::Redb;
use crate::peers::sqlite::Sqlite;
use crate::peers::v0_2::{self, V0_2};
use crate::peers::{Peer, Wait};
use crate::row::{Goal, MB_PER_SECOND, OURS, PER_SECOND, Row, of_limit, of_peer};
use crate::turns::{self, Contender, timed};

const BATCH: usize = 500;
const BUFFER: usize = 64 << 10;

const BARE: &str = "write+fdatasync";

pub fn durable(bench: &Bench) -> Row {
    let count = per_turn(bench);
    let mut contenders = durable_beside_sqlite(bench, &bench.events, count);
    contenders.extend([
        one_by_one::<V0_2>(bench, v0_2::NAME),
        one_by_one::<Redb>(bench, "redb"),
        one_by_one::<Fjall>(bench, "fjall"),
    ]);
    let series = turns::take(bench.rounds(200), contenders);
    let work = format!("{}, one at a time", bench.durable());
    Row::new(work, PER_SECOND, BARE, series).goal(of_limit(0.95))
}

pub fn durable_beside_sqlite<'a>(
    bench: &Bench,
    events: &'a Events,
    count: usize,
) -> Vec<Contender<'a>> {
    vec![
        each(bench, events, count, OURS, |dir| {
            let mut log = EventWriter::open(dir).unwrap();
            move |sample| {
                log.append(&sample.event).unwrap();
            }
        }),
        each(bench, events, count, BARE, |dir| {
            let mut file = appending(&dir.join("bare"));
            move |sample| {
                file.write_all(&sample.line).unwrap();
                file.sync_data().unwrap();
            }
        }),
        each(bench, events, count, "SQLite", by::<Sqlite>),
    ]
}

/// So many appends a turn to a log that grows, each waited for.
fn each<'a, A: FnMut(&Sample) + 'a>(
    bench: &Bench,
    events: &'a Events,
    count: usize,
    name: &'static str,
    open: impl FnOnce(&Path) -> A,
) -> Contender<'a> {
    let dir = bench.place.fresh();
    let mut append = open(dir.path());
    let mut samples = events.endless();
    Contender::new(name, move || {
        let _dir = &dir;
        let (seconds, ()) = timed(|| samples.by_ref().take(count).for_each(&mut append));
        count as f64 / seconds
    })
}

pub fn one_by_one<'a, P: Peer + 'a>(bench: &'a Bench, name: &'static str) -> Contender<'a> {
    each(bench, &bench.events, per_turn(bench), name, by::<P>)
}

fn per_turn(bench: &Bench) -> usize {
    bench.scale(10, 20)
}

fn by<P: Peer>(dir: &Path) -> impl FnMut(&Sample) + use<P> {
    let peer = P::open(dir, Wait::Disk);
    move |sample| peer.append(std::slice::from_ref(sample))
}

/// Each event outlives the process when its append returned, which takes a write an event.
pub fn event(bench: &Bench) -> Row {
    let one_by_one = |dir: &Path| {
        let mut log = buffering(dir);
        move |events: &Events| {
            for sample in &events.samples {
                log.append(&sample.event).unwrap();
            }
        }
    };
    let bare = |dir: &Path| {
        let (mut file, mut line) = (appending(&dir.join("bare")), Vec::new());
        move |events: &Events| {
            for sample in &events.samples {
                line.clear();
                serde_json::to_writer(&mut line, &sample.event).unwrap();
                line.push(b'\n');
                file.write_all(&line).unwrap();
            }
        }
    };
    let contenders = vec![
        all(bench, &bench.events, OURS, one_by_one),
        all(bench, &bench.events, WRITES, bare),
        serde_json(bench, &bench.events),
    ];
    let work = "buffered append, one Event a call";
    buffered(bench, work, WRITES, of_peer(SERDE_JSON, 1.0), contenders)
}

/// One event a call too, each waited for when as many more are on their way.
pub fn submitted(bench: &Bench) -> Row {
    let receipts = |dir: &Path| {
        let log = SharedWriter::new(buffering(dir));
        move |events: &Events| submit_all(&log, &events.samples, BATCH)
    };
    let contenders = vec![
        all(bench, &bench.events, OURS, receipts),
        serde_json(bench, &bench.events),
    ];
    let work = format!("buffered append, {BATCH} receipts");
    buffered(bench, &work, SERDE_JSON, of_limit(1.0), contenders)
}

pub fn batch(bench: &Bench) -> Row {
    let contenders = vec![
        ours(bench, &bench.events, |sample| &sample.event),
        serde_json(bench, &bench.events),
    ];
    let work = format!("buffered append, batches of {BATCH} Events");
    buffered(bench, &work, SERDE_JSON, of_limit(1.0), contenders)
}

pub fn json(bench: &Bench) -> Row {
    let bare_bytes = |dir: &Path| {
        let mut file = BufWriter::with_capacity(BUFFER, appending(&dir.join("bare")));
        move |events: &Events| {
            for sample in &events.samples {
                file.write_all(&sample.line).unwrap();
            }
            file.flush().unwrap();
        }
    };
    let contenders = vec![
        ours(bench, &bench.events, |sample| &sample.json),
        all(bench, &bench.events, BARE_BYTES, bare_bytes),
    ];
    let work = "buffered append, batches, data already JSON";
    buffered(bench, work, BARE_BYTES, of_limit(0.7), contenders)
}

const SERDE_JSON: &str = "serde_json";
const WRITES: &str = "serde_json+write";
const BARE_BYTES: &str = "bare bytes";

fn buffered<'a>(
    bench: &'a Bench,
    work: &str,
    limit: &str,
    goal: Goal,
    mut contenders: Vec<Contender<'a>>,
) -> Row {
    contenders.extend([
        peer::<Sqlite>(bench, &bench.events, "SQLite"),
        peer::<Redb>(bench, &bench.events, "redb"),
        peer::<Fjall>(bench, &bench.events, "fjall"),
    ]);
    let series = turns::take(bench.rounds(15), contenders);
    Row::new(work, MB_PER_SECOND, limit, series).goal(goal)
}

fn buffering(dir: &Path) -> EventWriter {
    let log = EventWriter::open(dir).unwrap();
    log.with_durability(Durability::Buffered)
}

/// All events into a new log each turn.
fn all<'a, A: FnMut(&Events)>(
    bench: &'a Bench,
    events: &'a Events,
    name: &'static str,
    open: impl Fn(&Path) -> A + 'a,
) -> Contender<'a> {
    Contender::new(name, move || {
        let dir = bench.place.fresh();
        let mut append = open(dir.path());
        let (seconds, ()) = timed(|| append(events));
        events.bytes as f64 / 1e6 / seconds
    })
}

pub fn ours<'a, D: Serialize + 'a>(
    bench: &'a Bench,
    events: &'a Events,
    form: fn(&Sample) -> &Event<D>,
) -> Contender<'a> {
    all(bench, events, OURS, move |dir| {
        let mut log = buffering(dir);
        move |events: &Events| {
            for batch in events.samples.chunks(BATCH) {
                log.append_batch(batch.iter().map(form)).unwrap();
            }
        }
    })
}

pub fn serde_json<'a>(bench: &'a Bench, events: &'a Events) -> Contender<'a> {
    all(bench, events, SERDE_JSON, |dir| {
        let mut file = BufWriter::with_capacity(BUFFER, appending(&dir.join("bare")));
        move |events: &Events| {
            for sample in &events.samples {
                serde_json::to_writer(&mut file, &sample.event).unwrap();
                file.write_all(b"\n").unwrap();
            }
            file.flush().unwrap();
        }
    })
}

pub fn peer<'a, P: Peer + 'a>(
    bench: &'a Bench,
    events: &'a Events,
    name: &'static str,
) -> Contender<'a> {
    all(bench, events, name, |dir| {
        let peer = P::open(dir, Wait::System);
        move |events: &Events| fill(&peer, events)
    })
}

/// A peer that holds these events.
pub fn filled<P: Peer>(dir: &Path, events: &Events) -> P {
    let peer = P::open(dir, Wait::System);
    fill(&peer, events);
    peer
}

fn fill(peer: &impl Peer, events: &Events) {
    for batch in events.samples.chunks(BATCH) {
        peer.append(batch);
    }
    peer.flush();
}

pub fn appending(path: &Path) -> File {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .unwrap()
}
