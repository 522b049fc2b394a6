//! The kinds of reducers that a view may have.

use std::io;
use std::path::Path;

use eventfold_core::{Event, EventBuffer, Fold, Line, check_view_name};
use serde::de::DeserializeOwned;

use super::{State, View};
use crate::error::{CoreError, Error};
use crate::event_ref::EventRef;
use crate::reader::EventReader;

pub(super) type Reducer<S> =
    Box<dyn Fn(S, &Line<'_>, &mut Reading<'_>) -> Result<S, Stop> + Send + Sync>;

/// What one refresh has for its reducer.
pub(super) struct Reading<'r> {
    pub(super) dir: &'r Path,
    pub(super) buffer: EventBuffer,
}

/// What ends a refresh early.
pub(super) enum Stop {
    Log(CoreError),
    Reducer(io::Error),
}

impl From<CoreError> for Stop {
    fn from(error: CoreError) -> Self {
        Self::Log(error)
    }
}

impl Stop {
    pub(super) fn of(self, view: &str, reader: &EventReader) -> io::Error {
        match self {
            // A log can have several views: it says which one asked.
            Self::Log(CoreError::Mismatch { position, reason }) => Error::Mismatch {
                dir: reader.dir().to_path_buf(),
                position,
                reason: format!("view {view:?}: {reason}"),
            }
            .into(),
            Self::Log(error) => Error::in_dir(reader.dir(), error).into(),
            Self::Reducer(error) => error,
        }
    }
}

impl<S: State> View<S> {
    /// A view under this name, the stem of its snapshot's file.
    ///
    /// # Errors
    /// [`Error::View`] when the name cannot be a file's name on every system: it takes 1 to 128
    /// bytes, no separator, no control character, none of `: * ? " < > |`, no dot or space at
    /// either end, and no device name.
    pub fn new(
        name: impl Into<String>,
        reducer: impl Fn(S, &Event) -> S + Send + Sync + 'static,
    ) -> io::Result<Self> {
        Self::folding(name.into(), move |state, line, reading| {
            Ok(reducer(state, reading.buffer.read(line)?))
        })
    }

    /// A view whose reducer takes events with data of type `D`, parsed straight into it: for a log
    /// in which all events have such data. One whose data is no `D` fails the refresh with
    /// [`Error::Mismatch`]. Where events of different types have different data, [`lazy`](Self::lazy)
    /// asks for each as its own, by [`EventRef::data`].
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn typed<D: DeserializeOwned>(
        name: impl Into<String>,
        reducer: impl Fn(S, &Event<D>) -> S + Send + Sync + 'static,
    ) -> io::Result<Self> {
        Self::folding(name.into(), move |state, line, _reading| {
            Ok(reducer(state, &line.event().map_err(Stop::Log)?))
        })
    }

    /// A view whose reducer looks at events without parsing them, and asks for the data of those
    /// that it wants: folding by type, time, identifier or actor is several times as fast. An error
    /// of the reducer is that of the refresh.
    ///
    /// Damage inside a line is found where its data is asked for, see [`EventRef`].
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// use eventfold::{Event, EventRef, EventWriter, View};
    /// use std::collections::BTreeMap;
    ///
    /// let mut writer = EventWriter::open(dir.path())?;
    /// writer.append(&Event::new("paid", 20))?;
    /// writer.append(&Event::new("sent", "a parcel"))?;
    ///
    /// type Counts = BTreeMap<String, u64>;
    /// let mut counts = View::lazy("counts", |mut counts: Counts, event: &EventRef<'_>| {
    ///     *counts.entry(event.event_type().to_owned()).or_default() += 1;
    ///     Ok(counts)
    /// })?;
    /// assert_eq!(counts.refresh(&writer.reader())?["sent"], 1);
    ///
    /// let mut paid = View::lazy("paid", |sum: u64, event: &EventRef<'_>| match event.event_type() {
    ///     "paid" => Ok(sum + event.data::<u64>()?),
    ///     _ => Ok(sum),
    /// })?;
    /// assert_eq!(*paid.refresh(&writer.reader())?, 20);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn lazy(
        name: impl Into<String>,
        reducer: impl Fn(S, &EventRef<'_>) -> io::Result<S> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        Self::folding(name.into(), move |state, line, reading| {
            let event = EventRef::of(line, reading.dir).map_err(Stop::Log)?;
            reducer(state, &event).map_err(Stop::Reducer)
        })
    }

    fn folding(
        name: String,
        reducer: impl Fn(S, &Line<'_>, &mut Reading<'_>) -> Result<S, Stop> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        check_view_name(&name).map_err(|error| Error::in_dir("".as_ref(), error))?;
        Ok(Self {
            name,
            reducer: Box::new(reducer),
            fold: Fold::new(S::default()),
            snapshot: None,
        })
    }
}
