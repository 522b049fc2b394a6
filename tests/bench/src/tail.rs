//! From an append in one process to the event in another, and what waiting costs.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::FileExt;
use std::process::{Child, ChildStdin};
use std::thread;
use std::time::Duration;

use eventfold::{EventLog, EventReader};
use rustix::fs::inotify;

use crate::bench::Bench;
use crate::child;
use crate::history;
use crate::peers::v0_2;
use crate::row::{MICROSECONDS, OURS, Row, Unit, of_itself, of_limit};
use crate::turns::{self, Contender};

const SOON: Duration = Duration::from_secs(10);
const INOTIFY: &str = "bare inotify";

pub fn latency(bench: &Bench) -> Row {
    let contenders = vec![ours(bench), bare(bench), old(bench)];
    let series = turns::take(bench.rounds(300), contenders);
    let work = "append to event in another process";
    Row::new(work, MICROSECONDS, INOTIFY, series).goal(of_limit(2.0))
}

fn ours(bench: &Bench) -> Contender<'_> {
    let dir = bench.place.fresh();
    let mut appender = Appender::start("append", dir.path());
    let mut events = EventReader::new(dir.path()).read_full().unwrap();
    Contender::new(OURS, move || {
        let _dir = &dir;
        appender.tell();
        let event = events.wait_next(SOON).unwrap().unwrap().event;
        microseconds_since(child::at(&event.data))
    })
}

/// A blocking read of the notification, and a read of the file.
fn bare(bench: &Bench) -> Contender<'_> {
    let dir = bench.place.fresh();
    let mut appender = Appender::start("append-bare", dir.path());
    let notifications = inotify::init(inotify::CreateFlags::empty()).unwrap();
    inotify::add_watch(&notifications, dir.path(), inotify::WatchFlags::MODIFY).unwrap();
    let mut notifications = File::from(notifications);
    let file = File::open(dir.path().join("app.jsonl")).unwrap();
    let (mut notification, mut line, mut offset) = ([0; 4096], [0; 64], 0);
    Contender::new(INOTIFY, move || {
        let _dir = &dir;
        appender.tell();
        assert!(notifications.read(&mut notification).unwrap() > 0);
        let n = file.read_at(&mut line, offset).unwrap();
        offset += n as u64;
        let at = std::str::from_utf8(&line[..n]).unwrap();
        microseconds_since(at.trim_end().parse().unwrap())
    })
}

fn old(bench: &Bench) -> Contender<'_> {
    let dir = bench.place.fresh();
    let mut appender = Appender::start("append-0.2.0", dir.path());
    let reader = eventfold_0_2::EventReader::new(dir.path());
    let mut offset = 0;
    Contender::new(v0_2::NAME, move || {
        let _dir = &dir;
        appender.tell();
        // It ends on any change, also for half a line.
        let (event, next, _hash) = loop {
            if let Some(event) = reader.read_from(offset).unwrap().next() {
                break event.unwrap();
            }
            reader.wait_for_events(offset, SOON).unwrap();
        };
        offset = next;
        microseconds_since(child::at(&event.data))
    })
}

fn microseconds_since(at: u64) -> f64 {
    (child::now() - at) as f64 / 1e3
}

/// A process that appends when it is told.
struct Appender {
    child: Child,
    told: ChildStdin,
}

impl Appender {
    fn start(role: &str, dir: &std::path::Path) -> Self {
        let mut child = child::start(role, dir);
        let mut ready = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut ready).unwrap();
        assert_eq!(ready, "ready\n");
        let told = child.stdin.take().unwrap();
        Self { child, told }
    }

    fn tell(&mut self) {
        self.told.write_all(b"\n").unwrap();
    }
}

impl Drop for Appender {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

fn end(child: &mut Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

const SHARE: Unit = Unit {
    name: "µs CPU/s",
    more: false,
};

/// What a process that waits for events costs while none comes.
pub fn idle(bench: &Bench) -> Row {
    let contenders = vec![
        waiter(bench, OURS, "wait"),
        waiter(bench, v0_2::NAME, "wait-0.2.0"),
    ];
    let rounds = turns::Rounds {
        most: 3,
        ..bench.rounds(3)
    };
    let series = turns::take(rounds, contenders);
    let work = "waiting while nothing comes";
    // A thousandth of one CPU.
    Row::new(work, SHARE, "", series).goal(of_itself(1000.0))
}

fn waiter<'a>(bench: &'a Bench, name: &'static str, role: &str) -> Contender<'a> {
    let dir = bench.place.fresh();
    history::lines(&dir.path().join("app.jsonl"), &bench.events, 1000);
    drop(EventLog::open(dir.path()).unwrap());
    let waiter = Waiter {
        child: child::start(role, dir.path()),
        _dir: dir,
    };
    thread::sleep(Duration::from_millis(300));
    let time = Duration::from_millis(bench.scale(2000, 500));
    Contender::new(name, move || {
        let before = waiter.cpu();
        thread::sleep(time);
        (waiter.cpu() - before) / 1e3 / time.as_secs_f64()
    })
}

struct Waiter {
    child: Child,
    _dir: tempfile::TempDir,
}

impl Waiter {
    /// Nanoseconds that its threads have run, finer than the ticks of `stat`.
    fn cpu(&self) -> f64 {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let run = tasks.map(|task| {
            let stat = fs::read_to_string(task.unwrap().path().join("schedstat")).unwrap();
            stat.split(' ').next().unwrap().parse::<f64>().unwrap()
        });
        run.sum()
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}
