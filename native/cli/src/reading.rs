//! Reading a log for somebody who looks: what is there, up to where, and what is damaged.

use std::io;
use std::path::Path;

use eventfold::{Error, EventReader, EventRef, LogIterator};

use crate::failure::{Failure, Outcome};
use crate::files::{ARCHIVE, LOG, check_dir, holds_log};
use crate::output;

/// A directory without a log reads as an empty one, and a writer would make one there.
pub(crate) fn check_log(dir: &Path) -> Outcome {
    check_dir(dir)?;
    match EventReader::new(dir).read_last(0) {
        // That of a damaged archive is told by who reads it.
        Err(error) if error.kind() != io::ErrorKind::InvalidData => return Err(error.into()),
        _ => {}
    }
    match holds_log(dir) {
        true => Ok(()),
        false => Err(Failure::new(format!(
            "there is no log in {}: neither {LOG} nor {ARCHIVE}; name the log's directory, or \
             begin one with eventfold append",
            dir.display()
        ))),
    }
}

/// Where the log ends now.
pub(crate) fn end(reader: &EventReader) -> Outcome<u64> {
    Ok(reader.read_last(0)?.position())
}

/// Whether an event starts at `position`, or the log ends there.
///
/// # Errors
/// Where neither is so. Damage is told by the read that follows.
pub(crate) fn check_position(reader: &EventReader, position: u64) -> io::Result<()> {
    match reader.has_new_events(position) {
        Err(error) if error.kind() != io::ErrorKind::InvalidData => Err(error),
        _ => Ok(()),
    }
}

/// The next event, all of which can be read: what is printed is looked at by nobody else.
pub(crate) fn next_whole(events: &mut LogIterator) -> Option<io::Result<EventRef<'_>>> {
    let event = events.next_ref()?;
    Some(event.and_then(|event| event.check().map(|()| event)))
}

/// The same, if it starts before `end`: what lies behind blank lines up to there does not.
pub(crate) fn next_before(events: &mut LogIterator, end: u64) -> Option<io::Result<EventRef<'_>>> {
    if LogIterator::position(events) >= end {
        return None;
    }
    next_whole(events).filter(|event| match event {
        Ok(event) => event.position() < end,
        // Of the archive it can hide what lies before it too.
        Err(error) => !matches!(
            Error::of(error),
            Some(Error::Corrupt { path, position, .. }) if path.ends_with(LOG) && *position >= end
        ),
    })
}

/// Damage that reading met and passed.
#[derive(Debug, Default)]
pub(crate) struct Damage {
    places: u64,
    /// Whether nobody can say what lies behind the last of them.
    pub(crate) hides_rest: bool,
}

impl Damage {
    /// `hides_rest`: reading ends before it.
    ///
    /// # Errors
    /// What is no damage, and cannot be passed.
    pub(crate) fn tell(&mut self, error: io::Error, hides_rest: bool) -> Outcome {
        if error.kind() != io::ErrorKind::InvalidData {
            return Err(error.into());
        }
        self.places += 1;
        self.hides_rest = hides_rest;
        output::note(&error.to_string());
        Ok(())
    }

    pub(crate) fn outcome(&self, dir: &Path) -> Outcome {
        let rest = match self.hides_rest {
            true => ", nor what lies behind it",
            false => "; the rest was",
        };
        match self.places {
            0 => Ok(()),
            n => Err(Failure::new(format!(
                "{} could not be read{rest}; eventfold doctor {} says what to do",
                output::counted(n, "place"),
                dir.display()
            ))),
        }
    }
}
