//! One program over real files and over a simulated disk.

use std::io;
use std::path::{Path, PathBuf};

use eventfold::{Durability, Error, Event, EventLog, LineHash, ZSTD};
use eventfold_core::{Access, Fold, Writer};

use super::calls::Call;
use super::expansion::Expansion;
use super::say;
use crate::sim::Disk;
use crate::sim::image::Image;
use crate::sim::op::Op;
use crate::sim::script::{Script, Step};

const VIEW: &str = "view";

/// A log that a script is run on. What fails ends the program.
trait Program {
    fn reopen(&mut self);
    fn append(&mut self, events: &[Event<u64>], durability: Durability);
    /// Appends where the log ends, or is refused by another hash.
    fn append_if(&mut self, event: &Event<u64>, holds: bool);
    fn sync(&mut self);
    fn rotate(&mut self);
    fn refresh(&mut self);
}

/// Runs a script with numbers from `next` on; `after` is called after each step.
fn run<P: Program>(script: &Script, mut next: u64, program: &mut P, after: impl Fn(&mut P)) {
    let mut fresh = |padding: usize| {
        next += 1;
        let event = Event::at(next, "t", next);
        match padding {
            0 => event,
            len => event.with_actor("x".repeat(len)),
        }
    };
    let durability = |synced| match synced {
        true => Durability::Synced,
        false => Durability::Buffered,
    };
    for step in script.steps() {
        match step {
            Step::Short { synced } => program.append(&[fresh(0)], durability(synced)),
            Step::Long { synced } => program.append(&[fresh(1300)], durability(synced)),
            Step::Huge => program.append(&[fresh(1_100_000)], Durability::Buffered),
            Step::Same => program.append(&[Event::at(1, "same", 7)], Durability::Synced),
            Step::Batch { synced } => {
                program.append(&[0, 700, 0].map(&mut fresh), durability(synced));
            }
            Step::Condition => program.append_if(&fresh(0), true),
            Step::Refused => program.append_if(&fresh(0), false),
            Step::Rotate => program.rotate(),
            Step::Sync => program.sync(),
            Step::Save { synced } => {
                if synced {
                    program.sync();
                }
                program.refresh();
            }
            Step::Reopen => program.reopen(),
            // A log does it by itself, and none of these is as long.
            Step::Prepare | Step::Read | Step::Kill(_) => {}
        }
        after(program);
    }
}

// ---- real files -------------------------------------------------------------

struct Real {
    dir: PathBuf,
    log: Option<EventLog>,
}

/// Opens the log in `dir`, runs the script on it, and says so after the opening and each step.
///
/// # Errors
/// When the log cannot be opened.
pub fn run_on_files(dir: &Path, script: &Script, next: u64) -> io::Result<()> {
    let dir = dir.to_path_buf();
    let mut program = Real { dir, log: None };
    program.reopen();
    say("opened")?;
    run(script, next, &mut program, |_| say("done").unwrap());
    Ok(())
}

impl Real {
    fn log(&mut self) -> &mut EventLog {
        self.log.as_mut().unwrap()
    }
}

impl Program for Real {
    fn reopen(&mut self) {
        self.log = None;
        let builder = EventLog::builder(&self.dir);
        let log = builder.view(VIEW, |count: u64, _| count + 1).open();
        self.log = Some(log.unwrap());
    }

    fn append(&mut self, events: &[Event<u64>], durability: Durability) {
        match events {
            [event] => drop(self.log().append_with(event, durability).unwrap()),
            events => drop(self.log().append_batch_with(events, durability).unwrap()),
        }
    }

    fn append_if(&mut self, event: &Event<u64>, holds: bool) {
        let (end, last) = (self.log().end_position(), self.log().last_hash().unwrap());
        let hash = if holds { last } else { LineHash(3) };
        match self.log().append_if(event, end, hash) {
            Ok(_) => assert!(holds),
            Err(error) => {
                let conflict = matches!(Error::of(&error), Some(Error::Conflict { .. }));
                assert!(conflict && !holds, "{error}");
            }
        }
    }

    fn sync(&mut self) {
        self.log().sync().unwrap();
    }

    fn rotate(&mut self) {
        self.log().rotate().unwrap();
    }

    fn refresh(&mut self) {
        self.log().refresh_all().unwrap();
    }
}

