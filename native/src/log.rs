//! A log with its writer, reader and views in one place.

mod builder;

use std::any::Any;
use std::io;
use std::path::Path;
use std::time::Duration;

use eventfold_core::{Appended, Durability, Event, LineHash, NoSnapshot, Recovery, Rotation};
use serde::Serialize;

use crate::error::Error;
use crate::reader::{EventReader, LogIterator, WaitResult};
use crate::view::{AnyView, State, View};
use crate::writer::EventWriter;

pub use builder::EventLogBuilder;

/// A log: its only writer, and views that are kept beside it.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// use eventfold::{Event, EventLog};
/// use serde_json::json;
///
/// let mut log = EventLog::builder(dir.path())
///     .max_log_size(16 << 20)
///     .view::<u64>("events", |count, _event| count + 1)
///     .open()?;
/// log.append(&Event::new("note.added", json!({ "text": "hello" })))?;
/// log.refresh_all()?;
/// assert_eq!(*log.view::<u64>("events")?, 1);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct EventLog {
    writer: EventWriter,
    reader: EventReader,
    views: Vec<Box<dyn AnyView>>,
}

impl EventLog {
    /// Opens the log in `dir` without views, with the lock, every append synced.
    ///
    /// # Errors
    /// As [`EventWriter::open`].
    pub fn open(dir: impl AsRef<Path>) -> io::Result<Self> {
        Self::builder(dir).open()
    }

    /// Says how to open the log in `dir`.
    pub fn builder(dir: impl AsRef<Path>) -> EventLogBuilder {
        EventLogBuilder::new(dir.as_ref())
    }

    /// Appends one event, see [`EventWriter::append`].
    ///
    /// # Errors
    /// As [`EventWriter::append`].
    pub fn append<D: Serialize>(&mut self, event: &Event<D>) -> io::Result<Appended> {
        self.writer.append(event)
    }

