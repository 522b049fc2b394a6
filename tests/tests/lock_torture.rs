//! Eight processes that want the lock of one log: each opens, appends, lets go, is killed, ends
//! itself, or puts another file in the log's place, while the others keep trying.
//!
//! `EVENTFOLD_OPENS=5000000` tries to open so often instead of what the test command has time for.
#![cfg(unix)]

mod support;

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::BuildHasher;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use eventfold::{Event, EventReader, EventWriter};
use eventfold_tests::proof;
use eventfold_tests::real::contend::{aside, event, now};
use eventfold_tests::sim::random::Random;
use support::{Actor, Kept, amount, in_memory};

const OPENS: u64 = 20_000;
const PROCESSES: usize = 8;

/// Opens of one log. In one of so many rounds the log is moved away by somebody who does not
/// hold it.
const ROUND: u64 = 2_500;
const WITH_OUTSIDER: u64 = 4;

#[test]
fn of_eight_processes_that_open_die_and_replace_the_log_one_holds_it_at_a_time() {
    let (opens, begin) = (amount("EVENTFOLD_OPENS", OPENS), Instant::now());
    let seed = RandomState::new().hash_one(0);
    let mut sum = Tally::default();
    for round in 0.. {
        let left = opens.saturating_sub(sum.opens());
        if left == 0 {
            break;
        }
        let outsider = round % WITH_OUTSIDER == WITH_OUTSIDER - 1;
        let arena = Arena::new(left.min(ROUND), outsider);
        arena.fight(seed ^ round);
        sum.add(&arena.end());
    }
    let took = begin.elapsed();
    println!("lock torture: {sum:?} in {:.1} s", took.as_secs_f64());
    // Elsewhere a holder is not known.
    let named = match cfg!(target_os = "linux") {
        true => sum.named,
        false => sum.refused,
    };
    for (met, what) in [
        (sum.opened, "opens succeeded"),
        (sum.refused, "opens were refused"),
        (named, "refusals named the holder"),
        (sum.killed, "processes were killed"),
        (sum.died, "holders died with the lock"),
        (sum.replaced, "logs were replaced under their holders"),
    ] {
        assert!(met >= opens / 1000, "{what}: {met}");
    }
    proof::ran("lock torture", sum.opens(), took);
}

#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    opened: u64,
    refused: u64,
    named: u64,
    appended: u64,
    killed: u64,
    died: u64,
    replaced: u64,
}

impl Tally {
    fn opens(&self) -> u64 {
        self.opened + self.refused
    }

    fn add(&mut self, other: &Self) {
        self.opened += other.opened;
        self.refused += other.refused;
        self.named += other.named;
        self.appended += other.appended;
        self.killed += other.killed;
        self.died += other.died;
        self.replaced += other.replaced;
    }
}

/// What the processes said, in the order in which it was heard.
#[derive(Default)]
struct Heard {
    tally: Tally,
    /// Every process that there was, and when it was seen to be over.
    processes: HashMap<u32, Option<u128>>,
    /// Each number that was acknowledged, with where it stands and by whom.
    acknowledged: HashMap<u64, (u64, String)>,
}

/// One log and those who fight for it.
struct Arena {
    parent: Kept,
    opens: u64,
    /// Whether somebody moves the log away without holding it.
    outsider: bool,
    tries: AtomicU64,
    over: AtomicBool,
    heard: Mutex<Heard>,
}

impl Arena {
    fn new(opens: u64, outsider: bool) -> Self {
        let parent = in_memory();
        fs::create_dir(parent.path().join("log")).unwrap();
        Self {
            parent,
            opens,
            outsider,
            tries: AtomicU64::new(0),
            over: AtomicBool::new(false),
            heard: Mutex::default(),
        }
    }

    fn dir(&self) -> std::path::PathBuf {
        self.parent.path().join("log")
    }

    fn fight(&self, seed: u64) {
        thread::scope(|scope| {
            for n in 0..PROCESSES as u64 {
                scope.spawn(move || {
                    // One that fails ends them all, or the others would never be done.
                    let _over = Over(&self.over);
                    let mut random = Random(seed.wrapping_add(n << 32));
                    while self.tries.load(SeqCst) < self.opens && !self.over.load(SeqCst) {
                        self.live_and_die(&mut random);
                    }
                });
            }
            if self.outsider {
                scope.spawn(|| self.move_away());
            }
        });
    }

    /// Starts a process, listens to it, and sees it end.
    fn live_and_die(&self, random: &mut Random) {
        let command = match self.outsider {
            true => "contend-counting",
            false => "contend",
        };
        let mut actor = Actor::start(&self.dir());
        let pid = actor.pid();
        self.heard.lock().unwrap().processes.insert(pid, None);
        actor.send(&format!("{command} {}", random.draw()));
        let mut left = 1 + random.below(300);
        let killed = loop {
            let Some(line) = actor.line() else {
                break false;
            };
            self.hear(&line, pid);
            left -= 1;
            if left == 0 || self.tries.load(SeqCst) >= self.opens || self.over.load(SeqCst) {
                thread::sleep(Duration::from_micros(random.draw() % 500));
                actor.kill();
                break true;
            }
        };
        // What it said before it was killed counts.
        while let Some(line) = actor.line() {
            self.hear(&line, pid);
        }
        let signal = actor.ended_by();
        let over = now();
        let mut heard = self.heard.lock().unwrap();
        heard.processes.insert(pid, Some(over));
        match signal {
            Some(9) if killed => heard.tally.killed += 1,
            // Also when it was quicker than the kill.
            Some(6) => heard.tally.died += 1,
            _ => panic!("process {pid} ended by {signal:?}"),
        }
    }

