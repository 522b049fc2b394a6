//! Appends that are awaited, and tails that are streams.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by them"
)]

use std::fs::OpenOptions;
use std::future::Future;
use std::io::Write as _;
use std::path::Path;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use eventfold::{Error, Event, EventReader, EventStream, EventWriter, SharedWriter};
use futures::executor::block_on;
use futures::stream::{Stream, StreamExt as _};
use serde_json::json;

fn shared(dir: &Path) -> SharedWriter {
    SharedWriter::new(EventWriter::open(dir).unwrap())
}

fn numbers(dir: &Path) -> Vec<u64> {
    let events = EventReader::new(dir).read_full().unwrap().typed();
    events.map(|record| record.unwrap().event.data).collect()
}

#[test]
fn many_tasks_append_and_each_event_is_there_once_over_rotations() {
    let dir = tempfile::tempdir().unwrap();
    let writer = shared(dir.path());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    let tasks: Vec<_> = (0..64_u64)
        .map(|task| {
            let writer = writer.clone();
            runtime.spawn(async move {
                let mut positions = Vec::new();
                for n in 0..20 {
                    let event = Event::at(1, "n", task * 20 + n);
                    positions.push(writer.submit(&event).unwrap().await.unwrap().position);
                    if task == 0 && n % 5 == 4 {
                        writer.with(EventWriter::rotate).unwrap();
                    }
                }
                positions
            })
        })
        .collect();
    let mut positions = Vec::new();
    for task in tasks {
        positions.extend(runtime.block_on(task).unwrap());
    }
    let stats = writer.with(|writer| writer.stats());
    assert_eq!(stats.events, 1280);
    assert!(stats.syncs < 1280, "{} syncs", stats.syncs);
    let mut found = numbers(dir.path());
    found.sort_unstable();
    assert_eq!(found, (0..1280).collect::<Vec<u64>>());
    positions.sort_unstable();
    let stored = EventReader::new(dir.path()).read_full().unwrap();
    let stored: Vec<u64> = stored.map(|record| record.unwrap().position).collect();
    assert_eq!(positions, stored);
}

#[test]
fn tasks_and_threads_append_together() {
    let dir = tempfile::tempdir().unwrap();
    let writer = shared(dir.path());
    thread::scope(|scope| {
        for thread in 0..8_u64 {
            let writer = &writer;
            scope.spawn(move || {
                for n in 0..50 {
                    let receipt = writer.submit(&Event::at(1, "n", thread * 50 + n)).unwrap();
                    match thread % 2 {
                        0 => receipt.wait().unwrap(),
                        _ => block_on(receipt).unwrap(),
                    };
                }
            });
        }
    });
    let mut found = numbers(dir.path());
    found.sort_unstable();
    assert_eq!(found, (0..400).collect::<Vec<u64>>());
}

#[test]
fn a_future_that_is_dropped_takes_nothing_back() {
    let dir = tempfile::tempdir().unwrap();
    let writer = shared(dir.path());
    let mut context = Context::from_waker(Waker::noop());
    for polled in [true, false] {
        let mut receipt = writer
            .submit(&Event::at(1, "n", u64::from(polled)))
            .unwrap();
        if polled {
            let _ = pin!(&mut receipt).poll(&mut context);
        }
        drop(receipt);
    }
    block_on(writer.submit(&Event::at(1, "n", 2_u64)).unwrap()).unwrap();
    assert_eq!(numbers(dir.path()), [1, 0, 2]);
}

#[test]
fn every_task_that_waits_is_told_of_a_failure() {
    let dir = tempfile::tempdir().unwrap();
    let writer = shared(dir.path());
    let receipts: Vec<_> = (0..5_u64)
        .map(|n| writer.submit(&Event::at(1, "n", n)).unwrap())
        .collect();
    // Somebody who takes no lock.
    let path = dir.path().join("app.jsonl");
    let mut log = OpenOptions::new().append(true).open(path).unwrap();
    log.write_all(b"{}\n").unwrap();
    for receipt in receipts {
        let error = block_on(receipt).unwrap_err();
        assert!(
            matches!(Error::of(&error), Some(Error::Poisoned { .. })),
            "{error}"
        );
    }
}

/// Counts how often it was woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Woken {
    fn wait(&self) {
        let start = Instant::now();
        while self.0.load(Ordering::SeqCst) == 0 {
            assert!(
                start.elapsed() < Duration::from_secs(60),
                "nobody was woken"
            );
            thread::sleep(Duration::from_millis(1));
        }
    }
}

#[test]
fn the_waker_of_the_last_poll_is_woken() {
    let dir = tempfile::tempdir().unwrap();
    let writer = shared(dir.path());
    let mut receipt = writer.submit(&Event::at(1, "n", 1_u64)).unwrap();
    let wakers = [(); 2].map(|()| Arc::new(Woken::default()));
    // Nothing is written while the writer is in use.
    writer.with(|_| {
        for woken in &wakers {
            let waker = Waker::from(woken.clone());
            let mut context = Context::from_waker(&waker);
            assert!(Pin::new(&mut receipt).poll(&mut context).is_pending());
        }
    });
    wakers[1].wait();
    assert_eq!(block_on(receipt).unwrap().position, 0);
}

