//! Writers that are killed at any moment, in memory and on a disk: in the opening and its
//! recovery, in appends, rotations and the saving of snapshots.
//!
//! `EVENTFOLD_KILLS=1000000` kills so many instead of what the test command has time for.
#![cfg(not(target_arch = "wasm32"))]

mod support;

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::BuildHasher;
use std::path::Path;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use eventfold::{EventLog, EventReader, LineHash, Recovery, View};
use eventfold_tests::proof;
use eventfold_tests::real::work::{Chain, VIEW, event, fold};
use eventfold_tests::sim::random::Random;
use support::{Actor, Context, Kept, amount, in_memory, on_disk};

/// Kills in the test command. One in this many is on a disk.
const KILLS: u64 = 4_000;
const ON_DISK: u64 = 5;

/// After so many kills or events a log is left, since all of it is read after each.
const KILLS_OF_A_LOG: u64 = 24;
const EVENTS_OF_A_LOG: usize = 400;

#[test]
fn a_writer_killed_at_any_moment_loses_nothing_it_acknowledged() {
    let kills = amount("EVENTFOLD_KILLS", KILLS);
    kill_writers("kills in memory", in_memory, kills - kills / ON_DISK, 1);
}

#[test]
fn a_writer_on_a_disk_killed_at_any_moment_loses_nothing_it_acknowledged() {
    let kills = amount("EVENTFOLD_KILLS", KILLS);
    kill_writers("kills on disk", on_disk, kills / ON_DISK, 8);
}

/// What happened how often.
type Tally = Mutex<BTreeMap<String, u64>>;

/// Kills so many writers, `slowness` times later than in memory.
fn kill_writers(suite: &str, place: fn() -> Kept, kills: u64, slowness: u64) {
    const THREADS: u64 = 2;
    let (begin, tally) = (Instant::now(), Tally::default());
    let seed = RandomState::new().hash_one(0);
    thread::scope(|scope| {
        for n in 0..THREADS {
            let share = kills / THREADS + u64::from(n < kills % THREADS);
            let tally = &tally;
            scope.spawn(move || {
                let mut random = Random(seed ^ n);
                let mut log = Log::new(place());
                for _ in 0..share {
                    if log.kills == KILLS_OF_A_LOG || log.known.len() > EVENTS_OF_A_LOG {
                        log = Log::new(place());
                    }
                    log.round(&mut random, slowness, tally);
                }
            });
        }
    });
    let took = begin.elapsed();
    let tally = tally.into_inner().unwrap();
    println!(
        "{suite}: {kills} in {:.1} s, of these {tally:?}",
        took.as_secs_f64()
    );
    // Each kind of moment was met.
    for moment in ["open", "recovery", "append", "rotate", "refresh"] {
        let met = tally.get(moment).copied().unwrap_or_default();
        assert!(met >= kills / 200, "{met} of {kills} kills met: {moment}");
    }
    proof::ran(suite, kills, took);
}

/// An event that must be there.
struct Known {
    position: u64,
    next_position: u64,
    hash: LineHash,
    /// The view folded up to here.
    chain: Chain,
}

/// A log whose writers are killed, and what is known of it by what they said.
struct Log {
    dir: Kept,
    known: Vec<Known>,
    /// How many more may be there: what was in flight.
    doubt: u64,
    kills: u64,
    /// Whether the last kill left something that nobody has opened since.
    left: bool,
}