    /// Appends one event with a durability of its own.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub fn append_with<D: Serialize>(
        &mut self,
        event: &Event<D>,
        durability: Durability,
    ) -> io::Result<Appended> {
        self.writer.append_with(event, durability)
    }

    /// Appends events together, see [`EventWriter::append_batch`].
    ///
    /// # Errors
    /// As [`append`](Self::append), for the batch as a whole.
    pub fn append_batch<'e, D: Serialize + 'e>(
        &mut self,
        events: impl IntoIterator<Item = &'e Event<D>>,
    ) -> io::Result<Vec<Appended>> {
        self.writer.append_batch(events)
    }

    /// Appends events together with a durability of their own.
    ///
    /// # Errors
    /// As [`append_batch`](Self::append_batch).
    pub fn append_batch_with<'e, D: Serialize + 'e>(
        &mut self,
        events: impl IntoIterator<Item = &'e Event<D>>,
        durability: Durability,
    ) -> io::Result<Vec<Appended>> {
        self.writer.append_batch_with(events, durability)
    }

    /// Appends the event if the log still ends there, see [`EventWriter::append_if`].
    ///
    /// # Errors
    /// As [`append`](Self::append), and [`Error::Conflict`].
    pub fn append_if<D: Serialize>(
        &mut self,
        event: &Event<D>,
        position: u64,
        hash: LineHash,
    ) -> io::Result<Appended> {
        self.writer.append_if(event, position, hash)
    }

    /// Position after the last event: where the next one will start. With
    /// [`LockMode::None`](crate::LockMode::None) it is where this log last saw the end.
    #[must_use]
    pub fn end_position(&self) -> u64 {
        self.writer.end_position()
    }

    /// The hash of the last line, see [`EventWriter::last_hash`].
    ///
    /// # Errors
    /// As [`EventWriter::last_hash`].
    pub fn last_hash(&mut self) -> io::Result<LineHash> {
        self.writer.last_hash()
    }

    /// Makes everything appended so far durable, see [`EventWriter::sync`].
    ///
    /// # Errors
    /// As [`EventWriter::sync`].
    pub fn sync(&mut self) -> io::Result<()> {
        self.writer.sync()
    }

    /// Moves the log's lines into the archive, see [`EventWriter::rotate`].
    ///
    /// # Errors
    /// As [`EventWriter::rotate`].
    pub fn rotate(&mut self) -> io::Result<Rotation> {
        self.writer.rotate()
    }

    /// Folds what came since into every view and saves its snapshot. A view changes with its
    /// snapshot or not at all.
    ///
    /// # Errors
    /// The first that a view met, see
    /// [`View::refresh`](crate::View::refresh); [`Error::Unreadable`] when a state
    /// cannot be saved so that it reads back equal. The other views were refreshed.
    pub fn refresh_all(&mut self) -> io::Result<()> {
        self.each_view(|view, reader, writer| view.refresh(reader, writer))
    }

    /// Folds every view again from the first event, and saves its snapshot.
    ///
    /// # Errors
    /// As [`refresh_all`](Self::refresh_all).
    pub fn rebuild_all(&mut self) -> io::Result<()> {
        self.each_view(|view, reader, writer| view.rebuild(reader, writer))
    }

    /// The state of the view of this name as of the last refresh, or of its snapshot before.
    ///
    /// # Errors
    /// [`Error::View`] when there is no view of that name, or its state is no `S`.
    pub fn view<S: State>(&self, name: &str) -> io::Result<&S> {
        Ok(self.kept_as(name)?.state())
    }

    /// The state of the view of this name as it was at `position`, see
    /// [`View::state_at`](crate::View::state_at).
    ///
    /// # Errors
    /// As [`view`](Self::view) and [`View::state_at`](crate::View::state_at).
    pub fn state_at<S: State>(&self, name: &str, position: u64) -> io::Result<S> {
        self.kept_as(name)?.state_at(&self.reader, position)
    }

    /// Why the view of this name had no snapshot to go on from, see
    /// [`View::rebuilt`](crate::View::rebuilt). Each view of a new log says
    /// [`NoSnapshot::Missing`].
    ///
    /// # Errors
    /// [`Error::View`] when there is no view of that name.
    pub fn rebuilt(&self, name: &str) -> io::Result<Option<NoSnapshot>> {
        Ok(self.kept(name)?.rebuilt())
    }

    fn kept_as<S: State>(&self, name: &str) -> io::Result<&View<S>> {
        let view: &dyn Any = self.kept(name)?;
        let view = view.downcast_ref();
        view.ok_or_else(|| no_view(name, "has a state of another type"))
    }

    fn kept(&self, name: &str) -> io::Result<&dyn AnyView> {
        let view = self.views.iter().find(|view| view.name() == name);
        let view = view.ok_or_else(|| no_view(name, "is not kept; name it in the builder"))?;
        Ok(view.as_ref())
    }

    /// The events from `position` on, see [`EventReader::read_from`].
    ///
    /// # Errors
    /// As [`EventReader::read_from`].
    pub fn read_from(&self, position: u64) -> io::Result<LogIterator> {
        self.reader.read_from(position)
    }

    /// All events, see [`EventReader::read_full`].
    ///
    /// # Errors
    /// As [`EventReader::read_from`].
    pub fn read_full(&self) -> io::Result<LogIterator> {
        self.reader.read_full()
    }

    /// Whether there is an event at `position` or after it, see [`EventReader::has_new_events`].
    ///
    /// # Errors
    /// As [`EventReader::has_new_events`].
    pub fn has_new_events(&self, position: u64) -> io::Result<bool> {
        self.reader.has_new_events(position)
    }

    /// Waits for an event, see [`EventReader::wait_for_events`].
    ///
    /// # Errors
    /// As [`EventReader::wait_for_events`].
    pub fn wait_for_events(&self, position: u64, timeout: Duration) -> io::Result<WaitResult> {
        self.reader.wait_for_events(position, timeout)
    }

    /// A reader of the same directory, for other threads.
    #[must_use]
    pub fn reader(&self) -> EventReader {
        self.reader.clone()
    }

    /// The writer.
    #[must_use]
    pub fn writer(&self) -> &EventWriter {
        &self.writer
    }

    /// What opening found and repaired.
    #[must_use]
    pub fn recovery(&self) -> &Recovery {
        self.writer.recovery()
    }

    /// The log's directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.writer.dir()
    }

    fn each_view(
        &mut self,
        act: impl Fn(&mut dyn AnyView, &EventReader, &mut EventWriter) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut result = Ok(());
        for view in &mut self.views {
            let acted = act(view.as_mut(), &self.reader, &mut self.writer);
            result = result.and(acted);
        }
        result
    }
}

impl std::fmt::Debug for EventLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let views: Vec<&str> = self.views.iter().map(|view| view.name()).collect();
        f.debug_struct("EventLog")
            .field("dir", &self.dir())
            .field("views", &views)
            .finish_non_exhaustive()
    }
}

fn no_view(name: &str, reason: &'static str) -> io::Error {
    let name = name.to_owned();
    Error::View { name, reason }.into()
}