fn tail(dir: &Path) -> EventStream<u64> {
    let events = EventReader::new(dir).read_full().unwrap();
    events.typed().into_stream()
}

#[test]
fn a_stream_gives_what_is_there_and_what_comes_over_rotations_and_another_writer() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = EventWriter::open(dir.path()).unwrap();
    for n in 0..10_u64 {
        writer.append(&Event::at(1, "n", n)).unwrap();
    }
    let mut events = tail(dir.path());
    let thread = thread::spawn(move || {
        let collected = (0..60).map(|_| block_on(events.next()).unwrap().unwrap().event.data);
        collected.collect::<Vec<u64>>()
    });
    for n in 10..60_u64 {
        if n % 10 == 5 {
            writer.rotate().unwrap();
        }
        if n == 30 {
            drop(writer);
            writer = EventWriter::open(dir.path()).unwrap();
        }
        writer.append(&Event::at(1, "n", n)).unwrap();
        thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(thread.join().unwrap(), (0..60).collect::<Vec<u64>>());
}

#[test]
fn streams_of_one_reader_are_all_woken_also_when_one_is_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = EventWriter::open(dir.path()).unwrap();
    let reader = EventReader::new(dir.path());
    let mut streams: Vec<_> = (0..4)
        .map(|_| {
            reader
                .clone()
                .read_full()
                .unwrap()
                .typed::<u64>()
                .into_stream()
        })
        .collect();
    let woken: Vec<Arc<Woken>> = streams.iter().map(|_| Arc::default()).collect();
    for (stream, woken) in streams.iter_mut().zip(&woken) {
        let waker = Waker::from(woken.clone());
        let polled = Pin::new(stream).poll_next(&mut Context::from_waker(&waker));
        assert!(polled.is_pending());
    }
    drop(streams.remove(0));
    writer.append(&Event::at(1, "n", 7_u64)).unwrap();
    for (stream, woken) in streams.iter_mut().zip(&woken[1..]) {
        woken.wait();
        assert_eq!(block_on(stream.next()).unwrap().unwrap().event.data, 7);
    }
}

#[test]
fn a_stream_passes_damage_and_ends_after_an_error_that_it_cannot_pass() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = EventWriter::open(dir.path()).unwrap();
    writer.append(&Event::at(1, "n", 1_u64)).unwrap();
    writer
        .append(&Event::at(1, "n", json!("no number")))
        .unwrap();
    writer.append(&Event::at(1, "n", 3_u64)).unwrap();
    let mut events = tail(dir.path());
    assert_eq!(block_on(events.next()).unwrap().unwrap().event.data, 1);
    assert!(block_on(events.next()).unwrap().is_err());
    assert_eq!(block_on(events.next()).unwrap().unwrap().event.data, 3);

    let beyond = EventReader::new(dir.path()).read_from(9999).unwrap();
    let mut beyond = beyond.into_stream();
    assert!(block_on(beyond.next()).unwrap().is_err());
    assert!(block_on(beyond.next()).is_none());
    let waits = Pin::new(&mut events).poll_next(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(waits, Poll::Pending));
}

/// As some executors do with a task of their own thread.
#[test]
fn a_task_may_be_polled_by_who_wakes_it() {
    struct Task(Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            let waker = Waker::from(self.clone());
            let mut future = self.0.lock().unwrap();
            if let Some(task) = future.as_mut()
                && task
                    .as_mut()
                    .poll(&mut Context::from_waker(&waker))
                    .is_ready()
            {
                *future = None;
            }
        }
    }

    let dir = tempfile::tempdir().unwrap();
    let writer = shared(dir.path());
    let (done, finished) = mpsc::channel();
    let task = async move {
        for n in 0..3 {
            writer.submit(&Event::at(1, "n", n)).unwrap().await.unwrap();
        }
        done.send(()).unwrap();
    };
    Arc::new(Task(Mutex::new(Some(Box::pin(task))))).wake();
    finished.recv_timeout(Duration::from_secs(60)).unwrap();
    assert_eq!(numbers(dir.path()), [0, 1, 2]);
}

#[test]
fn when_the_last_handle_is_gone_what_was_given_is_written_and_the_lock_is_free() {
    let dir = tempfile::tempdir().unwrap();
    for n in 0..200 {
        let writer = shared(dir.path());
        block_on(writer.submit(&Event::at(1, "n", 2 * n)).unwrap()).unwrap();
        drop(writer.submit(&Event::at(1, "n", 2 * n + 1)).unwrap());
        drop(writer);
    }
    assert_eq!(numbers(dir.path()), (0..400).collect::<Vec<_>>());
}
