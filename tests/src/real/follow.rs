//! Readers beside a writer that rotates.
//!
//! What the writer has done is told by the lengths of two files beside the log's directory, so
//! that a reader in another process knows it at any moment.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use eventfold::{EventLog, EventReader, LogIterator, WaitResult};

use super::say;
use super::work::event;
use crate::sim::random::Random;

/// Events between two rotations.
pub const BETWEEN: u64 = 3;

/// How long a reader waits for an event that is sure to come.
const SURELY: Duration = Duration::from_secs(120);

/// What a writer has done so far.
struct Progress {
    acknowledged: PathBuf,
    rotations: PathBuf,
}

impl Progress {
    fn of(dir: &Path) -> Self {
        Self {
            acknowledged: dir.with_extension("acknowledged"),
            rotations: dir.with_extension("rotations"),
        }
    }

    fn acknowledged(&self) -> u64 {
        length(&self.acknowledged)
    }

    fn rotations(&self) -> u64 {
        length(&self.rotations)
    }
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |file| file.len())
}

/// Appends [`BETWEEN`] events and rotates, so many times.
///
/// # Errors
/// Whatever the log fails with.
pub fn rotate_along(dir: &Path, rotations: u64, seed: u64) -> io::Result<()> {
    let append = |path: &Path| OpenOptions::new().create(true).append(true).open(path);
    let progress = Progress::of(dir);
    let mut acknowledged: File = append(&progress.acknowledged)?;
    let mut rotated: File = append(&progress.rotations)?;
    let mut random = Random(seed);
    let mut log = EventLog::open(dir)?;
    for number in 0..rotations * BETWEEN {
        log.append(&event(number))?;
        acknowledged.write_all(b".")?;
        if number % BETWEEN == BETWEEN - 1 {
            log.rotate()?;
            rotated.write_all(b".")?;
        }
        // So that the readers come to run where there are few processors.
        if random.one_in(4) {
            thread::sleep(Duration::from_micros(random.draw() % 500));
        }
    }
    Ok(())
}

/// How a reader reads.
#[derive(Debug, Clone, Copy)]
pub enum Manner {
    /// All from the first event on, again and again.
    Again,
    /// With one iterator, which is asked again at its end.
    OneIterator,
    /// With a new iterator from where the last one ended.
    NewIterators,
    /// Waits for an event, then reads it and what is behind it.
    Waits,
}

/// Reads in each of these manners at once until `total` events were read, and says of each how
/// many readings it made, how many rotations came in the midst of one, and in how many readings.
///
/// # Errors
/// The first thing that a reader saw which is not so.
pub fn follow(dir: &Path, total: u64, manners: &[Manner]) -> io::Result<()> {
    thread::scope(|scope| {
        let readers: Vec<_> = manners
            .iter()
            .map(|&manner| scope.spawn(move || Follower::new(dir, total).run(manner)))
            .collect();
        let mut results = readers.into_iter().map(|reader| reader.join().unwrap());
        results.try_for_each(|result| result)
    })
}

struct Follower<'d> {
    reader: EventReader,
    progress: Progress,
    dir: &'d Path,
    total: u64,
    next: u64,
    position: u64,
    readings: u64,
    /// Rotations that took place while a reading was under way.
    rotations: u64,
    /// Readings in which there was one.
    disturbed: u64,
}

impl<'d> Follower<'d> {
    fn new(dir: &'d Path, total: u64) -> Self {
        Self {
            reader: EventReader::new(dir),
            progress: Progress::of(dir),
            dir,
            total,
            next: 0,
            position: 0,
            readings: 0,
            rotations: 0,
            disturbed: 0,
        }
    }

    fn run(mut self, manner: Manner) -> io::Result<()> {
        let failed = |error| io::Error::other(format!("{manner:?}: {error}"));
        let mut kept = self.reader.read_full().map_err(failed)?;
        while self.next < self.total {
            if matches!(manner, Manner::Again) {
                (self.next, self.position) = (0, 0);
            }
            let rotations = self.progress.rotations();
            self.reading(manner, &mut kept).map_err(failed)?;
            let during = self.progress.rotations() - rotations;
            self.readings += 1;
            self.rotations += during;
            self.disturbed += u64::from(during > 0);
        }
        let rest = self.reader.read_from(self.position)?.count();
        if rest > 0 {
            return Err(failed(io::Error::other(format!("{rest} events too many"))));
        }
        let Self {
            readings,
            rotations,
            disturbed,
            ..
        } = self;
        say(format_args!(
            "read {manner:?} {readings} {rotations} {disturbed}"
        ))
    }

    fn reading(&mut self, manner: Manner, kept: &mut LogIterator) -> io::Result<()> {
        match manner {
            Manner::OneIterator => return self.take(kept),
            Manner::Waits => {
                let waited = self.reader.wait_for_events(self.position, SURELY)?;
                if waited != WaitResult::NewData {
                    return Err(io::Error::other("nothing came"));
                }
                let before = self.next;
                let mut records = self.reader.read_from(self.position)?;
                self.take(&mut records)?;
                if self.next == before {
                    return Err(io::Error::other("woken, and no event is there"));
                }
                return Ok(());
            }
            Manner::Again | Manner::NewIterators => {}
        }
        // A clone knows nothing of what was read before.
        let mut records = EventReader::new(self.dir).read_from(self.position)?;
        self.take(&mut records)
    }

    /// Reads to the end: each event is the next, where the last one ended, as it was appended,
    /// and what was acknowledged before comes before the end.
    fn take(&mut self, records: &mut LogIterator) -> io::Result<()> {
        let acknowledged = self.progress.acknowledged();
        for record in records {
            let record = record?;
            let found = (record.event.ts, record.position);
            if found != (self.next, self.position) || record.event != event(self.next) {
                let expected = (self.next, self.position);
                return Err(io::Error::other(format!("{found:?} for {expected:?}")));
            }
            (self.next, self.position) = (self.next + 1, record.next_position);
        }
        if self.next < acknowledged {
            let next = self.next;
            let reason = format!("the end after {next} of {acknowledged} events");
            return Err(io::Error::other(reason));
        }
        Ok(())
    }
}
