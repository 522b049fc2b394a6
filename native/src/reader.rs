//! Reading and waiting, without a lock.

mod events;
#[cfg(feature = "async")]
mod stream;

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use eventfold_core::planted::{Bug, planted};
use eventfold_core::{Access, Recovery, Scan, Upcasts, Writer};
use serde_json::Value;

use crate::error::{CoreError, Error};
use crate::lock::{LockState, who_holds};
use crate::store::{FileSource, Rehearsal, ZSTD};
use crate::watch::SharedWatch;

pub use events::LogIterator;
#[cfg(feature = "async")]
pub use stream::EventStream;

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitResult {
    /// There is an event to read.
    NewData,
    /// The whole timeout passed without one.
    Timeout,
}

/// A reader of the log in one directory: no lock, any number, with a writer alive or without.
///
/// It never changes a file. What it reads is whole: a line that is still being written is not
/// there yet.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let dir = dir.path();
/// use eventfold::{Event, EventReader, EventWriter};
///
/// let mut writer = EventWriter::open(dir)?;
/// writer.append(&Event::new("first", 1))?;
/// let seen = writer.append(&Event::new("second", 2))?;
/// writer.append(&Event::new("third", 3))?;
///
/// // All that was appended after an event, in whatever file it is by now.
/// let reader = EventReader::new(dir);
/// let unseen: Result<Vec<_>, _> = reader.read_from(seen.next_position)?.collect();
/// assert_eq!(unseen?[0].event.event_type, "third");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct EventReader {
    source: FileSource,
    watch: SharedWatch,
    /// What looks whether there is an event, kept with what it learned of the archive.
    probe: Arc<Mutex<Option<Scan<FileSource>>>>,
    upcasts: Upcasts,
}

impl EventReader {
    /// A reader of the log in `dir`. Nothing is opened yet.
    pub fn new(dir: impl AsRef<Path>) -> Self {
        Self {
            source: FileSource::new(dir.as_ref()),
            watch: SharedWatch::default(),
            probe: Arc::default(),
            upcasts: Upcasts::new(),
        }
    }

    /// The same reader with events of old shapes lifted. Views that are refreshed from it fold
    /// them as well.
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// use eventfold::{Event, EventReader, EventWriter, Upcasts};
    /// use serde_json::{Value, json};
    ///
    /// let mut writer = EventWriter::open(dir.path())?;
    /// writer.append(&Event::new("added", "write"))?;
    ///
    /// let upcasts = Upcasts::new()
    ///     .lift("added", "added.2", |title: String| json!({ "title": title, "tags": [] }))
    ///     .lift("added.2", "added.3", |mut data: Value| {
    ///         data["done"] = json!(false);
    ///         data
    ///     });
    /// let reader = EventReader::new(dir.path()).with_upcasts(upcasts);
    /// for record in reader.read_full()? {
    ///     let event = record?.event;
    ///     assert_eq!(event.event_type, "added.3");
    ///     assert_eq!(event.data, json!({ "title": "write", "tags": [], "done": false }));
    /// }
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn with_upcasts(mut self, upcasts: Upcasts) -> Self {
        self.upcasts = upcasts;
        self
    }

