//! Many durable appends under way at a time: by threads that share one writer, each waiting for
//! its own event, and by one thread that waits later.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use eventfold::{EventWriter, Receipt, SharedWriter};

use crate::append::{self, appending};
use crate::bench::Bench;
use crate::events::Sample;
use crate::peers::fjall::Fjall;
use crate::peers::redb::Redb;
use crate::peers::sqlite::Sqlite;
use crate::peers::v0_2::{self, V0_2};
use crate::peers::{Peer, Wait};
use crate::row::{OURS, PER_SECOND, Row, of_peer};
use crate::turns::{self, Contender, timed};

const IN_FLIGHT: usize = 64;

pub fn durable(bench: &Bench) -> Row {
    let dir = bench.place.fresh();
    let log = SharedWriter::new(EventWriter::open(dir.path()).unwrap());
    let contenders = vec![
        // As long a turn as the peers'.
        by_threads(bench, OURS, bench.scale(128, 64), |sample| {
            log.append(&sample.event).unwrap();
        }),
        together(bench),
        peer::<V0_2>(bench, v0_2::NAME),
        peer::<Sqlite>(bench, "SQLite"),
        peer::<Redb>(bench, "redb"),
        peer::<Fjall>(bench, "fjall"),
    ];
    let series = turns::take(bench.rounds(16), contenders);
    let work = format!("{}, {IN_FLIGHT} threads", bench.durable());
    with_goals(Row::new(work, PER_SECOND, TOGETHER, series))
}

/// One thread, which waits for an event when as many more are on their way. Peers, which have no
/// such thing, append one after the other.
pub fn receipts(bench: &Bench) -> Row {
    let dir = bench.place.fresh();
    let log = SharedWriter::new(EventWriter::open(dir.path()).unwrap());
    let mut samples = bench.events.endless();
    let count = IN_FLIGHT * 4;
    let ours = move || {
        let some = samples.by_ref().take(count);
        let (seconds, ()) = timed(|| submit_all(&log, some, IN_FLIGHT));
        count as f64 / seconds
    };
    let contenders = vec![
        Contender::new(OURS, ours),
        together(bench),
        append::one_by_one::<V0_2>(bench, v0_2::NAME),
        append::one_by_one::<Sqlite>(bench, "SQLite"),
    ];
    let series = turns::take(bench.rounds(150), contenders);
    let work = format!("{}, {IN_FLIGHT} receipts", bench.durable());
    with_goals(Row::new(work, PER_SECOND, TOGETHER, series))
}

/// Gives each event by itself, and waits for it when so many more are on their way.
pub fn submit_all<'s>(
    log: &SharedWriter,
    samples: impl IntoIterator<Item = &'s Sample>,
    in_flight: usize,
) {
    let mut receipts: VecDeque<Receipt> = VecDeque::new();
    for sample in samples {
        if receipts.len() == in_flight {
            receipts.pop_front().unwrap().wait().unwrap();
        }
        receipts.push_back(log.submit(&sample.event).unwrap());
    }
    for receipt in receipts {
        receipt.wait().unwrap();
    }
}

fn with_goals(row: Row) -> Row {
    row.goal(of_peer(v0_2::NAME, 15.0))
        .goal(of_peer("SQLite", 10.0))
}

/// So many appends by each thread, from where the first begins to where the last ends: that threads
/// start and end is not measured.
fn by_threads<'a>(
    bench: &'a Bench,
    name: &'static str,
    each: usize,
    append: impl Fn(&Sample) + Sync + 'a,
) -> Contender<'a> {
    Contender::new(name, move || {
        let ready = Barrier::new(IN_FLIGHT);
        let thread = |number: usize| {
            let samples = bench.events.endless().skip(number * each).take(each);
            let (ready, append) = (&ready, &append);
            move || {
                ready.wait();
                let begin = Instant::now();
                samples.for_each(append);
                (begin, Instant::now())
            }
        };
        let (begins, ends): (Vec<_>, Vec<_>) = thread::scope(|scope| {
            let threads: Vec<_> = (0..IN_FLIGHT)
                .map(|number| scope.spawn(thread(number)))
                .collect();
            let joined = threads.into_iter().map(|thread| thread.join().unwrap());
            joined.unzip()
        });
        let (begin, end) = (begins.iter().min().unwrap(), ends.iter().max().unwrap());
        (IN_FLIGHT * each) as f64 / (*end - *begin).as_secs_f64()
    })
}

fn peer<'a, P: Peer + 'a>(bench: &'a Bench, name: &'static str) -> Contender<'a> {
    let dir = bench.place.fresh();
    let peer = P::open(dir.path(), Wait::Disk);
    by_threads(bench, name, bench.scale(16, 8), move |sample| {
        let _dir = &dir;
        peer.append(std::slice::from_ref(sample));
    })
}

const TOGETHER: &str = "64 a fdatasync";

/// The lines of as many events in one write and one sync, by one thread.
fn together(bench: &Bench) -> Contender<'_> {
    let dir = bench.place.fresh();
    let mut file = appending(&dir.path().join("bare"));
    let mut samples = bench.events.endless();
    let times = 4;
    Contender::new(TOGETHER, move || {
        let _dir = &dir;
        let lines: Vec<Vec<u8>> = (0..times)
            .map(|_| {
                let some = samples.by_ref().take(IN_FLIGHT);
                some.flat_map(|sample| &sample.line).copied().collect()
            })
            .collect();
        let (seconds, ()) = timed(|| {
            for lines in &lines {
                file.write_all(lines).unwrap();
                file.sync_data().unwrap();
            }
        });
        (IN_FLIGHT * times) as f64 / seconds
    })
}
