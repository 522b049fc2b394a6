//! Views: states derived from the events.

use std::any::Any;
use std::fmt;
use std::io;
use std::path::Path;

use eventfold_core::planted::{Bug, planted};
use eventfold_core::{Event, Fold, Line, NoSnapshot, check_view_name};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::Error;
use crate::event_ref::EventRef;
use crate::reader::EventReader;
use crate::store::ZSTD;
use crate::writer::EventWriter;

type CoreError = eventfold_core::Error<io::Error>;
type Reducer<S> = Box<dyn Fn(S, &Line<'_>, &Path) -> Result<S, Stop> + Send + Sync>;

/// What ends a refresh early.
enum Stop {
    Log(CoreError),
    Reducer(io::Error),
}

impl From<CoreError> for Stop {
    fn from(error: CoreError) -> Self {
        Self::Log(error)
    }
}

/// What a view's state has to be: a snapshot keeps it as JSON, and a refresh works on a copy.
///
/// It must read back from JSON equal. What does not, such as a skipped field, is lost when the
/// program ends.
pub trait State: Default + Clone + Serialize + DeserializeOwned + Send + Sync + 'static {}

impl<S: Default + Clone + Serialize + DeserializeOwned + Send + Sync + 'static> State for S {}

/// A state folded over the events, `state = fold(events)`, and the reducer that folds it.
///
/// A view starts from its snapshot, if there is one that was folded from this history, and else
/// from `S::default()` at the first event. It changes only as a whole: after an error, and after
/// a panic in the reducer, state and position are what they were.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// use eventfold::{Event, EventWriter, View};
/// use serde_json::json;
///
/// let mut writer = EventWriter::open(dir.path())?;
/// writer.append(&Event::new("counted", json!(2)))?;
///
/// let mut sum = View::new("sum", |sum: u64, event: &Event| sum + event.data.as_u64().unwrap_or(0))?;
/// assert_eq!(*sum.refresh(&writer.reader())?, 2);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct View<S> {
    name: String,
    reducer: Reducer<S>,
    fold: Fold<S>,
    /// What became of the snapshot, when it was looked for.
    snapshot: Option<Result<(), NoSnapshot>>,
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
        Self::typed::<Value>(name, reducer)
    }

    /// A view whose reducer takes events with data of type `D`, parsed straight into it. An event
    /// whose data is no `D` fails the refresh with [`Error::Mismatch`].
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn typed<D: DeserializeOwned>(
        name: impl Into<String>,
        reducer: impl Fn(S, &Event<D>) -> S + Send + Sync + 'static,
    ) -> io::Result<Self> {
        Self::folding(name.into(), move |state, line, _dir| {
            Ok(reducer(state, &line.event().map_err(Stop::Log)?))
        })
    }

    /// A view whose reducer looks at events without parsing them, and asks for the data of those
    /// that it wants: folding by type, time, identifier or actor is several times as fast. What
    /// the reducer fails with, the refresh fails with.
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
        Self::folding(name.into(), move |state, line, dir| {
            let event = EventRef::of(line, dir).map_err(Stop::Log)?;
            reducer(state, &event).map_err(Stop::Reducer)
        })
    }

    fn folding(
        name: String,
        reducer: impl Fn(S, &Line<'_>, &Path) -> Result<S, Stop> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        check_view_name(&name).map_err(|error| Error::in_dir("".as_ref(), error))?;
        Ok(Self {
            name,
            reducer: Box::new(reducer),
            fold: Fold::new(S::default()),
            snapshot: None,
        })
    }

    /// The same view with this version, 0 unless said otherwise: a number that is raised whenever
    /// the reducer, the state or an upcast changes its meaning. A snapshot of another version is
    /// passed over, and the events are folded from the first; [`rebuilt`](Self::rebuilt) says so.
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// use eventfold::{Event, EventLog, NoSnapshot, View};
    ///
    /// let count = |count: u64, _: &Event| count + 1;
    /// let mut log = EventLog::builder(dir.path()).view("count", count).open()?;
    /// log.append(&Event::new("moved", 0.5))?;
    /// log.refresh_all()?;
    /// drop(log);
    ///
    /// // From now on it counts twice.
    /// let twice = View::new("count", |count: u64, _: &Event| count + 2)?.with_version(1);
    /// let mut log = EventLog::builder(dir.path()).keep(twice).open()?;
    /// assert_eq!(log.rebuilt("count")?, Some(NoSnapshot::Version { found: 0 }));
    /// log.refresh_all()?;
    /// assert_eq!(*log.view::<u64>("count")?, 2);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn with_version(mut self, version: u32) -> Self {
        self.fold = self.fold.with_version(version);
        self
    }

    /// The view's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The state as of the last refresh.
    #[must_use]
    pub fn state(&self) -> &S {
        self.fold.state()
    }

    /// Position after the last event folded.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.fold.position()
    }

    /// Its version, see [`with_version`](Self::with_version).
    #[must_use]
    pub fn version(&self) -> u32 {
        self.fold.version()
    }

    /// Why there was no snapshot to go on from, so that events were folded from the first. `None`
    /// if there was one, and before it was looked for by the first refresh, or by opening the log
    /// that keeps the view.
    #[must_use]
    pub fn rebuilt(&self) -> Option<NoSnapshot> {
        self.snapshot?.err()
    }

    /// Folds what came since, and returns the state.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Mismatch`] and [`Error::Io`], and whatever a
    /// [`lazy`](Self::lazy) reducer returns; also [`Error::Beyond`] when the log lost the events that this view has seen, after which only
    /// [`rebuild`](Self::rebuild) helps. The view is as it was.
    pub fn refresh(&mut self, reader: &EventReader) -> io::Result<&S> {
        self.load(reader)?;
        if let Some(fold) = self.refreshed(&self.fold, reader)? {
            self.fold = fold;
        }
        Ok(self.state())
    }

    /// Folds everything again from the first event, and returns the state.
    ///
    /// # Errors
    /// As [`refresh`](Self::refresh).
    pub fn rebuild(&mut self, reader: &EventReader) -> io::Result<&S> {
        self.fold = self.folded_anew(reader)?;
        // None is wanted any more.
        self.snapshot.get_or_insert(Ok(()));
        Ok(self.state())
    }

    fn load(&mut self, reader: &EventReader) -> io::Result<()> {
        if self.snapshot.is_none() {
            let found = Fold::find(reader.source(), ZSTD, &self.name, self.version())
                .map_err(|error| Error::in_dir(reader.dir(), error))?;
            self.snapshot = Some(found.map(|fold| self.fold = fold));
        }
        Ok(())
    }

    fn refreshed(&self, from: &Fold<S>, reader: &EventReader) -> io::Result<Option<Fold<S>>> {
        let dir = reader.dir();
        let reduce = |state, line: &Line<'_>| (self.reducer)(state, line, dir);
        from.refreshed(reader.source(), ZSTD, reduce)
            .map_err(|stop| match stop {
                Stop::Log(error) => Error::in_dir(dir, error).into(),
                Stop::Reducer(error) => error,
            })
    }

    fn folded_anew(&self, reader: &EventReader) -> io::Result<Fold<S>> {
        let empty = Fold::new(S::default()).with_version(self.version());
        Ok(self.refreshed(&empty, reader)?.unwrap_or(empty))
    }

    /// Makes `fold` the view's, once it is saved.
    fn adopt(&mut self, fold: Fold<S>, writer: &mut EventWriter) -> io::Result<()> {
        if planted(Bug::StateAheadOfSnapshot) {
            self.fold = fold.clone();
        }
        writer
            .save(&fold, &self.name)
            .map_err(|error| match error {
                CoreError::Unreadable { reason } => io::Error::from(Error::Unreadable {
                    dir: writer.dir().to_path_buf(),
                    reason: format!("the state of view {:?}: {reason}", self.name),
                }),
                error => Error::in_dir(writer.dir(), error).into(),
            })?;
        self.fold = fold;
        Ok(())
    }
}