// ---- a simulated disk -------------------------------------------------------

struct Simulated {
    disk: Disk,
    writer: Writer<Disk>,
    fold: Fold<u64>,
    /// What the program does beside its operations, and after how many of these.
    moments: Vec<(usize, Moment)>,
}

#[derive(Clone, Copy)]
enum Moment {
    Opens,
    Says,
}

/// The system calls that the script should make on a directory that holds `image`, or is not
/// there, and the bytes of its files afterwards. Readings are left out.
pub fn expected_calls(image: Option<&Image>, script: &Script, next: u64) -> (Vec<Call>, Image) {
    let disk = Disk::holding(image.cloned().unwrap_or_default());
    let moments = run_on_disk(&disk, script, next);
    let calls = disk.history(|base, journal| {
        let mut expansion = Expansion::new(base, image.is_some());
        let mut done = 0;
        for (at, moment) in moments {
            journal[done..at].iter().for_each(|op| expansion.expand(op));
            done = at;
            match moment {
                Moment::Opens => expansion.open(),
                Moment::Says => expansion.say(),
            }
        }
        expansion.close();
        expansion.calls
    });
    (calls, disk.shown(Image::clone))
}

/// The bytes of a disk that held `image` at first after each of the script's operations, and in
/// the midst of each append.
pub fn images(image: &Image, script: &Script) -> Vec<Image> {
    let disk = Disk::holding(image.clone());
    run_on_disk(&disk, script, 0);
    disk.history(|base, journal| {
        let (mut shown, mut images) = (base.clone(), Vec::new());
        for op in journal {
            if let Op::Append { slot, at, bytes } = op {
                let mut half = shown.clone();
                half.write(*slot, *at, &bytes[..bytes.len() / 2]);
                images.push(half);
            }
            op.apply(&mut shown);
            if images.last() != Some(&shown) {
                images.push(shown.clone());
            }
        }
        images
    })
}

fn run_on_disk(disk: &Disk, script: &Script, next: u64) -> Vec<(usize, Moment)> {
    let mut program = Simulated {
        writer: Simulated::open(disk),
        fold: Simulated::load(disk),
        moments: vec![(0, Moment::Opens)],
        disk: disk.clone(),
    };
    program.mark(Moment::Says);
    run(script, next, &mut program, |program| {
        program.mark(Moment::Says)
    });
    program.moments
}

impl Simulated {
    fn open(disk: &Disk) -> Writer<Disk> {
        let opened = Writer::open(disk.clone(), ZSTD, Access::Exclusive);
        opened.unwrap().0
    }

    fn mark(&mut self, moment: Moment) {
        self.moments.push((self.disk.operations(), moment));
    }

    fn load(disk: &Disk) -> Fold<u64> {
        let saved = Fold::load(disk, ZSTD, VIEW).unwrap();
        saved.unwrap_or(Fold::new(0))
    }
}

impl Program for Simulated {
    fn reopen(&mut self) {
        self.mark(Moment::Opens);
        self.writer = Self::open(&self.disk);
        self.fold = Self::load(&self.disk);
    }

    fn append(&mut self, events: &[Event<u64>], durability: Durability) {
        match events {
            [event] => drop(self.writer.append(event, durability).unwrap()),
            events => drop(self.writer.append_batch(events, durability).unwrap()),
        }
    }

    fn append_if(&mut self, event: &Event<u64>, holds: bool) {
        let (end, last) = (self.writer.end_position(), self.writer.last_hash().unwrap());
        let hash = if holds { last } else { LineHash(3) };
        let appended = self.writer.append_if(event, end, hash, Durability::Synced);
        assert_eq!(appended.is_ok(), holds);
    }

    fn sync(&mut self) {
        self.writer.sync().unwrap();
    }

    fn rotate(&mut self) {
        self.writer.rotate().unwrap();
    }

    fn refresh(&mut self) {
        let count =
            |count, _: &eventfold_core::Line<'_>| Ok::<_, eventfold_core::Error<_>>(count + 1);
        let further = self.fold.refreshed(self.disk.clone(), ZSTD, count);
        if let Some(fold) = further.unwrap() {
            self.writer.save(&fold, VIEW).unwrap();
            self.fold = fold;
        }
    }
}
