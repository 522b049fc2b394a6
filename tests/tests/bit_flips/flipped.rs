//! A subject with one bit flipped, and what has to hold of it.

use std::fs;
use std::io;
use std::path::Path;

use eventfold::{Error, Event, EventLog, EventReader, EventWriter, Record, View};
use serde_json::json;

use crate::support::Kept;
use crate::{ARCHIVE, LOG, SNAPSHOT};

/// Files of which the first is to be damaged, and what they hold.
pub(super) struct Subject {
    pub(super) name: &'static str,
    pub(super) files: Vec<(&'static str, Vec<u8>)>,
    /// In order. Their times are their numbers.
    pub(super) events: Vec<Record>,
    /// How many of them are in the log.
    pub(super) in_log: usize,
    pub(super) check: fn(&Flipped<'_>),
}

/// A subject with one bit flipped, in a directory.
pub(super) struct Flipped<'s> {
    subject: &'s Subject,
    bit: usize,
    dir: &'s Path,
}

impl Subject {
    pub(super) fn damaged(&self) -> &[u8] {
        &self.files[0].1
    }

    pub(super) fn flip(&self, bit: usize, bench: &Kept) {
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
    pub(super) fn open(&self) -> EventWriter {
        let opened = EventWriter::open(self.dir);
        opened.unwrap_or_else(|error| panic!("not opened: {error:?}"))
    }

    pub(super) fn read(&self) -> (Vec<Record>, Vec<io::Error>) {
        read(self.dir)
    }

    /// Appends, opens again, and returns what is then read before the event appended: this one
    /// is where it was said to be, and opening again finds nothing to do.
    pub(super) fn live_on(&self, mut writer: EventWriter) -> (Vec<Record>, Vec<io::Error>) {
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
    pub(super) fn assert_told(
        &self,
        (records, errors): &(Vec<Record>, Vec<io::Error>),
        told: bool,
    ) {
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
    pub(super) fn assert_view(&self) {
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

pub(super) fn check_sealed(flipped: &Flipped<'_>) {
    flipped.assert_told(&flipped.read(), false);
    let writer = flipped.open();
    let told = writer.recovery().torn_archive_bytes > 0;
    flipped.assert_told(&flipped.live_on(writer), told);
}

pub(super) fn check_log(flipped: &Flipped<'_>) {
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

pub(super) fn check_archive_of_0_2(flipped: &Flipped<'_>) {
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

pub(super) fn sum(sum: u64, event: &Event) -> u64 {
    sum + event.ts
}

/// Reads all there is, which must end.
pub(super) fn read(dir: &Path) -> (Vec<Record>, Vec<io::Error>) {
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

pub(super) fn assert_corrupt(error: &io::Error, file: &str) {
    let found = Error::of(error);
    let told = matches!(found, Some(Error::Corrupt { path, .. }) if path.ends_with(file));
    assert!(told, "{error:?}");
}
