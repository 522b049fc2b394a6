//! Every bit of small archives, logs and snapshots flipped, one at a time: in files on a real file
//! system, with all that a program does afterwards.
//!
//! | flipped in | what holds |
//! |---|---|
//! | an archive of ours | each event comes back as it was, in its place, or an error or the recovery tells of it; what is in the log is whole |
//! | an archive of 0.2.0, which has no checksums | it ends, in events or in an error that changes nothing; what is in the log is whole |
//! | a log | every line but the damaged one (two, when the bit lies in a newline) is read as it was, in its place |
//! | a snapshot | the view is right |
//!
//! And always: nothing panics, an append after it is there and stays there, and opening twice
//! finds nothing more to do.
//!
//! `EVENTFOLD_FLIPS=10000000` flips so many instead of what the test command has time for.
#![cfg(not(target_arch = "wasm32"))]

mod support;

use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::Instant;

use eventfold::{Error, Event, EventLog, EventReader, EventWriter, Record, View};
use eventfold_0_2 as old;
use eventfold_tests::proof;
use eventfold_tests::sim::random::Random;
use serde_json::{Value, json};
use support::{Context, Kept, amount, in_memory};

const FLIPS: u64 = 50_000;

const LOG: &str = "app.jsonl";
const ARCHIVE: &str = "archive.jsonl.zst";
const SNAPSHOT: &str = "views/sum.snapshot.json";

/// Makes a subject of so many kinds, out of events drawn from a seed.
const KINDS: [fn(&mut Random) -> Subject; 8] = [
    sealed_archive,
    archive_without_its_seal,
    archive_with_a_copy_of_the_log,
    log,
    snapshot,
    archive_of_0_2,
    archive_of_0_2_sealed,
    snapshot_of_0_2,
];

#[test]
fn whatever_bit_is_flipped_nothing_wrong_is_read_and_nothing_else_is_lost() {
    let (flips, begin) = (amount("EVENTFOLD_FLIPS", FLIPS), Instant::now());
    let (next, flipped) = (AtomicU64::new(0), AtomicU64::new(0));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let bench = in_memory();
                while flipped.load(SeqCst) < flips {
                    let seed = next.fetch_add(1, SeqCst);
                    let make = KINDS[(seed % KINDS.len() as u64) as usize];
                    let subject = make(&mut Random(seed));
                    for bit in 0..subject.damaged().len() * 8 {
                        let name = subject.name;
                        let _context = Context(format!("bit {bit} of the {name} of seed {seed}"));
                        subject.flip(bit, &bench);
                        flipped.fetch_add(1, SeqCst);
                    }
                }
            });
        }
    });
    let (flipped, took) = (flipped.into_inner(), begin.elapsed());
    println!(
        "bit flips: {flipped} distinct in {:.1} s",
        took.as_secs_f64()
    );
    proof::ran("bit flips", flipped, took);
}

/// Files of which the first is to be damaged, and what they hold.
struct Subject {
    name: &'static str,
    files: Vec<(&'static str, Vec<u8>)>,
    /// In order. Their times are their numbers.
    events: Vec<Record>,
    /// How many of them are in the log.
    in_log: usize,
    check: fn(&Flipped<'_>),
}

/// A subject with one bit flipped, in a directory.
struct Flipped<'s> {
    subject: &'s Subject,
    bit: usize,
    dir: &'s Path,
}

impl Subject {
    fn damaged(&self) -> &[u8] {
        &self.files[0].1
    }

    fn flip(&self, bit: usize, bench: &Kept) {
        let dir = bench.path();
        for name in [LOG, ARCHIVE, SNAPSHOT, "torn.bin"] {
            let _ = fs::remove_file(dir.join(name));
        }
        fs::create_dir_all(dir.join("views")).unwrap();
        for (n, (name, bytes)) in self.files.iter().enumerate() {
            let mut bytes = bytes.clone();
            if n == 0 {
                bytes[bit / 8] ^= 1 << (bit % 8);
            }
            fs::write(dir.join(name), bytes).unwrap();
        }
        let subject = self;
        (self.check)(&Flipped { subject, bit, dir });
    }
}

impl Flipped<'_> {
    fn open(&self) -> EventWriter {
        let opened = EventWriter::open(self.dir);
        opened.unwrap_or_else(|error| panic!("not opened: {error:?}"))
    }

    fn read(&self) -> (Vec<Record>, Vec<io::Error>) {
        read(self.dir)
    }

