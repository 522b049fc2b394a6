//! What is wrong with a log, found without a lock and without changing anything.

mod archive;
mod beside;
mod events;
mod repair;

use std::fs;
use std::path::{Path, PathBuf};

use eventfold::{EventReader, LockState, who_holds};

use crate::disk::{Disk, Fsync};
use crate::failure::Outcome;
use crate::files::{ARCHIVE, LOG, holds_log};
use crate::output::{count, size, writer};

pub(crate) use repair::repair;

/// More of one kind than this are counted only.
const MAX_NAMED: usize = 1000;

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) events: u64,
    pub(crate) findings: Vec<Finding>,
    /// Damaged places that are not among the findings, for their number.
    pub(crate) unnamed: u64,
    /// Whether a line has no end yet, which its writer may be in the midst of.
    pub(crate) under_way: bool,
}

/// One thing that is wrong, or worth knowing.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) kind: Kind,
    /// What it is, and where.
    pub(crate) what: String,
    /// What it means for the user, and the way out.
    pub(crate) meaning: String,
}

/// What can be done about a finding.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing need be done.
    Remark,
    /// Bytes are lost, or a file cannot be used.
    Damage,
    /// Events are lost, and a writer that opens the log goes on without them: then nothing shows it.
    Lost,
    /// A crash left it so: the next writer puts it right as it opens the log.
    Unfinished,
    /// A file that is rebuilt when it is not there.
    Rebuilt(PathBuf),
    /// A line of the log, from this offset on, that is no event.
    Line(u64),
}

impl Kind {
    pub(crate) fn is_repairable(&self) -> bool {
        matches!(self, Self::Unfinished | Self::Rebuilt(_) | Self::Line(_))
    }

    pub(crate) fn is_damage(&self) -> bool {
        matches!(self, Self::Damage | Self::Lost)
    }
}

impl Report {
    /// # Errors
    /// What keeps anybody from looking.
    pub(crate) fn of(dir: &Path) -> Outcome<Self> {
        let before = lengths(dir);
        let report = Self::beside(dir, &who_holds(dir)?)?;
        match report.is_healthy() || lengths(dir) == before {
            true => Ok(report),
            // A writer came, and perhaps went, meanwhile: it can be that which was found.
            false => Self::beside(dir, &LockState::Held(None)),
        }
    }

    fn beside(dir: &Path, lock: &LockState) -> Outcome<Self> {
        let reader = EventReader::new(dir);
        let mut report = Self::default();
        report.permissions(dir);
        report.read(&reader, lock)?;
        report.snapshots(&reader)?;
        report.imports(&reader)?;
        report.surroundings(dir, lock);
        Ok(report)
    }

    /// How many findings are of such a kind.
    pub(crate) fn count(&self, is: impl Fn(&Kind) -> bool) -> usize {
        self.findings.iter().filter(|found| is(&found.kind)).count()
    }

    pub(crate) fn is_healthy(&self) -> bool {
        self.count(|kind| *kind != Kind::Remark) == 0
    }

    fn add(&mut self, kind: Kind, what: impl Into<String>, meaning: impl Into<String>) {
        let (what, meaning) = (what.into(), meaning.into());
        self.findings.push(Finding {
            kind,
            what,
            meaning,
        });
    }

    fn permissions(&mut self, dir: &Path) {
        for path in [
            dir.to_path_buf(),
            dir.join(LOG),
            dir.join(ARCHIVE),
            dir.join("views"),
        ] {
            if fs::metadata(&path).is_ok_and(|found| found.permissions().readonly()) {
                self.add(
                    Kind::Remark,
                    format!("{}: no one may write to it", path.display()),
                    "reading goes on; a writer fails until its permissions are changed",
                );
            }
        }
    }

    fn surroundings(&mut self, dir: &Path, lock: &LockState) {
        if !holds_log(dir) {
            self.add(
                Kind::Damage,
                format!("there is no log here: neither {LOG} nor {ARCHIVE}"),
                "name the log's directory; if there was a log here, take the directory from a backup",
            );
        }
        if let LockState::Held(by) = lock {
            self.add(
                Kind::Remark,
                format!("{} is writing", writer(by.as_ref())),
                "what it is in the midst of was not looked at",
            );
        }
        let torn = dir.join("torn.bin");
        if let Ok(found) = fs::metadata(&torn) {
            self.add(
                Kind::Remark,
                format!("torn.bin: {} that were cut off after a crash", size(found.len())),
                "of events that were not acknowledged as a rule; look into it, and remove it when you like",
            );
        }
        if let Some(disk) = Disk::of(dir)
            && disk.fsync == Fsync::No
        {
            self.add(
                Kind::Remark,
                format!("{} on {}", disk.file_system, disk.mounted_on),
                disk.reason,
            );
        }
    }

    /// One of how many there may be.
    fn damage(&mut self, kind: Kind, what: String, meaning: impl Into<String>) {
        let of_kind = std::mem::discriminant(&kind);
        match self.count(|kind| std::mem::discriminant(kind) == of_kind) < MAX_NAMED {
            true => self.add(kind, what, meaning),
            false => self.unnamed += 1,
        }
    }

    fn clock(&mut self, back: u64, first: u64) {
        if back > 0 {
            self.add(
                Kind::Remark,
                format!(
                    "{} of {} events are of an earlier second than one before them, the first of them at position {first}",
                    count(back),
                    count(self.events)
                ),
                "a clock was set back, or events were imported; their order is that of the log",
            );
        }
    }
}

/// Of the files that a writer changes.
fn lengths(dir: &Path) -> [Option<u64>; 2] {
    [LOG, ARCHIVE].map(|file| fs::metadata(dir.join(file)).ok().map(|found| found.len()))
}
