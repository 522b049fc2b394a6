//! Running a script on a disk, and knowing what was promised at each of its operations.

use eventfold_core::{
    Access, Appended, Codec, Durability, Error, Event, Fold, Line, LineHash, Scan, Source, Storage,
    Writer,
};

use super::codec::STORED;
use super::disk::{Disk, Harm, Plan};
use super::image::{ARCHIVE, LOG, mix};
use super::known::Ledger;
use super::reach::{Direct, Reach};
use super::script::{Script, Step};

type Failure<R> = Error<<<R as Reach>::Store as Source>::Error>;

/// The name of the scripts' one view.
pub const VIEW: &str = "view";

/// How many events, and a hash over their lines in order.
pub type State = (u64, u64);

pub fn reduce<E: core::error::Error>((n, hash): State, line: &Line<'_>) -> Result<State, Error<E>> {
    line.event::<u64, E>()?;
    Ok((n + 1, mix(hash, line.hash().0)))
}

/// A program that has the disk as its store.
pub type Run = Program<Direct>;

/// A script under way: its disk, its program, and the record of what was promised.
pub struct Program<R: Reach> {
    pub disk: Disk,
    pub ledger: Ledger,
    /// What it rotates with.
    codec: Codec,
    writer: Option<Writer<R::Store>>,
    fold: Fold<State>,
    scan: Scan<R::Store>,
    /// The number of the event appended last, so that no two are the same.
    pub next: u64,
}

impl<R: Reach> Program<R> {
    /// A program that has not opened the log yet, which holds these events.
    pub fn on(disk: Disk, ledger: Ledger, codec: Codec, next: u64) -> Self {
        let saved = Fold::load(&R::reach(&disk), codec, VIEW).unwrap();
        Self {
            ledger,
            codec,
            writer: None,
            fold: saved.unwrap_or(Fold::new((0, 0))),
            scan: Scan::new(R::reach(&disk), codec, 0),
            next,
            disk,
        }
    }

    /// A program on an empty disk.
    pub fn empty(codec: Codec) -> Self {
        Self::on(Disk::default(), Ledger::default(), codec, 0)
    }

    /// A program on an empty disk that will run this script.
    pub fn before(script: &Script) -> Self {
        let (ledger, codec) = (Ledger::default(), script.codec());
        Self::on(Disk::default(), ledger, codec, script.first_event())
    }

    /// Runs a whole script on an empty disk.
    pub fn of(script: &Script) -> Self {
        let mut run = Self::before(script);
        let mut steps = script.steps();
        while let Some(step) = steps.next() {
            match step {
                Step::Kill(n) => {
                    let harm = if n % 2 == 0 {
                        Harm::Refuse
                    } else {
                        Harm::Part(20)
                    };
                    run.open();
                    run.disk.plan(Plan {
                        writes: Some((usize::from(n), harm)),
                        for_good: true,
                        ..Plan::default()
                    });
                    if let Some(step) = steps.next() {
                        run.step(step);
                    }
                    run.end();
                }
                step => run.step(step),
            }
        }
        run
    }

    /// Tells what was done and what was said of each event, for a replay.
    pub fn tell(&self) {
        self.disk.tell();
        for known in &self.ledger.0 {
            println!("{known}");
        }
    }

    /// Ends the process, and with it whatever was to fail.
    pub fn end(&mut self) {
        self.writer = None;
        self.disk.plan(Plan::default());
    }

    /// Opens the log where it is not open.
    pub fn open(&mut self) {
        // Failures planned for the opening are met within a few attempts.
        for _ in 0..20 {
            if self.writer.is_some() {
                return;
            }
            self.disk.open();
            match Writer::open(R::reach(&self.disk), self.codec, Access::Exclusive) {
                Ok((writer, _)) => {
                    self.writer = Some(writer);
                    self.look();
                }
                Err(Error::Storage { .. }) => {}
                Err(error) => panic!("the log does not open: {error}"),
            }
        }
        if self.writer.is_none() {
            self.end();
            self.open();
        }
    }

    /// Sees what is there after opening, all of which is durable.
    fn look(&mut self) {
        let mut there = Vec::new();
        let shown = Disk::holding(self.disk.shown(Clone::clone));
        let mut scan = Scan::new(shown, STORED, 0);
        loop {
            match scan.next_line() {
                Ok(Some(line)) => there.push((line.position, line.hash())),
                Ok(None) => break,
                Err(Error::Corrupt { .. }) => {}
                Err(error) => panic!("the log does not read: {error}"),
            }
        }
        self.ledger.look(&there);
        self.ledger.settle(self.disk.operations());
    }