    /// Appends, opens again, and returns what is then read before the event appended: this one
    /// is where it was said to be, and opening again finds nothing to do.
    fn live_on(&self, mut writer: EventWriter) -> (Vec<Record>, Vec<io::Error>) {
        let event = Event::at(1 << 40, "after", json!(self.bit));
        let appended = writer.append(&event).unwrap();
        drop(writer);
        let writer = self.open();
        assert!(writer.recovery().is_clean(), "{:?}", writer.recovery());
        assert_eq!(writer.end_position(), appended.next_position);
        let (mut records, errors) = self.read();
        let last = records.pop().unwrap();
        assert_eq!((last.event, last.position), (event, appended.position));
        (records, errors)
    }

    /// Every event that was read is one that was written, in its place and in order.
    fn assert_true(&self, records: &[Record]) {
        let mut rest = self.subject.events.iter();
        for record in records {
            assert!(
                rest.any(|written| written == record),
                "{record:?} was not written"
            );
        }
    }

    /// Where events are missing, something says so. The log's are there.
    fn assert_told(&self, (records, errors): &(Vec<Record>, Vec<io::Error>), told: bool) {
        self.assert_true(records);
        let told = told || !errors.is_empty();
        assert!(
            told || *records == self.subject.events,
            "{} events",
            records.len()
        );
        let log = &self.subject.events[self.subject.events.len() - self.subject.in_log..];
        assert!(records.ends_with(log), "not the log's: {records:?}");
        for error in errors {
            assert_corrupt(error, ARCHIVE);
        }
    }

    /// The sum of the numbers of all events, by every way to it.
    fn assert_view(&self) {
        let right: u64 = self
            .subject
            .events
            .iter()
            .map(|record| record.event.ts)
            .sum();
        let mut view = View::new("sum", sum).unwrap();
        assert_eq!(*view.refresh(&EventReader::new(self.dir)).unwrap(), right);
        for extra in [0, 1000, 0] {
            let mut log = EventLog::builder(self.dir).view("sum", sum).open().unwrap();
            if extra > 0 {
                log.append(&Event::at(extra, "after", json!(null))).unwrap();
            }
            log.refresh_all().unwrap();
            let mut again = View::new("again", sum).unwrap();
            let state = *log.view::<u64>("sum").unwrap();
            assert_eq!(state, *again.rebuild(&log.reader()).unwrap());
            assert!(
                state == right || state == right + 1000,
                "{state} for {right}"
            );
        }
    }
}

fn sum(sum: u64, event: &Event) -> u64 {
    sum + event.ts
}

/// Reads all there is, which must end.
fn read(dir: &Path) -> (Vec<Record>, Vec<io::Error>) {
    let (mut records, mut errors) = (Vec::new(), Vec::new());
    for record in EventReader::new(dir).read_full().unwrap() {
        match record {
            Ok(record) => records.push(record),
            Err(error) => errors.push(error),
        }
        assert!(records.len() + errors.len() < 1000, "reading does not end");
    }
    (records, errors)
}

fn assert_corrupt(error: &io::Error, file: &str) {
    let found = Error::of(error);
    let told = matches!(found, Some(Error::Corrupt { path, .. }) if path.ends_with(file));
    assert!(told, "{error:?}");
}

// ---- the subjects -----------------------------------------------------------

fn drawn(random: &mut Random, number: u64) -> Event {
    let event_type = ["counted", "größe", "", "a\"b"][random.below(4)];
    let data = match random.below(4) {
        0 => json!(null),
        1 => json!({ "n": random.draw(), "list": [1, -2.5, true] }),
        2 => json!("some words of text, with spaces"),
        _ => json!({ "text": "line\nbreak \u{1F980}", "n": random.below(9) }),
    };
    // The id makes each subject another one.
    let event = Event::at(number, event_type, data).with_id(format!("{:x}", random.draw()));
    match random.below(3) {
        0 => event.with_actor("ada"),
        1 => event.with_meta(json!([number, "* J"])),
        _ => event,
    }
}

/// A new log with a view, and what to append to it.
struct Made {
    dir: Kept,
    log: EventLog,
    next: u64,
}

impl Made {
    fn new() -> Self {
        let dir = in_memory();
        let log = EventLog::builder(dir.path()).view("sum", sum).open();
        let log = log.unwrap();
        Self { dir, log, next: 1 }
    }

    fn append(&mut self, random: &mut Random, count: usize) {
        for _ in 0..count {
            self.log.append(&drawn(random, self.next)).unwrap();
            self.next += 1;
        }
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.dir.path().join(name)).unwrap_or_default()
    }

    fn events(&self) -> Vec<Record> {
        let (records, errors) = read(self.dir.path());
        assert!(errors.is_empty());
        records
    }
}