    /// The log's directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.source.dir()
    }

    /// The events from `position` on, which is 0, an event's position or next position.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] when there is no such directory, and
    /// [`io::ErrorKind::NotADirectory`] when it is something else. [`LogIterator`] tells the errors
    /// of the iterator.
    pub fn read_from(&self, position: u64) -> io::Result<LogIterator> {
        self.source.check_dir()?;
        Ok(LogIterator::new(
            &self.source,
            &self.watch,
            &self.upcasts,
            position,
        ))
    }

    /// All events from the first on, archived ones included: `read_from(0)`.
    ///
    /// # Errors
    /// As [`read_from`](Self::read_from).
    pub fn read_full(&self) -> io::Result<LogIterator> {
        self.read_from(0)
    }

    /// The last `lines` lines that are there now, or all where there are fewer, and what comes
    /// after them. With 0 it starts behind the last event, which is where
    /// [`position`](LogIterator::position) says the log ends. What that takes grows with these
    /// lines, not with the log.
    ///
    /// Each event is a line, but not each line need be an event: one that is blank or damaged
    /// counts too. On the way back damage in the archive is not passed: reading starts behind it.
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// use eventfold::{Event, EventWriter};
    ///
    /// let mut writer = EventWriter::open(dir.path())?;
    /// for n in 0..100 {
    ///     writer.append(&Event::new("counted", n))?;
    /// }
    /// let last: Vec<u64> = writer
    ///     .reader()
    ///     .read_last(2)?
    ///     .typed()
    ///     .map(|record| Ok(record?.event.data))
    ///     .collect::<std::io::Result<_>>()?;
    /// assert_eq!(last, [98, 99]);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`read_from`](Self::read_from), and [`Error::Io`] and [`Error::Corrupt`] where the end
    /// cannot be read.
    pub fn read_last(&self, lines: usize) -> io::Result<LogIterator> {
        let mut events = self.read_from(0)?;
        let found = events.scan.seek_last(lines);
        found.map_err(|error| Error::in_dir(self.dir(), error))?;
        Ok(events)
    }

    /// Whether there is an event to read at `position` or after it.
    ///
    /// # Errors
    /// Those of [`read_from`](Self::read_from) and [`LogIterator`]: also when what is there is
    /// corrupt.
    pub fn has_new_events(&self, position: u64) -> io::Result<bool> {
        let record = self.with_probe(position, Scan::next_record::<Value>)?;
        Ok(record.is_some())
    }

    fn with_probe<T>(
        &self,
        position: u64,
        ask: impl FnOnce(&mut Scan<FileSource>) -> Result<T, CoreError>,
    ) -> io::Result<T> {
        self.source.check_dir()?;
        let mut probe = self.probe.lock().unwrap_or_else(PoisonError::into_inner);
        let scan = probe.get_or_insert_with(|| Scan::new(self.source.clone(), ZSTD, position));
        scan.seek(position);
        ask(scan).map_err(|error| Error::in_dir(self.dir(), error).into())
    }

    /// How many bytes of lines are left to read from `position` on, in the log and, uncompressed,
    /// in the archive. They are not read: it takes two looks at the files' lengths, as a rule.
    ///
    /// A line that is being written counts with the bytes that are there. So 0 says that everything
    /// was read, and more than 0 does not yet say that there is an event to read.
    ///
    /// # Errors
    /// [`Error::Beyond`] when the log ends before `position`, and [`Error::Corrupt`] when the
    /// archive's end is damaged so that nobody can say where the log begins. Else those of
    /// [`read_from`](Self::read_from).
    pub fn lag(&self, position: u64) -> io::Result<u64> {
        self.with_probe(position, Scan::bytes_ahead)
    }

    /// Waits until there is an event to read at `position` or after it, but no longer than
    /// `timeout`. Woken by the system's file notifications, and once a second by itself.
    ///
    /// # Errors
    /// As [`has_new_events`](Self::has_new_events).
    pub fn wait_for_events(&self, position: u64, timeout: Duration) -> io::Result<WaitResult> {
        let mut looks = 0;
        let found = self.watch.wait(self.dir(), timeout, || {
            looks += 1;
            if looks > 2 && planted(Bug::WokenByAnything) {
                return Some(Ok(WaitResult::NewData));
            }
            let found = self.has_new_events(position);
            found
                .map(|found| found.then_some(WaitResult::NewData))
                .transpose()
        });
        found.unwrap_or(Ok(WaitResult::Timeout))
    }

    /// Who holds the writer's lock, without taking it: whether a writer is alive. See
    /// [`who_holds`].
    ///
    /// # Errors
    /// As [`who_holds`].
    pub fn who_holds(&self) -> io::Result<LockState> {
        who_holds(self.dir())
    }

    /// What a writer that opened the log now would find and repair: what a crash left. Nothing is
    /// changed, and the bytes that a repair would write are held in memory.
    ///
    /// While a writer is alive, what it has not finished looks like what a crash leaves: see
    /// [`who_holds`](Self::who_holds).
    ///
    /// # Errors
    /// As [`EventWriter::open`](crate::EventWriter::open), apart from those of the lock, and as
    /// [`read_from`](Self::read_from) for a directory that is not there.
    pub fn pending_recovery(&self) -> io::Result<Recovery> {
        self.source.check_dir()?;
        let store = Rehearsal::of(&self.source)?;
        let (_, recovery) = Writer::open(store, ZSTD, Access::Exclusive)
            .map_err(|error| Error::in_dir(self.dir(), error))?;
        Ok(recovery)
    }

    pub(crate) fn source(&self) -> &FileSource {
        &self.source
    }

    pub(crate) fn upcasts(&self) -> &Upcasts {
        &self.upcasts
    }
}