impl Log {
    fn new(dir: Kept) -> Self {
        Self {
            dir,
            known: Vec::new(),
            doubt: 0,
            kills: 0,
            left: false,
        }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Starts a writer, kills it, and looks.
    fn round(&mut self, random: &mut Random, slowness: u64, tally: &Tally) {
        let (kills, before) = (self.kills, self.known.len());
        let _context = Context(format!("kill {kills} of a log, after {before} events"));
        let moment = self.kill(random, slowness);
        let count = |what: &str| *tally.lock().unwrap().entry(what.to_owned()).or_default() += 1;
        count(&moment);
        if moment == "open" && self.left {
            count("recovery");
        }
        self.kills += 1;
        self.left = true;
        // Read as it was left.
        self.look();
        self.doubt = self.doubt.min(1);
        // Sometimes the next writer finds it so, and is killed in its recovery.
        if random.one_in(2) {
            self.repair(random, &count);
            self.left = false;
        }
    }

    /// Kills a writer at some moment, which is returned.
    fn kill(&mut self, random: &mut Random, slowness: u64) -> String {
        let mut writer = Actor::start(self.path());
        writer.send(&format!("work {}", random.draw()));
        assert_eq!(writer.line().as_deref(), Some("open"));
        let longest = [300, 1000, 3000][random.below(3)] * slowness;
        thread::sleep(Duration::from_micros(random.draw() % longest));
        writer.kill();
        let mut doing = String::from("open");
        while let Some(line) = writer.line() {
            doing = self.hear(&line).to_owned();
        }
        // It was alive until then: a writer that ended by itself is no kill.
        assert!(writer.was_killed());
        doing
    }

    /// Learns from what a writer said, and returns what it is doing after that.
    fn hear<'l>(&mut self, line: &'l str) -> &'l str {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        let numbers: Vec<u64> = rest
            .split(' ')
            .filter_map(|word| word.parse().ok())
            .collect();
        match (verb, &numbers[..]) {
            ("opened", &[next, position]) => {
                let more = next - self.known.len() as u64;
                assert!(more <= self.doubt, "{line}, of {} events", self.known.len());
                (0..more).for_each(|_| self.know());
                assert_eq!(position, self.end());
                self.doubt = 0;
                "between"
            }
            ("append", &[number, count]) => {
                assert_eq!(number, self.known.len() as u64);
                self.doubt = count;
                verb
            }
            ("appended", &[number, position]) => {
                assert_eq!((number, position), (self.known.len() as u64, self.end()));
                self.know();
                self.doubt -= 1;
                "between"
            }
            ("rotate" | "refresh", []) => verb,
            ("sync" | "done", []) => "between",
            _ => panic!("a writer said {line}"),
        }
    }

    fn end(&self) -> u64 {
        self.known.last().map_or(0, |known| known.next_position)
    }

    fn chain(&self, count: u64) -> Chain {
        let last = (count as usize).checked_sub(1);
        last.map_or((0, 0), |last| self.known[last].chain)
    }

    /// The next event is there.
    fn know(&mut self) {
        let number = self.known.len() as u64;
        let (event, position) = (event(number), self.end());
        let line = serde_json::to_vec(&event).unwrap();
        self.known.push(Known {
            position,
            next_position: position + line.len() as u64 + 1,
            hash: LineHash::of(&line),
            chain: fold(self.chain(number), &event),
        });
    }

    /// Reads everything: what is known, once and in order, and at most what is in doubt.
    fn look(&mut self) {
        let mut count = 0;
        for record in EventReader::new(self.path()).read_full().unwrap() {
            let record = record.unwrap();
            if count == self.known.len() {
                assert!(self.doubt > 0, "an event too many: {record:?}");
                self.doubt -= 1;
                self.know();
            }
            let known = &self.known[count];
            assert_eq!(record.event.ts, count as u64);
            assert_eq!(record.position, known.position, "event {count}");
            assert_eq!(record.hash(), known.hash, "event {count}");
            count += 1;
        }
        assert_eq!(count, self.known.len(), "events are lost");
    }

    /// Opens it as the next writer would, and sees that all is well, then and ever after.
    fn repair(&mut self, random: &mut Random, count: &impl Fn(&str)) {
        let before = Files::of(self.path());
        let mut log = open(self.path());
        count_repairs(log.recovery(), count);
        before.assert_kept(self.path(), log.recovery());
        // The snapshot, if there was one to believe, is of what is there.
        let chain: Chain = *log.view(VIEW).unwrap();
        self.look();
        self.doubt = 0;
        assert!(chain.0 <= self.known.len() as u64, "{chain:?}");
        assert_eq!(chain, self.chain(chain.0), "a snapshot of something else");

        let appended = log.append(&event(self.known.len() as u64)).unwrap();
        assert_eq!(appended.position, self.end());
        self.know();
        log.refresh_all().unwrap();
        let chain: Chain = *log.view(VIEW).unwrap();
        let mut again = View::new("again", fold).unwrap();
        assert_eq!(chain, *again.rebuild(&log.reader()).unwrap());
        assert_eq!(chain, self.chain(self.known.len() as u64));
        if random.one_in(4) {
            log.rotate().unwrap();
        }
        drop(log);

        let log = open(self.path());
        assert!(log.recovery().is_clean(), "{:?}", log.recovery());
        assert_eq!(log.end_position(), self.end());
        assert_eq!(*log.view::<Chain>(VIEW).unwrap(), chain);
        self.look();
    }
}

fn open(dir: &Path) -> EventLog {
    let opened = EventLog::builder(dir).view(VIEW, fold).open();
    opened.unwrap_or_else(|error| panic!("the log does not open: {error}"))
}

fn count_repairs(recovery: &Recovery, count: &impl Fn(&str)) {
    let torn = recovery.torn_log_bytes > 0;
    let torn_archive = recovery.torn_archive_bytes > 0;
    for (met, what) in [
        (torn, "torn lines"),
        (torn_archive, "torn frames"),
        (recovery.completed_line, "completed lines"),
        (recovery.rotation.is_some(), "interrupted rotations"),
    ] {
        if met {
            count(what);
        }
    }
}

/// What a killed writer left.
struct Files {
    log: Vec<u8>,
    archive: Vec<u8>,
    torn: Vec<u8>,
}

impl Files {
    fn of(dir: &Path) -> Self {
        let bytes = |name: &str| fs::read(dir.join(name)).unwrap_or_default();
        Self {
            log: bytes("app.jsonl"),
            archive: bytes("archive.jsonl.zst"),
            torn: bytes("torn.bin"),
        }
    }

    /// Every byte that the recovery says it cut lies aside, behind what lay there.
    fn assert_kept(&self, dir: &Path, recovery: &Recovery) {
        let torn = Self::of(dir).torn;
        let mut rest = torn.strip_prefix(&self.torn[..]).unwrap();
        let (mut of_log, mut of_archive) = (0, 0);
        while !rest.is_empty() {
            let head = rest.iter().position(|&byte| byte == b'\n').unwrap();
            let says: serde_json::Value = serde_json::from_slice(&rest[..head]).unwrap();
            let number = |field: &str| says[field].as_u64().unwrap() as usize;
            let (from, len) = (number("offset"), number("bytes"));
            let (file, sum) = match says["cut_from"].as_str() {
                Some("app.jsonl") => (&self.log, &mut of_log),
                _ => (&self.archive, &mut of_archive),
            };
            let kept = &rest[head + 1..head + 1 + len];
            assert_eq!(kept, &file[from..from + len], "{says}");
            *sum += len as u64;
            rest = &rest[head + 1 + len + 1..];
        }
        assert_eq!(of_log, recovery.torn_log_bytes);
        assert_eq!(of_archive, recovery.torn_archive_bytes);
    }
}