    pub fn step(&mut self, step: Step) {
        match step {
            Step::Short { synced } => self.append(&[0], synced),
            Step::Long { synced } => self.append(&[1300], synced),
            Step::Huge => self.append(&[1_100_000], false),
            Step::Batch { synced } => self.append(&[0, 700, 0], synced),
            Step::Same => self.append_lines(&[Event::at(1, "same", 7)], true, false),
            Step::Condition => {
                let event = self.fresh(0);
                self.append_lines(&[event], true, true);
            }
            Step::Refused => self.refused(),
            Step::Rotate => self.acknowledge(|writer| writer.rotate().map(drop)),
            Step::Prepare => self.prepare(),
            Step::Sync => self.acknowledge(Writer::sync),
            Step::Save { synced } => {
                // A snapshot must not know events that a power cut can take.
                if synced {
                    self.acknowledge(Writer::sync);
                }
                if !synced || self.writer.is_some() {
                    self.save();
                }
            }
            Step::Reopen => {
                self.writer = None;
                self.open();
            }
            Step::Read => self.read(),
            Step::Kill(_) => {}
        }
    }

    fn fresh(&mut self, padding: usize) -> Event<u64> {
        self.next += 1;
        let event = Event::at(self.next, "t", self.next);
        match padding {
            0 => event,
            len => event.with_actor("x".repeat(len)),
        }
    }

    fn append(&mut self, paddings: &[usize], synced: bool) {
        let events: Vec<_> = paddings.iter().map(|len| self.fresh(*len)).collect();
        self.append_lines(&events, synced, false);
    }

    fn append_lines(&mut self, events: &[Event<u64>], synced: bool, on_condition: bool) {
        self.open();
        let Some(mut writer) = self.writer.take() else {
            return;
        };
        let durability = if synced {
            Durability::Synced
        } else {
            Durability::Buffered
        };
        let failed = self.disk.failed();
        let now = self.disk.operations();
        let first = self.ledger.begin(writer.end_position(), events, now);
        let appended = match events {
            [event] if on_condition => {
                let end = writer.end_position();
                let known = self.ledger.last_hash(end);
                let hash = known.map_or_else(|| writer.last_hash(), Ok);
                hash.and_then(|hash| writer.append_if(event, end, hash, durability))
                    .map(|at| vec![at])
            }
            [event] => writer.append(event, durability).map(|at| vec![at]),
            events => writer.append_batch(events, durability),
        };
        self.writer = Some(writer);
        let now = self.disk.operations();
        match appended {
            Ok(appended) => {
                self.ledger.acknowledge(first, &appended);
                if synced {
                    self.ledger.settle(now);
                }
            }
            Err(Error::DurabilityUnknown { position, .. }) => self.doubt(position, failed),
            Err(Error::Storage { .. }) => self.ledger.refuse(first, now),
            Err(error) => panic!("an append failed: {error}"),
        }
    }

    /// Does what, when it succeeds, makes everything before it durable.
    fn acknowledge(&mut self, act: impl FnOnce(&mut Writer<R::Store>) -> Result<(), Failure<R>>) {
        self.open();
        let Some(writer) = self.writer.as_mut() else {
            return;
        };
        let (failed, before) = (self.disk.failed(), self.disk.operations());
        match act(writer) {
            Ok(()) => self.ledger.settle(self.disk.operations()),
            Err(Error::DurabilityUnknown { position, .. }) => self.doubt(position, failed),
            Err(Error::Storage { .. }) => {
                // A rotation that was refused leaves a writer that goes on, or is poisoned.
                if self.disk.synced_since(before, LOG) {
                    self.ledger.settle(self.disk.operations());
                }
                let end = writer.end_position();
                let failed = self.disk.failed();
                match writer.sync() {
                    Ok(()) => {
                        assert_eq!(end, writer.end_position());
                        self.ledger.settle(self.disk.operations());
                    }
                    Err(Error::Poisoned { .. }) => self.poisoned(),
                    Err(Error::DurabilityUnknown { position, .. }) => self.doubt(position, failed),
                    Err(error) => panic!("a sync failed: {error}"),
                }
            }
            Err(error) => panic!("a sync or a rotation failed: {error}"),
        }
    }

    /// What is not durable is in doubt, after a call during which the disk failed, as it had
    /// `failed` times before.
    fn doubt(&mut self, position: u64, failed: usize) {
        // Where nothing failed but one sync, the log shows what is acknowledged and nothing else.
        if self.disk.failed() > failed + 1 {
            self.ledger.doubt(position);
        }
        self.poisoned();
    }