fn sealed_archive(random: &mut Random) -> Subject {
    let mut made = Made::new();
    for _ in 0..2 {
        let count = 1 + random.below(3);
        made.append(random, count);
        made.log.rotate().unwrap();
    }
    let in_log = random.below(3);
    made.append(random, in_log);
    Subject {
        name: "sealed archive",
        files: vec![(ARCHIVE, made.bytes(ARCHIVE)), (LOG, made.bytes(LOG))],
        events: made.events(),
        in_log,
        check: check_sealed,
    }
}

fn check_sealed(flipped: &Flipped<'_>) {
    flipped.assert_told(&flipped.read(), false);
    let writer = flipped.open();
    let told = writer.recovery().torn_archive_bytes > 0;
    flipped.assert_told(&flipped.live_on(writer), told);
}

/// A log of which a part was rotated long ago and the rest just now, but for the seal. Its files
/// are the archive, the log before that rotation, and the log after it.
fn unsealed(random: &mut Random) -> (Made, Vec<u8>, Vec<u8>) {
    let mut made = Made::new();
    made.append(random, 1);
    made.log.rotate().unwrap();
    let count = 1 + random.below(3);
    made.append(random, count);
    let log = made.bytes(LOG);
    made.log.rotate().unwrap();
    let mut archive = made.bytes(ARCHIVE);
    let seals = archive.windows(4).rposition(|bytes| bytes == b"evs1");
    archive.truncate(seals.unwrap() - 8);
    (made, archive, log)
}

fn archive_without_its_seal(random: &mut Random) -> Subject {
    let (made, archive, _) = unsealed(random);
    Subject {
        name: "archive without its seal",
        files: vec![(ARCHIVE, archive), (LOG, Vec::new())],
        events: made.events(),
        in_log: 0,
        check: |flipped| {
            // What was cut short looks the same to a reader: only opening tells.
            flipped.assert_told(&flipped.read(), true);
            let writer = flipped.open();
            let told = writer.recovery().torn_archive_bytes > 0;
            flipped.assert_told(&flipped.live_on(writer), told);
        },
    }
}

fn archive_with_a_copy_of_the_log(random: &mut Random) -> Subject {
    let (made, archive, log) = unsealed(random);
    let events = made.events();
    Subject {
        name: "archive with a copy of the log",
        files: vec![(ARCHIVE, archive), (LOG, log)],
        in_log: events.len() - 1,
        events,
        check: |flipped| {
            flipped.assert_told(&flipped.read(), false);
            let writer = flipped.open();
            flipped.assert_told(&flipped.live_on(writer), false);
        },
    }
}

fn log(random: &mut Random) -> Subject {
    let mut made = Made::new();
    made.append(random, 1);
    if random.one_in(2) {
        made.log.rotate().unwrap();
    }
    made.append(random, 4);
    let events = made.events();
    let in_log = made
        .bytes(LOG)
        .iter()
        .filter(|&&byte| byte == b'\n')
        .count();
    Subject {
        name: "log",
        files: vec![(LOG, made.bytes(LOG)), (ARCHIVE, made.bytes(ARCHIVE))],
        events,
        in_log,
        check: check_log,
    }
}

fn check_log(flipped: &Flipped<'_>) {
    let Subject { events, in_log, .. } = flipped.subject;
    let base = events[events.len() - in_log].position;
    let at = base + flipped.bit as u64 / 8;
    let damaged = events.iter().position(|of| at < of.next_position).unwrap();
    let in_newline = at + 1 == events[damaged].next_position;
    let after = (damaged + 1 + usize::from(in_newline)).min(events.len());
    let (before, behind) = (&events[..damaged], &events[after..]);
    let (start, end) = (events[damaged].position, events[after - 1].next_position);
    let check = |(records, errors): (Vec<Record>, Vec<io::Error>)| {
        assert!(records.starts_with(before), "what is before: {records:?}");
        assert!(records.ends_with(behind), "what is behind: {records:?}");
        // What is read between is where the damage is.
        let between = records[before.len()..records.len() - behind.len()].iter();
        let mut places: Vec<u64> = between.map(|record| record.position).collect();
        for error in &errors {
            assert_corrupt(error, LOG);
            if let Some(Error::Corrupt { position, .. }) = Error::of(error) {
                places.push(*position);
            }
        }
        assert!(places.iter().all(|place| (start..end).contains(place)));
        !places.is_empty()
    };
    let found = check(flipped.read());
    let writer = flipped.open();
    let recovery = writer.recovery().clone();
    let kept = fs::read(flipped.dir.join("torn.bin")).unwrap_or_default();
    let found_after = check(flipped.live_on(writer));
    if behind.is_empty() {
        // At the end it can look like the work of a power cut. Then it lies aside.
        let cut = recovery.torn_log_bytes;
        let aside = kept.len() as u64 > cut && cut > 0;
        assert!(found_after || aside, "gone: {recovery:?}");
        assert_eq!(found_after, found || recovery.completed_line);
    } else {
        assert!(found && found_after && recovery.is_clean(), "{recovery:?}");
    }
}

