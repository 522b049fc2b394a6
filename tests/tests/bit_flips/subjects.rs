//! What bits are flipped in, drawn from a seed.

use std::fs;

use eventfold::{Event, EventLog, EventWriter, Record};
use eventfold_0_2 as old;
use eventfold_tests::sim::random::Random;
use serde_json::{Value, json};

use crate::flipped::{self, Subject, read, sum};
use crate::support::{Kept, in_memory};
use crate::{ARCHIVE, LOG, SNAPSHOT};

pub(super) fn sealed_archive(random: &mut Random) -> Subject {
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
        check: flipped::check_sealed,
    }
}

pub(super) fn archive_without_its_seal(random: &mut Random) -> Subject {
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

pub(super) fn archive_with_a_copy_of_the_log(random: &mut Random) -> Subject {
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

pub(super) fn log(random: &mut Random) -> Subject {
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
        check: flipped::check_log,
    }
}

pub(super) fn snapshot(random: &mut Random) -> Subject {
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

pub(super) fn archive_of_0_2(random: &mut Random) -> Subject {
    let dir = made_by_0_2(random, 2);
    Subject {
        name: "archive of 0.2.0",
        check: flipped::check_archive_of_0_2,
        ..subject_of_0_2(&dir, &[ARCHIVE, LOG])
    }
}

/// Opened once, and from then on as safe as an archive of ours.
pub(super) fn archive_of_0_2_sealed(random: &mut Random) -> Subject {
    let dir = made_by_0_2(random, 1);
    let writer = EventWriter::open(dir.path()).unwrap();
    assert!(writer.recovery().adopted_bytes > 0);
    Subject {
        name: "sealed archive of 0.2.0",
        check: flipped::check_sealed,
        ..subject_of_0_2(&dir, &[ARCHIVE, LOG])
    }
}

pub(super) fn snapshot_of_0_2(random: &mut Random) -> Subject {
    let rotations = random.below(2);
    let dir = made_by_0_2(random, rotations);
    let archive = (rotations > 0).then_some(ARCHIVE);
    let files: Vec<_> = [SNAPSHOT, LOG].into_iter().chain(archive).collect();
    subject_of_0_2(&dir, &files)
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
