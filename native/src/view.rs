//! Views: states derived from the events.

mod any;
mod kinds;

use std::fmt;
use std::io;

use eventfold_core::planted::{Bug, planted};
use eventfold_core::{EventBuffer, Fold, Line, NoSnapshot};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::reader::EventReader;
use crate::store::ZSTD;
use crate::trace;
use crate::writer::EventWriter;

pub(crate) use any::AnyView;
use kinds::{Reading, Reducer, Stop};

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
    /// [`lazy`](Self::lazy) reducer returns; also [`Error::Diverged`] when the log lost the events
    /// that this view has seen, after which only [`rebuild`](Self::rebuild) helps. The view is as it
    /// was.
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

    /// Saves the state and how far it is folded, from where a view of this name and version starts
    /// when the program runs again. `writer` is that of the log from which it was folded. The views
    /// of an [`EventLog`](crate::EventLog) are saved by it.
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// use eventfold::{Event, EventWriter, SharedWriter, View};
    ///
    /// let writer = EventWriter::open(dir.path())?.with_max_log_size(64 << 20)?;
    /// let (writer, mut count) = (SharedWriter::new(writer), View::lazy("count", |n: u64, _| Ok(n + 1))?);
    /// writer.append(&Event::new("asked", "the way"))?;
    /// count.refresh(&writer.reader())?;
    /// writer.with(|writer| count.save(writer))?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Unreadable`] when the state cannot be saved so that it reads back equal;
    /// [`Error::DurabilityUnknown`] and [`Error::Io`] when the file system fails. What was saved
    /// before is still there then.
    pub fn save(&mut self, writer: &mut EventWriter) -> io::Result<()> {
        // Else a view that never looked for its snapshot would put an empty one in its place.
        self.load(&writer.reader())?;
        writer.save(&self.fold, &self.name)
    }

    /// The state as it was at `position`, which is 0, an event's position or next position: folded
    /// from the events before it. The view stays as it is, and no snapshot is looked for: folding
    /// goes on from where the view is, or begins at the first event if the view is further already.
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// use eventfold::{Event, EventWriter, View};
    ///
    /// let mut writer = EventWriter::open(dir.path())?;
    /// let paid = writer.append_batch(&[20, 30, 40].map(|sum| Event::new("paid", sum)))?;
    ///
    /// let sum = View::typed("sum", |sum: u64, event: &Event<u64>| sum + event.data)?;
    /// assert_eq!(sum.state_at(&writer.reader(), paid[2].position)?, 50);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`refresh`](Self::refresh), of what lies before `position`; [`Error::Beyond`] when the
    /// log ends before it, and [`Error::NotABoundary`] when it lies in an event.
    pub fn state_at(&self, reader: &EventReader, position: u64) -> io::Result<S> {
        reader.source().check_dir()?;
        let empty = Fold::new(S::default());
        let from = match self.fold.position() <= position {
            true => &self.fold,
            false => &empty,
        };
        let reduce = self.reducing(reader);
        let folded = from.refreshed_to(reader.source(), ZSTD, position, reduce);
        let fold = folded.map_err(|stop| stop.of(&self.name, reader))?;
        Ok(fold.into_state())
    }

    fn load(&mut self, reader: &EventReader) -> io::Result<()> {
        if self.snapshot.is_none() {
            reader.source().check_dir()?;
            let found = Fold::find(reader.source(), ZSTD, &self.name, self.version())
                .map_err(|error| Error::in_dir(reader.dir(), error))?;
            if let Err(why) = &found {
                trace::passed_over(reader.dir(), &self.name, *why);
            }
            self.snapshot = Some(found.map(|fold| self.fold = fold));
        }
        Ok(())
    }

    fn refreshed(&self, from: &Fold<S>, reader: &EventReader) -> io::Result<Option<Fold<S>>> {
        reader.source().check_dir()?;
        let refreshed = from.refreshed(reader.source(), ZSTD, self.reducing(reader));
        refreshed.map_err(|stop| stop.of(&self.name, reader))
    }

    /// The reducer, for what the reader reads.
    fn reducing(&self, reader: &EventReader) -> impl FnMut(S, &Line<'_>) -> Result<S, Stop> {
        let (upcasts, mut lifted) = (reader.upcasts(), Vec::new());
        let mut reading = Reading {
            dir: reader.dir(),
            buffer: EventBuffer::new(),
        };
        move |state, line| match upcasts.is_empty() {
            true => (self.reducer)(state, line, &mut reading),
            false => {
                let line = upcasts.lifted(line, &mut lifted)?;
                (self.reducer)(state, &line, &mut reading)
            }
        }
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
        writer.save(&fold, &self.name)?;
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
