//! A consistent copy of a log while a writer is at work.

mod files;

use std::fs::{self, File, Permissions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use eventfold::{Error, EventReader, EventWriter, NoSnapshot};
use tempfile::TempDir;

use crate::failure::{Failure, Outcome};
use crate::files::{ARCHIVE, LOG, UNNAMED, check_is_there, nameless, parent, sync_dir};
use crate::output::{self, counted, safe_line, size};
use crate::reading::{end, next_before};
use crate::saved::file_of;

use files::{copy_dir, copy_files, remove, remove_dir, sync_all, writable};

/// How often a writer may rotate into the copying before it is given up.
const TRIES: u32 = 100;

/// A copy that has no name yet, and vanishes unless it gets one.
pub(crate) struct Copy {
    dir: TempDir,
    to: PathBuf,
    /// As the directory that was copied has them.
    permissions: Permissions,
    /// How many places of it cannot be read, nor of the log that was copied.
    damaged: u64,
}

impl Copy {
    /// Copies the log of `reader` to a place beside `to`, and compares what was written with it up
    /// to `end`.
    ///
    /// # Errors
    /// Where `to` is there and holds anything, and where the disk does.
    pub(crate) fn of(reader: &EventReader, end: u64, to: &Path) -> Outcome<Self> {
        check_is_there(parent(to))?;
        check_free(to)?;
        let from = reader.dir();
        check_is_outside(to, from)?;
        let cannot = |error| Failure::io(format_args!("cannot write {}", to.display()), &error);
        let mut builder = tempfile::Builder::new();
        let dir = builder
            .prefix(UNNAMED)
            .tempdir_in(parent(to))
            .map_err(|error| cannot(nameless(error)))?;
        let mut copy = Self {
            dir,
            to: to.to_path_buf(),
            permissions: writable(&fs::metadata(from).map_err(cannot)?),
            damaged: 0,
        };
        let cannot_copy = |from: &Path, error| {
            let (from, to) = (from.display(), to.display());
            Failure::io(format_args!("cannot copy {from} to {to}"), &error)
        };
        // Before the log, so that they are about no event that is not in the copy.
        for part in ["imports", "views"] {
            let part_of_log = from.join(part);
            copy_dir(&part_of_log, &copy.dir.path().join(part))
                .map_err(|error| cannot_copy(&part_of_log, error))?;
        }
        for _ in 0..TRIES {
            let copied = copy_files(from, copy.dir.path());
            if copied.map_err(|error| cannot_copy(from, error))? && copy.holds(reader, end)? {
                copy.forget_snapshots_ahead(reader).map_err(cannot)?;
                return Ok(copy);
            }
        }
        Err(Failure::new(format!(
            "{0} read differently from what was copied of it, {TRIES} times: if a writer rotates it \
             all the time, stop that for a moment; else see what is wrong: eventfold doctor {0}",
            from.display()
        )))
    }

    pub(crate) fn reader(&self) -> EventReader {
        EventReader::new(self.dir.path())
    }

    /// What is before position `at` alone, archived again if it was, and compared with what `reader`
    /// reads.
    pub(crate) fn cut(&mut self, reader: &EventReader, at: u64) -> Outcome {
        // What a crash left behind the last event is not in the copy.
        let at = at.min(end(&self.reader())?);
        let damaged = || {
            Failure::new(format!(
                "{0} could not be cut at position {at}: something there is damaged; eventfold \
                 doctor {0} says what to do",
                reader.dir().display()
            ))
        };
        let (log, archive) = (self.dir.path().join(LOG), self.dir.path().join(ARCHIVE));
        // A rotation that was taken back leaves an empty one, of which zstd makes nothing.
        let was_archived = archive.metadata().is_ok_and(|found| found.len() > 0);
        let whole = self.dir.path().join("history");
        let write = || {
            let mut history = File::create(&whole)?;
            history.set_permissions(writable(&log.metadata()?))?;
            if was_archived {
                let mut archived = zstd::Decoder::new(File::open(&archive)?)?.take(at);
                io::copy(&mut archived, &mut history)?;
            }
            let left = at - history.metadata()?.len();
            io::copy(&mut File::open(&log)?.take(left), &mut history)?;
            history.sync_all()?;
            fs::rename(&whole, &log)?;
            remove(&archive)?;
            for part in ["imports", "views"] {
                remove_dir(&self.dir.path().join(part))?;
            }
            Ok(())
        };
        write().map_err(|error: io::Error| match error.raw_os_error() {
            Some(_) => Failure::io(format_args!("cannot write {}", self.to.display()), &error),
            // It is zstd's, of what is archived.
            None => damaged(),
        })?;
        if was_archived {
            EventWriter::open(self.dir.path())?.rotate()?;
        }
        match self.holds(reader, at)? && end(&self.reader())? == at {
            true => Ok(()),
            false => Err(damaged()),
        }
    }

    /// Whether it is what `reader` reads, up to `end`. Damage is copied with the rest.
    pub(crate) fn holds(&mut self, reader: &EventReader, end: u64) -> Outcome<bool> {
        self.damaged = 0;
        // What a writer was in the midst of is put right in the copy.
        match EventWriter::open(self.dir.path()) {
            Ok(writer) => drop(writer),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {}
            Err(error) => return Err(error.into()),
        }
        let (mut ours, mut theirs) = (self.reader().read_full()?, reader.read_full()?);
        loop {
            let is_same = match (next_before(&mut ours, end), next_before(&mut theirs, end)) {
                (None, None) => return Ok(true),
                // Behind a torn line, which is none where the copy's last event got its newline.
                (Some(our), None) => {
                    self.damaged += u64::from(our.is_err());
                    true
                }
                (Some(Ok(our)), Some(Ok(their))) => {
                    our.position() == their.position() && our.line() == their.line()
                }
                (Some(Err(our)), Some(Err(their))) => {
                    self.damaged += 1;
                    is_same_damage(&our, their)?
                }
                (_, Some(Err(error))) if error.kind() != io::ErrorKind::InvalidData => {
                    return Err(error.into());
                }
                _ => false,
            };
            if !is_same {
                return Ok(false);
            }
        }
    }

    /// Those are of no use without the events that they fold, nor those that are gone since: a
    /// rotation removes the ones that it makes wrong. What could not be used before is copied with
    /// the rest: of damaged events a state can be all that is left.
    fn forget_snapshots_ahead(&self, from: &EventReader) -> io::Result<()> {
        let reader = self.reader();
        for name in reader.saved_views()? {
            if reader.saved_view(&name)?.is_err()
                && matches!(from.saved_view(&name)?, Ok(_) | Err(NoSnapshot::Missing))
            {
                remove(&self.dir.path().join(file_of(&name)))?;
            }
        }
        Ok(())
    }

    /// Gives it its name, once all of it is on the disk, and says what it holds.
    ///
    /// # Errors
    /// Also where something of it cannot be read; it is kept all the same.
    pub(crate) fn keep(self) -> Outcome {
        let (end, damaged, to) = (end(&self.reader())?, self.damaged, self.to.clone());
        self.take_name()?;
        let shown = to.to_string_lossy();
        let shown = safe_line(&shown);
        let said = output::line(&format!(
            "{shown}: {} of events, read back and the same",
            size(end)
        ));
        match damaged {
            0 => said.map_err(|failure| failure.after("the copy is there, whole")),
            n => Err(Failure::new(format!(
                "{} of the log could not be read, and no more of the copy: \
                 eventfold doctor {shown} tells what is wrong",
                counted(n, "place")
            ))),
        }
    }

    fn take_name(self) -> Outcome {
        let Self {
            dir,
            to,
            permissions,
            damaged: _,
        } = self;
        let keep = || {
            for file in ["app.jsonl.writer", "app.jsonl.lock", "torn.bin"] {
                remove(&dir.path().join(file))?;
            }
            sync_all(dir.path())?;
            fs::set_permissions(dir.path(), permissions)?;
            if to.exists() {
                fs::remove_dir(&to)?;
            }
            fs::rename(dir.path(), &to)?;
            // It is no longer there under the name by which it would be removed.
            let _ = dir.keep();
            sync_dir(&to)?;
            sync_dir(parent(&to))
        };
        keep().map_err(|error: io::Error| {
            let failure = Failure::io(format_args!("cannot write {}", to.display()), &error);
            match to.exists() {
                // Such as one that something is mounted on.
                true => failure.after("name a directory that is not there yet"),
                false => failure,
            }
        })
    }
}

/// What lies in a log's directory goes with it.
fn check_is_outside(to: &Path, log: &Path) -> Outcome {
    match (parent(to).canonicalize(), log.canonicalize()) {
        (Ok(place), Ok(own)) if place.starts_with(&own) => Err(Failure::new(format!(
            "{} lies in the log's own directory; name a directory elsewhere",
            to.display()
        ))),
        _ => Ok(()),
    }
}

fn check_free(to: &Path) -> Outcome {
    match fs::read_dir(to).map(|mut files| files.next().is_none()) {
        Ok(true) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Err(Failure::new(format!(
            "{} is a file; name a directory that is not there yet",
            to.display()
        ))),
        Ok(false) => Err(Failure::new(format!(
            "{} is not empty: name a directory that is not there yet",
            to.display()
        ))),
        Err(error) => Err(Failure::io(
            format_args!("cannot write {}", to.display()),
            &error,
        )),
    }
}

/// # Errors
/// What is no damage.
fn is_same_damage(our: &io::Error, their: io::Error) -> Outcome<bool> {
    match (Error::of(our), Error::of(&their)) {
        (
            Some(Error::Corrupt { position: ours, .. }),
            Some(Error::Corrupt {
                position: theirs, ..
            }),
        ) => Ok(ours == theirs),
        _ => Err(their.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eventfold::Event;

    #[test]
    fn a_snapshot_of_0_2_0_that_a_rotation_removes_meanwhile_is_not_in_the_copy() {
        let dir = tempfile::tempdir().unwrap();
        let [from, to] = ["from", "to"].map(|name| dir.path().join(name));
        let mut writer = EventWriter::open(&from).unwrap();
        let end = writer.append(&Event::at(0, "n", 1)).unwrap().next_position;
        let snapshot = "views/n.snapshot.json";
        fs::create_dir(from.join("views")).unwrap();
        fs::write(from.join(snapshot), r#"{"state":0,"offset":0,"hash":""}"#).unwrap();
        let reader = EventReader::new(&from);
        let copy = Copy::of(&reader, end, &to).unwrap();
        let copied = copy.dir.path().join(snapshot);
        assert!(copied.exists());
        writer.rotate().unwrap();
        assert!(!from.join(snapshot).exists());
        copy.forget_snapshots_ahead(&reader).unwrap();
        assert!(!copied.exists());
    }
}
