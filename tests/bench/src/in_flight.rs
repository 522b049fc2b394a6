//! Appending by many threads that share one writer: each waits until its own event is durable.

use std::fs::OpenOptions;
use std::io::Write;
use std::sync::{Barrier, Mutex};
use std::thread;

use eventfold::EventWriter;

use crate::bench::Bench;
use crate::events::Sample;
use crate::peers::fjall::Fjall;
use crate::peers::redb::Redb;
use crate::peers::sqlite::Sqlite;
use crate::peers::v0_2::{self, V0_2};
use crate::peers::{Peer, Wait};
use crate::row::{OURS, PER_SECOND, Row, of_peer};
use crate::turns::{self, Contender, timed};

const THREADS: usize = 64;

pub fn durable(bench: &Bench) -> Row {
    let dir = bench.place.fresh();
    let log = Mutex::new(EventWriter::open(dir.path()).unwrap());
    let ours = move |sample: &Sample| {
        log.lock().unwrap().append(&sample.event).unwrap();
    };
    let contenders = vec![
        by_threads(bench, OURS, ours),
        together(bench),
        peer::<V0_2>(bench, v0_2::NAME),
        peer::<Sqlite>(bench, "SQLite"),
        peer::<Redb>(bench, "redb"),
        peer::<Fjall>(bench, "fjall"),
    ];
    let series = turns::take(bench.rounds(11), contenders);
    let work = format!("{}, {THREADS} in flight", bench.durable());
    Row::new(work, PER_SECOND, TOGETHER, series)
        .goal(of_peer(v0_2::NAME, 15.0))
        .goal(of_peer("SQLite", 10.0))
}

fn by_threads<'a>(
    bench: &'a Bench,
    name: &'static str,
    append: impl Fn(&Sample) + Sync + 'a,
) -> Contender<'a> {
    let each = bench.scale(16, 4);
    Contender::new(name, move || {
        let ready = Barrier::new(THREADS + 1);
        let threads = |number: usize| {
            let samples = bench.events.endless().skip(number * each).take(each);
            let (ready, append) = (&ready, &append);
            move || {
                ready.wait();
                samples.for_each(append);
            }
        };
        let seconds = thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS)
                .map(|number| scope.spawn(threads(number)))
                .collect();
            ready.wait();
            timed(|| {
                threads
                    .into_iter()
                    .for_each(|thread| thread.join().unwrap())
            })
            .0
        });
        (THREADS * each) as f64 / seconds
    })
}

fn peer<'a, P: Peer + 'a>(bench: &'a Bench, name: &'static str) -> Contender<'a> {
    let dir = bench.place.fresh();
    let peer = P::open(dir.path(), Wait::Disk);
    by_threads(bench, name, move |sample| {
        let _dir = &dir;
        peer.append(std::slice::from_ref(sample));
    })
}

const TOGETHER: &str = "64 a fdatasync";

/// The lines of as many events in one write and one sync, by one thread.
fn together(bench: &Bench) -> Contender<'_> {
    let dir = bench.place.fresh();
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(dir.path().join("bare"))
        .unwrap();
    let mut samples = bench.events.endless();
    let times = 10;
    Contender::new(TOGETHER, move || {
        let _dir = &dir;
        let lines: Vec<Vec<u8>> = (0..times)
            .map(|_| {
                let some = samples.by_ref().take(THREADS);
                some.flat_map(|sample| &sample.line).copied().collect()
            })
            .collect();
        let (seconds, ()) = timed(|| {
            for lines in &lines {
                file.write_all(lines).unwrap();
                file.sync_data().unwrap();
            }
        });
        (THREADS * times) as f64 / seconds
    })
}