    /// The writer must refuse everything from now on, and write nothing.
    fn poisoned(&mut self) {
        let Some(mut writer) = self.writer.take() else {
            return;
        };
        let before = self.disk.operations();
        let event = Event::at(0, "poisoned", 0);
        let refused = writer.append(&event, Durability::Buffered);
        assert!(
            matches!(refused, Err(Error::Poisoned { .. })),
            "{refused:?}"
        );
        assert!(matches!(writer.rotate(), Err(Error::Poisoned { .. })));
        assert!(matches!(writer.sync(), Err(Error::Poisoned { .. })));
        let prepared = writer.prepare_rotation(0);
        assert!(matches!(prepared, Err(Error::Poisoned { .. })));
        assert_eq!(before, self.disk.operations(), "a poisoned writer wrote");
    }

    fn refused(&mut self) {
        self.open();
        let event = self.fresh(0);
        let Some(writer) = self.writer.as_mut() else {
            return;
        };
        let before = self.disk.operations();
        let (end, hash) = (writer.end_position(), LineHash(3));
        let refused = writer.append_if(&event, end, hash, Durability::Synced);
        let read_failed = matches!(refused, Err(Error::Storage { .. }));
        assert!(
            read_failed || matches!(refused, Err(Error::Conflict { .. })),
            "{refused:?}"
        );
        assert_eq!(before, self.disk.operations(), "a refused append wrote");
    }

    fn prepare(&mut self) {
        self.open();
        let Some(writer) = self.writer.as_mut() else {
            return;
        };
        let archive = |disk: &Disk| disk.shown(|image| image.slots[ARCHIVE].clone());
        let (failed, before) = (self.disk.failed(), self.disk.operations());
        let archived = archive(&self.disk);
        // Near its limit: a log of scripts is never as long as a block.
        let prepared = writer.prepare_rotation(writer.log_len());
        assert_eq!(archived, archive(&self.disk), "archived before a rotation");
        if self.disk.synced_since(before, LOG) {
            self.ledger.settle(self.disk.operations());
        }
        match prepared {
            Ok(()) | Err(Error::Storage { .. }) => {}
            Err(Error::DurabilityUnknown { position, .. }) => self.doubt(position, failed),
            Err(error) => panic!("a rotation is not prepared: {error}"),
        }
    }

    fn save(&mut self) {
        match self
            .fold
            .refreshed(R::reach(&self.disk), self.codec, reduce)
        {
            Ok(Some(fold)) => {
                let shown = self.disk.shown(Clone::clone);
                let rebuilt = Fold::new((0, 0)).refreshed(&shown, STORED, reduce);
                assert_eq!(
                    rebuilt.unwrap().as_ref(),
                    Some(&fold),
                    "refreshed otherwise"
                );
                self.fold = fold;
            }
            Ok(None) | Err(Error::Storage { .. } | Error::Corrupt { .. }) => return,
            Err(error) => panic!("a view does not refresh: {error}"),
        }
        let Some(writer) = &mut self.writer else {
            return;
        };
        let (failed, before) = (self.disk.failed(), self.disk.operations());
        let saved = writer.save(&self.fold, VIEW);
        if self.disk.synced_since(before, LOG) {
            self.ledger.settle(self.disk.operations());
        }
        match saved {
            Ok(()) | Err(Error::Storage { .. }) => {}
            Err(Error::DurabilityUnknown { position, .. }) => self.doubt(position, failed),
            Err(error) => panic!("a view is not saved: {error}"),
        }
    }

    fn read(&mut self) {
        let mut failures = 0;
        loop {
            let before = self.scan.position();
            match self.scan.next_line() {
                Ok(Some(line)) => {
                    self.ledger.check_read(before, line.position, line.bytes);
                }
                Ok(None) => break,
                // A disk that fails for good is given up on.
                Err(Error::Storage { .. }) if failures > 10 => return,
                Err(Error::Storage { .. }) => failures += 1,
                Err(error) => panic!("a reader failed: {error}"),
            }
        }
        if let Some(writer) = &self.writer {
            let end = writer.end_position();
            assert_eq!(self.scan.position(), end, "not read to the end");
        }
    }
}

/// Appends one more event with any store, for after a recovery.
pub fn append_after<S: Storage>(writer: &mut Writer<S>) -> Result<Appended, Error<S::Error>> {
    writer.append(&Event::at(0, "after", 0), Durability::Synced)
}