    fn hear(&self, line: &str, pid: u32) {
        let mut heard = self.heard.lock().unwrap();
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["opened"] => {
                heard.tally.opened += 1;
                self.tries.fetch_add(1, SeqCst);
            }
            ["refused", since, holder] => {
                heard.tally.refused += 1;
                self.tries.fetch_add(1, SeqCst);
                if holder != "-" {
                    heard.tally.named += 1;
                    heard.check_holder(pid, since.parse().unwrap(), holder.parse().unwrap());
                }
            }
            ["appended", number, position, by] => {
                heard.tally.appended += 1;
                let (number, position) = (number.parse().unwrap(), position.parse().unwrap());
                let of = (position, by.to_owned());
                let before = heard.acknowledged.insert(number, of);
                assert_eq!(before, None, "number {number} was given twice, now by {by}");
            }
            ["replaced" | "removed"] => heard.tally.replaced += 1,
            ["restored" | "dies"] => {}
            _ => panic!("process {pid} said {line}"),
        }
    }

    /// Moves the log away now and then, whoever holds it, until all is over.
    fn move_away(&self) {
        let log = self.dir().join("app.jsonl");
        for n in 0.. {
            if self.tries.load(SeqCst) >= self.opens || self.over.load(SeqCst) {
                return;
            }
            // There may be none at the moment.
            let _ = fs::rename(&log, self.parent.path().join(format!("away.{n}")));
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Everybody is dead: the log opens at once, and holds what was acknowledged.
    fn end(self) -> Tally {
        let dir = self.dir();
        if aside(&dir).exists() {
            fs::rename(aside(&dir), dir.join("app.jsonl")).unwrap();
        }
        let mut writer = EventWriter::open(&dir).unwrap();
        let heard = self.heard.into_inner().unwrap();
        let events = match self.outsider {
            true => heard.check_scattered(self.parent.path()),
            false => heard.check_whole(&dir),
        };
        writer.append(&event(events, "the test")).unwrap();
        writer.rotate().unwrap();
        drop(writer);
        let writer = EventWriter::open(&dir).unwrap();
        assert!(writer.recovery().is_clean());
        assert_eq!(read(&dir).last().unwrap().1, event(events, "the test"));
        heard.tally
    }
}

/// Ends the fight with this value.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.store(true, SeqCst);
        }
    }
}

impl Heard {
    /// A refused open names another process, one of ours, which was alive when it began.
    fn check_holder(&self, pid: u32, since: u128, holder: u32) {
        assert_ne!(holder, pid, "refused because of itself");
        match self.processes.get(&holder) {
            None => panic!("process {pid} was refused because of {holder}, which is none of ours"),
            Some(&Some(over)) => assert!(
                since <= over,
                "process {pid} was refused because of {holder}, dead by then"
            ),
            Some(None) => {}
        }
    }

    /// One unbroken sequence, each number once, and what was acknowledged where it was said.
    fn check_whole(&self, dir: &Path) -> u64 {
        let events = read(dir);
        for (number, (position, found)) in (0..).zip(&events) {
            assert_eq!(found.ts, number);
            if let Some((at, by)) = self.acknowledged.get(&number) {
                assert_eq!((position, found), (at, &event(number, by)));
            }
        }
        let last = self.acknowledged.keys().max();
        assert!(last.is_none_or(|&last| last < events.len() as u64));
        events.len() as u64
    }

    /// The log was moved away many times. All that was acknowledged is there once.
    fn check_scattered(&self, parent: &Path) -> u64 {
        let mut found = HashMap::<(u64, &str), u64>::new();
        let mut events = read(&parent.join("log"));
        for file in fs::read_dir(parent).unwrap() {
            let file = file.unwrap();
            if file.file_name().to_string_lossy().starts_with("away.") {
                let text = fs::read_to_string(file.path()).unwrap();
                let whole = text
                    .lines()
                    .filter_map(|line| serde_json::from_str(line).ok());
                events.extend(whole.map(|event| (0, event)));
            }
        }
        for (_, event) in &events {
            let by = event.data["by"].as_str().unwrap();
            *found.entry((event.ts, by)).or_default() += 1;
        }
        for (&number, (_, by)) in &self.acknowledged {
            let times = found.get(&(number, by.as_str()));
            assert_eq!(times, Some(&1), "number {number} by {by}");
        }
        events.len() as u64
    }
}

fn read(dir: &Path) -> Vec<(u64, Event)> {
    let records = EventReader::new(dir).read_full().unwrap();
    records
        .map(|record| record.unwrap())
        .map(|record| (record.position, record.event))
        .collect()
}
