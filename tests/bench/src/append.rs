//! Appending by one thread.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::Path;

use eventfold::{Durability, Event, EventWriter};
use serde::Serialize;

use crate::bench::Bench;
use crate::events::{Events, Sample};
use crate::peers::fjall::Fjall;
use crate::peers::redb::Redb;
use crate::peers::sqlite::Sqlite;
use crate::peers::v0_2::{self, V0_2};
use crate::peers::{Peer, Wait};
use crate::row::{MB_PER_SECOND, OURS, PER_SECOND, Row, of_limit};
use crate::turns::{self, Contender, timed};

const BATCH: usize = 500;
const BUFFER: usize = 64 << 10;

const BARE: &str = "write+fdatasync";

pub fn durable(bench: &Bench) -> Row {
    let (events, count) = (&bench.events, bench.scale(100, 40));
    let mut contenders = durable_beside_sqlite(bench, events, count);
    contenders.extend([
        one_by_one(bench, events, count, v0_2::NAME, by::<V0_2>),
        one_by_one(bench, events, count, "redb", by::<Redb>),
        one_by_one(bench, events, count, "fjall", by::<Fjall>),
    ]);
    let series = turns::take(bench.rounds(25), contenders);
    let work = format!("{}, one at a time", bench.durable());
    Row::new(work, PER_SECOND, BARE, series).goal(of_limit(0.95))
}

pub fn durable_beside_sqlite<'a>(
    bench: &Bench,
    events: &'a Events,
    count: usize,
) -> Vec<Contender<'a>> {
    vec![
        one_by_one(bench, events, count, OURS, |dir| {
            let mut log = EventWriter::open(dir).unwrap();
            move |sample| {
                log.append(&sample.event).unwrap();
            }
        }),
        one_by_one(bench, events, count, BARE, |dir| {
            let mut file = appending(&dir.join("bare"));
            move |sample| {
                file.write_all(&sample.line).unwrap();
                file.sync_data().unwrap();
            }
        }),
        one_by_one(bench, events, count, "SQLite", by::<Sqlite>),
    ]
}

/// So many appends a turn to a log that grows, each waited for.
fn one_by_one<'a, A: FnMut(&Sample) + 'a>(
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

fn by<P: Peer>(dir: &Path) -> impl FnMut(&Sample) + use<P> {
    let peer = P::open(dir, Wait::Disk);
    move |sample| peer.append(std::slice::from_ref(sample))
}

pub fn event(bench: &Bench) -> Row {
    let work = "buffered append, one Event a call";
    let contenders = vec![
        all(bench, OURS, |dir, events| {
            let mut log = EventWriter::open(dir).unwrap();
            for sample in &events.samples {
                log.append_with(&sample.event, Durability::Buffered)
                    .unwrap();
            }
        }),
        serde_json(bench, |sample| &sample.event),
    ];
    buffered(bench, work, "serde_json", 1.0, contenders)
}

pub fn batch(bench: &Bench) -> Row {
    let work = format!("buffered append, batches of {BATCH} Events");
    let contenders = vec![
        ours_in_batches(bench, |sample| &sample.event),
        serde_json(bench, |sample| &sample.event),
    ];
    buffered(bench, &work, "serde_json", 1.0, contenders)
}

pub fn json(bench: &Bench) -> Row {
    let work = "buffered append, batches, data already JSON";
    let contenders = vec![
        ours_in_batches(bench, |sample| &sample.json),
        all(bench, "bare bytes", |dir, events| {
            let file = appending(&dir.join("bare"));
            let mut file = BufWriter::with_capacity(BUFFER, file);
            for sample in &events.samples {
                file.write_all(&sample.line).unwrap();
            }
            file.into_inner().unwrap();
        }),
    ];
    buffered(bench, work, "bare bytes", 0.7, contenders)
}

fn buffered<'a>(
    bench: &'a Bench,
    work: &str,
    limit: &str,
    bound: f64,
    mut contenders: Vec<Contender<'a>>,
) -> Row {
    contenders.extend([
        peer_in_batches::<Sqlite>(bench, "SQLite"),
        peer_in_batches::<Redb>(bench, "redb"),
        peer_in_batches::<Fjall>(bench, "fjall"),
    ]);
    let series = turns::take(bench.rounds(15), contenders);
    Row::new(work, MB_PER_SECOND, limit, series).goal(of_limit(bound))
}

/// All events into a new log, which is opened and closed too.
pub fn all<'a>(
    bench: &'a Bench,
    name: &'static str,
    append: impl Fn(&Path, &Events) + 'a,
) -> Contender<'a> {
    of_all(bench, &bench.events, name, append)
}

pub fn of_all<'a>(
    bench: &'a Bench,
    events: &'a Events,
    name: &'static str,
    append: impl Fn(&Path, &Events) + 'a,
) -> Contender<'a> {
    Contender::new(name, move || {
        let dir = bench.place.fresh();
        let (seconds, ()) = timed(|| append(dir.path(), events));
        events.bytes as f64 / 1e6 / seconds
    })
}

fn ours_in_batches<'a, D: Serialize + 'a>(
    bench: &'a Bench,
    form: fn(&Sample) -> &Event<D>,
) -> Contender<'a> {
    all(bench, OURS, move |dir, events| ours(dir, events, form))
}

pub fn ours<D: Serialize>(dir: &Path, events: &Events, form: fn(&Sample) -> &Event<D>) {
    let mut log = EventWriter::open(dir)
        .unwrap()
        .with_durability(Durability::Buffered);
    for batch in events.samples.chunks(BATCH) {
        log.append_batch(batch.iter().map(form)).unwrap();
    }
}

fn serde_json<'a, T: Serialize + 'a>(bench: &'a Bench, form: fn(&Sample) -> &T) -> Contender<'a> {
    all(bench, "serde_json", move |dir, events| {
        with_serde_json(dir, events, form)
    })
}

pub fn with_serde_json<T: Serialize>(dir: &Path, events: &Events, form: fn(&Sample) -> &T) {
    let file = appending(&dir.join("bare"));
    let mut file = BufWriter::with_capacity(BUFFER, file);
    for sample in &events.samples {
        serde_json::to_writer(&mut file, form(sample)).unwrap();
        file.write_all(b"\n").unwrap();
    }
    file.into_inner().unwrap();
}

fn peer_in_batches<'a, P: Peer + 'a>(bench: &'a Bench, name: &'static str) -> Contender<'a> {
    all(bench, name, peer::<P>)
}

pub fn peer<P: Peer>(dir: &Path, events: &Events) {
    drop(filled::<P>(dir, events));
}

/// A peer that holds these events.
pub fn filled<P: Peer>(dir: &Path, events: &Events) -> P {
    let peer = P::open(dir, Wait::System);
    events
        .samples
        .chunks(BATCH)
        .for_each(|batch| peer.append(batch));
    peer.flush();
    peer
}

fn appending(path: &Path) -> File {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .unwrap()
}
