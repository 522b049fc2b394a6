use std::io;
use std::path::Path;

use eventfold_core::{Event, Line, LineHash};
use serde::Deserialize;
use serde_json::Value;

use crate::error::{CoreError, Error};

/// An event in its line: type, time, identifier and actor at once, the rest when asked for.
///
/// A line as the log writes it is taken apart at its ends, without a look at the data between
/// them, which takes a fraction of the time of parsing it. It tells the same as a parsed [`Event`].
/// Damage inside a line is found when its data is asked for, not before.
///
/// [`View::lazy`](crate::View::lazy) folds such events, [`LogIterator::next_ref`] reads them.
///
/// [`LogIterator::next_ref`]: crate::LogIterator::next_ref
#[derive(Debug, Clone)]
pub struct EventRef<'a> {
    event: eventfold_core::EventRef<'a>,
    dir: &'a Path,
}

impl<'a> EventRef<'a> {
    #[inline]
    pub(crate) fn of(line: &Line<'a>, dir: &'a Path) -> Result<Self, CoreError> {
        let event = line.event_ref()?;
        Ok(Self { event, dir })
    }

    /// What kind of thing happened.
    #[must_use]
    pub fn event_type(&self) -> &str {
        self.event.event_type()
    }

    /// When, in whole seconds since 1970-01-01 00:00 UTC.
    #[must_use]
    pub fn ts(&self) -> u64 {
        self.event.ts()
    }

    /// The identifier that its writer gave it.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.event.id()
    }

    /// Who or what caused it.
    #[must_use]
    pub fn actor(&self) -> Option<&str> {
        self.event.actor()
    }

    /// Its data, which may borrow from the line. The whole line is parsed.
    ///
    /// # Errors
    /// [`Error::Mismatch`] when the data is no `D`, [`Error::Corrupt`] when the line is no event.
    pub fn data<D: Deserialize<'a>>(&self) -> io::Result<D> {
        self.event.data().map_err(|error| self.failed(error))
    }

    /// What it holds beside the data. The whole line is parsed.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the line is no event.
    pub fn meta(&self) -> io::Result<Option<Value>> {
        self.event.meta().map_err(|error| self.failed(error))
    }

    /// Checks that all of the line can be read, its data included. Nothing is built of it.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the line is no event.
    pub fn check(&self) -> io::Result<()> {
        self.event.check().map_err(|error| self.failed(error))
    }

    /// The whole event, parsed.
    ///
    /// # Errors
    /// As [`data`](Self::data).
    pub fn event<D: Deserialize<'a>>(&self) -> io::Result<Event<D>> {
        self.event.event().map_err(|error| self.failed(error))
    }

    /// Where its line starts in the whole history, in bytes.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.event.line().position
    }

    /// Where the next line starts: what to read from to go on after this event.
    #[must_use]
    pub fn next_position(&self) -> u64 {
        self.event.line().next_position
    }

    /// Its line as it stands in the log, without the newline.
    #[must_use]
    pub fn line(&self) -> &'a [u8] {
        self.event.line().stored()
    }

    /// The hash of its line, computed when asked for.
    #[must_use]
    pub fn hash(&self) -> LineHash {
        self.event.line().hash()
    }

    fn failed(&self, error: CoreError) -> io::Error {
        Error::in_dir(self.dir, error).into()
    }
}
