//! Both versions take turns, and are killed while they rotate.
//!
//! `EVENTFOLD_TURNS=n` runs so many cases, and `EVENTFOLD_TURN=n`, as a failure says it, the one.

use std::fs;
use std::io::ErrorKind;

use eventfold::Event;
use eventfold_0_2 as old;
use eventfold_core::{Access, Codec, Durability, Error, Scan, Writer};
use eventfold_tests::faulty::Failed;
use eventfold_tests::sim::codec::{REAL, ROUNDED, STORED};
use eventfold_tests::sim::disk::{Disk, Harm, Plan};
use eventfold_tests::sim::image::{ARCHIVE, Image, LOG};
use eventfold_tests::sim::random::Random;
use tempfile::{TempDir, tempdir};

use crate::support::as_old;

const FILES: [(usize, &str); 2] = [(LOG, "app.jsonl"), (ARCHIVE, "archive.jsonl.zst")];

#[test]
fn whatever_either_leaves_when_it_is_killed_no_event_is_lost_or_doubled_silently() {
    let number = |name| Some(std::env::var(name).ok()?.parse::<u64>().unwrap());
    let cases = match number("EVENTFOLD_TURN") {
        Some(seed) => seed..seed + 1,
        None => 0..number("EVENTFOLD_TURNS").unwrap_or(300),
    };
    for seed in cases {
        let mut turns = Turns::new(seed);
        for _ in 0..6 {
            if turns.random.one_in(2) {
                turns.theirs();
            } else if !turns.ours() {
                break;
            }
        }
    }
}

/// A directory that both write to.
struct Turns {
    seed: u64,
    dir: TempDir,
    random: Random,
    codec: Codec,
    /// The numbers of the events that were acknowledged.
    events: Vec<u64>,
    /// Whether somebody was killed since the last repair.
    unclean: bool,
    /// Whether 0.2.0, which repairs nothing, wrote to the archive since.
    behind: bool,
}

impl Turns {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let codec = [STORED, ROUNDED, REAL][random.below(3)];
        Self {
            seed,
            dir: tempdir().unwrap(),
            random,
            codec,
            events: Vec::new(),
            unclean: false,
            behind: false,
        }
    }

    fn event(&mut self) -> Event {
        let n = self.events.len() as u64;
        self.events.push(n);
        let padding = [0, 0, 3, 40, 700][self.random.below(5)];
        Event::at(n, "t", n.into()).with_actor("x".repeat(padding))
    }

    fn image(&self) -> Image {
        let mut image = Image::default();
        for (slot, name) in FILES {
            image.slots[slot] = fs::read(self.dir.path().join(name)).ok();
        }
        image
    }

    fn leave(&self, image: &Image) {
        for (slot, name) in FILES {
            fs::write(self.dir.path().join(name), image.bytes(slot)).unwrap();
        }
    }

    /// Opens, reads, appends and rotates, perhaps until it is killed. False where it refuses what
    /// 0.2.0 wrote behind what a kill had left.
    fn ours(&mut self) -> bool {
        let image = self.image();
        let disk = Disk::holding(image.clone());
        let mut writer = match self.opened(&disk) {
            Ok(writer) => writer,
            Err(error) => {
                let corrupt = matches!(error, Error::Corrupt { .. });
                assert!(
                    corrupt && self.behind,
                    "seed {}: {error}\n{image}",
                    self.seed
                );
                return false;
            }
        };
        (self.unclean, self.behind) = (false, false);
        for _ in 0..self.random.below(3) {
            for _ in 0..self.random.below(4) {
                let event = self.event();
                writer.append(&event, Durability::Synced).unwrap();
            }
            if self.random.one_in(2) {
                let part = Harm::Part(self.random.below(300));
                let harm = [Harm::Refuse, part][self.random.below(2)];
                disk.plan(Plan {
                    writes: Some((self.random.below(7), harm)),
                    for_good: true,
                    ..Plan::default()
                });
            }
            if writer.rotate().is_err() {
                self.unclean = true;
                break;
            }
            disk.plan(Plan::default());
        }
        self.leave(&disk.shown(Image::clone));
        true
    }

    /// The log, opened, in which each event is read once.
    fn opened(&self, disk: &Disk) -> Result<Writer<Disk>, Error<Failed>> {
        let (writer, _) = Writer::open(disk.clone(), self.codec, Access::Exclusive)?;
        let mut scan = Scan::new(disk.clone(), self.codec, 0);
        let mut read = Vec::new();
        while let Some(record) = scan.next_record::<u64>()? {
            read.push(record.event.data);
        }
        assert_eq!(read, self.events, "seed {}", self.seed);
        Ok(writer)
    }

    /// The same of 0.2.0, but that it does not look at what is there.
    fn theirs(&mut self) {
        // A child that another test is just starting can still have its file open.
        let mut theirs = loop {
            match old::EventLog::open(self.dir.path()) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => std::thread::yield_now(),
                log => break log.unwrap(),
            }
        };
        for _ in 0..self.random.below(3) {
            for _ in 0..self.random.below(4) {
                let event = self.event();
                theirs.append(&as_old(&event)).unwrap();
            }
            let before = self.image();
            if before.bytes(LOG).is_empty() {
                continue;
            }
            theirs.rotate().unwrap();
            self.behind |= self.unclean;
            if self.random.one_in(3) {
                drop(theirs);
                // Before its frame was whole. If that is, it has doubled the log by itself.
                let mut image = self.image();
                let from = before.bytes(ARCHIVE).len();
                let to = from + self.random.below(image.bytes(ARCHIVE).len() - from);
                image.slots[LOG] = before.slots[LOG].clone();
                image.slots[ARCHIVE].as_mut().unwrap().truncate(to);
                self.leave(&image);
                self.unclean = true;
                return;
            }
        }
    }
}