fn snapshot(random: &mut Random) -> Subject {
    let mut made = Made::new();
    let count = 1 + random.below(3);
    made.append(random, count);
    if random.one_in(2) {
        made.log.rotate().unwrap();
    }
    made.log.refresh_all().unwrap();
    let more = random.below(2);
    made.append(random, more);
    Subject {
        name: "snapshot",
        files: [SNAPSHOT, LOG, ARCHIVE]
            .map(|name| (name, made.bytes(name)))
            .into(),
        events: made.events(),
        in_log: 0,
        check: |flipped| flipped.assert_view(),
    }
}

/// A directory that 0.2.0 wrote: so many rotations of two events, and two more in the log, with
/// the snapshot in between.
fn made_by_0_2(random: &mut Random, rotations: usize) -> Kept {
    let dir = in_memory();
    let sum = |sum: u64, event: &old::Event| sum + event.ts;
    let mut log = old::EventLog::builder(dir.path())
        .view("sum", sum)
        .open()
        .unwrap();
    let mut append = |log: &mut old::EventLog| {
        for _ in 0..2 {
            let number = 1 + random.below(100) as u64;
            let event: Value = serde_json::to_value(drawn(random, number)).unwrap();
            log.append(&serde_json::from_value(event).unwrap()).unwrap();
        }
    };
    for _ in 0..rotations {
        append(&mut log);
        log.rotate().unwrap();
    }
    append(&mut log);
    log.refresh_all().unwrap();
    append(&mut log);
    dir
}

fn subject_of_0_2(dir: &Kept, files: &[&'static str]) -> Subject {
    let (events, errors) = read(dir.path());
    assert!(errors.is_empty(), "{errors:?}");
    let bytes = |name: &str| fs::read(dir.path().join(name)).unwrap();
    Subject {
        name: "snapshot of 0.2.0",
        files: files.iter().map(|name| (*name, bytes(name))).collect(),
        events,
        in_log: 4,
        check: |flipped| flipped.assert_view(),
    }
}

fn snapshot_of_0_2(random: &mut Random) -> Subject {
    let rotations = random.below(2);
    let dir = made_by_0_2(random, rotations);
    let archive = (rotations > 0).then_some(ARCHIVE);
    let files: Vec<_> = [SNAPSHOT, LOG].into_iter().chain(archive).collect();
    subject_of_0_2(&dir, &files)
}

fn archive_of_0_2(random: &mut Random) -> Subject {
    let dir = made_by_0_2(random, 2);
    Subject {
        name: "archive of 0.2.0",
        check: check_archive_of_0_2,
        ..subject_of_0_2(&dir, &[ARCHIVE, LOG])
    }
}

/// Opened once, and from then on as safe as an archive of ours.
fn archive_of_0_2_sealed(random: &mut Random) -> Subject {
    let dir = made_by_0_2(random, 1);
    let writer = EventWriter::open(dir.path()).unwrap();
    assert!(writer.recovery().adopted_bytes > 0);
    Subject {
        name: "sealed archive of 0.2.0",
        check: check_sealed,
        ..subject_of_0_2(&dir, &[ARCHIVE, LOG])
    }
}

fn check_archive_of_0_2(flipped: &Flipped<'_>) {
    let events = &flipped.subject.events;
    let log: Vec<&Event> = events[events.len() - 4..]
        .iter()
        .map(|of| &of.event)
        .collect();
    let holds_log = |records: &[Record]| {
        let records: Vec<&Event> = records.iter().map(|record| &record.event).collect();
        assert!(records.ends_with(&log), "not the log's: {records:?}");
    };
    let (records, errors) = flipped.read();
    errors
        .iter()
        .for_each(|error| assert_corrupt(error, ARCHIVE));
    let bytes = || [ARCHIVE, LOG].map(|name| fs::read(flipped.dir.join(name)).unwrap());
    let before = bytes();
    match EventWriter::open(flipped.dir) {
        Ok(writer) => {
            let told = writer.recovery().torn_archive_bytes > 0;
            let (after, errors_after) = flipped.live_on(writer);
            holds_log(&after);
            assert!(
                told || errors.len() == errors_after.len(),
                "{errors_after:?}"
            );
            assert!(after.len() >= records.len());
        }
        Err(error) => {
            assert_corrupt(&error, ARCHIVE);
            assert!(!errors.is_empty(), "opening fails, and reading does not");
            assert_eq!(before, bytes(), "changed by an opening that failed");
        }
    }
}