impl<S: fmt::Debug> fmt::Debug for View<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View")
            .field("name", &self.name)
            .field("fold", &self.fold)
            .finish_non_exhaustive()
    }
}

/// A view of any state, as a log keeps it.
pub(crate) trait AnyView: Send + Sync {
    fn name(&self) -> &str;
    fn state(&self) -> &dyn Any;
    fn rebuilt(&self) -> Option<NoSnapshot>;
    fn load(&mut self, reader: &EventReader) -> io::Result<()>;
    /// Folds what came since and saves the snapshot; both happen or neither.
    fn refresh(&mut self, reader: &EventReader, writer: &mut EventWriter) -> io::Result<()>;
    /// Folds everything again and saves the snapshot; both happen or neither.
    fn rebuild(&mut self, reader: &EventReader, writer: &mut EventWriter) -> io::Result<()>;
}

impl<S: State> AnyView for View<S> {
    fn name(&self) -> &str {
        &self.name
    }

    fn state(&self) -> &dyn Any {
        self.fold.state()
    }

    fn rebuilt(&self) -> Option<NoSnapshot> {
        Self::rebuilt(self)
    }

    fn load(&mut self, reader: &EventReader) -> io::Result<()> {
        Self::load(self, reader)
    }

    fn refresh(&mut self, reader: &EventReader, writer: &mut EventWriter) -> io::Result<()> {
        let refreshed = self.refreshed(&self.fold, reader);
        if refreshed.is_err() && planted(Bug::StateLostOnError) {
            self.fold = Fold::new(S::default()).with_version(self.version());
        }
        refreshed?.map_or(Ok(()), |fold| self.adopt(fold, writer))
    }

    fn rebuild(&mut self, reader: &EventReader, writer: &mut EventWriter) -> io::Result<()> {
        let fold = self.folded_anew(reader)?;
        self.adopt(fold, writer)
    }
}
