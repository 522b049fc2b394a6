//! What can be put right is, after a copy of each file that changes.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use eventfold::{EventWriter, LockState, who_holds};

use super::{Kind, Report};
use crate::failure::{Failure, Outcome};
use crate::files::{ARCHIVE, LOG, sync_dir};
use crate::output;

/// Copies what a repair touches, and repairs it. Returns where the copies are.
pub(crate) fn repair(dir: &Path, report: &Report) -> Outcome<PathBuf> {
    // Before anything is copied in vain. A writer that opens puts right what a crash left, so
    // that none may come before the copy.
    let by = match who_holds(dir)? {
        LockState::Held(by) => Some(by),
        // It has stopped since, in the midst of what was not looked at.
        LockState::Free if report.under_way => Some(None),
        LockState::Free => None,
    };
    if let Some(by) = by {
        return Err(Failure::new(format!(
            "nothing was repaired: {} is writing; stop it and run this again",
            output::writer(by.as_ref())
        )));
    }
    let copies = new_dir(dir)?;
    copy_all(dir, &copies, report).map_err(|error| {
        // Nothing was changed, and what is cut off is no copy.
        let _ = fs::remove_dir_all(&copies);
        Failure::io(format_args!("cannot copy to {}", copies.display()), &error)
    })?;

    // Opening repairs, and keeps others away from what follows.
    let writer = EventWriter::open(dir)?;
    output::note_recovery(dir, writer.recovery());
    // Opening may have moved them.
    let lines = Report::of(dir)?.findings;
    let lines = lines.iter().filter_map(|found| match found.kind {
        Kind::Line(offset) => Some(offset),
        _ => None,
    });
    blank_lines(dir, lines).map_err(|error| {
        let log = dir.join(LOG);
        Failure::io(format_args!("cannot repair {}", log.display()), &error)
    })?;
    for found in &report.findings {
        if let Kind::Rebuilt(file) = &found.kind {
            let path = dir.join(file);
            fs::remove_file(&path).map_err(|error| {
                Failure::io(format_args!("cannot remove {}", path.display()), &error)
            })?;
        }
    }
    Ok(copies)
}

/// A directory for copies, named after the time.
fn new_dir(dir: &Path) -> Outcome<PathBuf> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let mut seconds = now.unwrap_or_default().as_secs();
    loop {
        let copies = dir.join(format!("before-repair-{seconds}"));
        match fs::create_dir(&copies) {
            Ok(()) => return Ok(copies),
            // Another repair began in this second.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => seconds += 1,
            Err(error) => {
                let action = format_args!("cannot make {}", copies.display());
                return Err(Failure::io(action, &error));
            }
        }
    }
}

/// Copies each file that a repair touches.
fn copy_all(dir: &Path, copies: &Path, report: &Report) -> io::Result<()> {
    for found in &report.findings {
        match &found.kind {
            Kind::Unfinished | Kind::Lost => {
                for file in [LOG, ARCHIVE, "torn.bin"] {
                    copy(dir, copies, Path::new(file))?;
                }
            }
            Kind::Line(_) => copy(dir, copies, Path::new(LOG))?,
            Kind::Rebuilt(file) => copy(dir, copies, file)?,
            Kind::Remark | Kind::Damage => {}
        }
    }
    sync_dir(dir)
}

/// What is not there, is copied already, or is no file, such as a pipe, needs no copy.
fn copy(dir: &Path, copies: &Path, file: &Path) -> io::Result<()> {
    let (from, to) = (dir.join(file), copies.join(file));
    if !from.is_file() || to.exists() {
        return Ok(());
    }
    let parent = to.parent().unwrap_or(copies);
    fs::create_dir_all(parent)?;
    fs::copy(&from, &to)?;
    File::open(&to)?.sync_all()?;
    sync_dir(parent)?;
    sync_dir(copies)
}

/// Puts blank lines in the place of the lines at these offsets. The file stays the one that it is:
/// its owner's, and the one that others have open.
fn blank_lines(dir: &Path, offsets: impl Iterator<Item = u64>) -> io::Result<()> {
    let mut log = File::options().read(true).write(true).open(dir.join(LOG))?;
    for offset in offsets {
        log.seek(SeekFrom::Start(offset))?;
        let len = BufReader::new(&log).skip_until(b'\n')?;
        log.seek(SeekFrom::Start(offset))?;
        io::copy(&mut io::repeat(b'\n').take(len as u64), &mut log)?;
    }
    log.sync_all()
}
