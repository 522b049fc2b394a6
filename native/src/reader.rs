//! Reading and waiting, without a lock.

use std::io;
use std::marker::PhantomData;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use eventfold_core::planted::{Bug, planted};
use eventfold_core::{Record, Scan};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::Error;
use crate::event_ref::EventRef;
use crate::lock::{LockState, who_holds};
use crate::store::{FileSource, ZSTD};
use crate::watch::{Watch, deadline};

type CoreError = eventfold_core::Error<io::Error>;

/// How long a wait believes that nothing changed because nothing was notified. Some file systems
/// notify late or, for another machine's writes, never.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

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
#[derive(Debug, Clone)]
pub struct EventReader {
    source: FileSource,
    /// Made by the first wait and shared by clones; `None` inside where the system has no watch
    /// to give.
    watch: Arc<OnceLock<Option<Watch>>>,
    /// What looks whether there is an event, kept with what it learned of the archive.
    probe: Arc<Mutex<Option<Scan<FileSource>>>>,
}

impl EventReader {
    /// A reader of the log in `dir`. Nothing is opened yet.
    pub fn new(dir: impl AsRef<Path>) -> Self {
        Self {
            source: FileSource::new(dir.as_ref()),
            watch: Arc::default(),
            probe: Arc::default(),
        }
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
    /// [`io::ErrorKind::NotADirectory`] when it is none. The iterator's own errors are said at
    /// [`LogIterator`].
    pub fn read_from(&self, position: u64) -> io::Result<LogIterator> {
        self.source.check_dir()?;
        Ok(LogIterator {
            scan: Scan::new(self.source.clone(), ZSTD, position),
            source: self.source.clone(),
            failed: None,
            data: PhantomData,
        })
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
    /// counts too. Damage in the archive is not passed on the way back; it starts behind it.
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
        self.source.check_dir()?;
        let mut probe = self.probe.lock().unwrap_or_else(PoisonError::into_inner);
        let scan = probe.get_or_insert_with(|| Scan::new(self.source.clone(), ZSTD, position));
        scan.seek(position);
        let record = scan.next_record::<Value>();
        let record = record.map_err(|error| Error::in_dir(self.dir(), error))?;
        Ok(record.is_some())
    }

    /// Waits until there is an event to read at `position` or after it, but no longer than
    /// `timeout`. Woken by the system's file notifications, and once a second by itself.
    ///
    /// # Errors
    /// As [`has_new_events`](Self::has_new_events).
    pub fn wait_for_events(&self, position: u64, timeout: Duration) -> io::Result<WaitResult> {
        let deadline = deadline(timeout);
        if self.has_new_events(position)? {
            return Ok(WaitResult::NewData);
        }
        let watch = self
            .watch
            .get_or_init(|| Watch::new(self.dir()).ok())
            .as_ref();
        loop {
            let generation = watch.map(Watch::generation);
            if self.has_new_events(position)? {
                return Ok(WaitResult::NewData);
            }
            let now = Instant::now();
            let left = deadline.map(|at| at.saturating_duration_since(now));
            if left == Some(Duration::ZERO) {
                return Ok(WaitResult::Timeout);
            }
            let pause = left.unwrap_or(LOOK_AGAIN).min(LOOK_AGAIN);
            match (watch, generation) {
                (Some(watch), Some(generation)) => {
                    let woken = watch.wait_past(generation, Some(now + pause)) != generation;
                    if woken && planted(Bug::WokenByAnything) {
                        return Ok(WaitResult::NewData);
                    }
                }
                _ => std::thread::sleep(pause),
            }
        }
    }

    /// Who holds the writer's lock, without taking it: whether a writer is alive. See
    /// [`who_holds`].
    ///
    /// # Errors
    /// As [`who_holds`].
    pub fn who_holds(&self) -> io::Result<LockState> {
        who_holds(self.dir())
    }

    pub(crate) fn source(&self) -> &FileSource {
        &self.source
    }
}

/// Events in order, from the archive into the log, across rotations.
///
/// At the end of what is readable it answers `None`, and may be asked again for what was
/// appended since. Each item says where its event stands.
///
/// # Errors
/// A corrupt line or archive block is one item [`Error::Corrupt`]; an event whose data is not of
/// the type asked for is one item [`Error::Mismatch`]. Asking on reads on behind it. Any other
/// error ends the iteration.
#[derive(Debug)]
pub struct LogIterator<D = Value> {
    scan: Scan<FileSource>,
    source: FileSource,
    failed: Option<Failed>,
    data: PhantomData<fn() -> D>,
}

impl<D> LogIterator<D> {
    /// The same events with data of type `T`, parsed straight into it.
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// use eventfold::{Event, EventWriter};
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Serialize, Deserialize)]
    /// struct Moved { x: f64, y: f64 }
    ///
    /// let mut writer = EventWriter::open(dir.path())?;
    /// writer.append(&Event::new("moved", Moved { x: 0.5, y: 2.0 }))?;
    /// for record in writer.reader().read_full()?.typed::<Moved>() {
    ///     assert_eq!(record?.event.data.y, 2.0);
    /// }
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn typed<T: DeserializeOwned>(self) -> LogIterator<T> {
        LogIterator {
            scan: self.scan,
            source: self.source,
            failed: self.failed,
            data: PhantomData,
        }
    }

    /// The next event without a copy of it, and of which only what is asked for is parsed. It
    /// lives until the one after it is asked for.
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// use eventfold::{Event, EventWriter};
    ///
    /// let mut writer = EventWriter::open(dir.path())?;
    /// writer.append(&Event::new("paid", 20))?;
    /// writer.append(&Event::new("sent", "a parcel"))?;
    ///
    /// let (mut events, mut sum) = (writer.reader().read_full()?, 0);
    /// while let Some(event) = events.next_ref() {
    ///     let event = event?;
    ///     if event.event_type() == "paid" {
    ///         sum += event.data::<u64>()?;
    ///     }
    /// }
    /// assert_eq!(sum, 20);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn next_ref(&mut self) -> Option<io::Result<EventRef<'_>>> {
        let before = self.goes_on()?;
        let event = match self.scan.next_line() {
            Ok(line) => EventRef::of(&line?, self.source.dir()),
            Err(error) => Err(error),
        };
        Some(event.map_err(|error| {
            self.failed = Some(Failed::at(before, &error));
            Error::in_dir(self.source.dir(), error).into()
        }))
    }

    /// Where the next event will start.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.scan.position()
    }

    /// Where the next event is looked for, or `None` after an error that ended the iteration.
    fn goes_on(&self) -> Option<u64> {
        let position = self.scan.position();
        let is_behind = |failed: &Failed| failed.passable && failed.position < position;
        self.failed
            .as_ref()
            .is_none_or(is_behind)
            .then_some(position)
    }
}

/// An error that was returned.
#[derive(Debug)]
struct Failed {
    /// Where the event was looked for. What lies behind damage can be read; damage that hides
    /// where the log begins hides all, and is not passed.
    position: u64,
    passable: bool,
}

impl Failed {
    fn at(position: u64, error: &CoreError) -> Self {
        use eventfold_core::Error::{Corrupt, Mismatch};
        let passable = matches!(error, Corrupt { .. } | Mismatch { .. });
        Self { position, passable }
    }
}

impl<D: DeserializeOwned> Iterator for LogIterator<D> {
    type Item = io::Result<Record<D>>;

    fn next(&mut self) -> Option<Self::Item> {
        let before = self.goes_on()?;
        let record = self.scan.next_record().transpose()?;
        Some(record.map_err(|error| {
            self.failed = Some(Failed::at(before, &error));
            Error::in_dir(self.source.dir(), error).into()
        }))
    }
}
