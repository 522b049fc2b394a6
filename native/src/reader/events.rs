use std::io;
use std::marker::PhantomData;
use std::time::Duration;

use eventfold_core::{Line, Record, Scan, Upcasts};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{CoreError, Error};
use crate::event_ref::EventRef;
#[cfg(feature = "async")]
use crate::store::failed;
use crate::store::{FileSource, ZSTD};
use crate::watch::SharedWatch;

/// Events in order, from the archive into the log, across rotations.
///
/// At the end of what is readable it answers `None`, and may be asked again for what was
/// appended since. Each item says where its event stands.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let dir = dir.path();
/// use eventfold::{Event, EventReader, EventWriter};
///
/// let mut writer = EventWriter::open(dir)?;
/// writer.append(&Event::new("first", 1))?;
/// let mut events = EventReader::new(dir).read_full()?;
/// assert_eq!(events.next().transpose()?.unwrap().event.event_type, "first");
/// assert!(events.next().is_none());
///
/// writer.append(&Event::new("second", 2))?;
/// assert_eq!(events.next().transpose()?.unwrap().event.data, 2);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// A corrupt line or archive block is one item [`Error::Corrupt`]; an event whose data is not of
/// the type asked for is one item [`Error::Mismatch`]. Asking on reads on behind it. Any other
/// error ends the iteration.
#[derive(Debug)]
pub struct LogIterator<D = Value> {
    pub(super) scan: Scan<FileSource>,
    source: FileSource,
    watch: SharedWatch,
    upcasts: Upcasts,
    /// The line of the event that was lifted last.
    lifted: Vec<u8>,
    failed: Option<Failed>,
    data: PhantomData<fn() -> D>,
}

impl LogIterator {
    pub(super) fn new(
        source: &FileSource,
        watch: &SharedWatch,
        upcasts: &Upcasts,
        position: u64,
    ) -> Self {
        Self {
            scan: Scan::new(source.clone(), ZSTD, position),
            source: source.clone(),
            watch: watch.clone(),
            upcasts: upcasts.clone(),
            lifted: Vec::new(),
            failed: None,
            data: PhantomData,
        }
    }
}

impl<D: DeserializeOwned> LogIterator<D> {
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
            watch: self.watch,
            upcasts: self.upcasts,
            lifted: self.lifted,
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
            Ok(line) => lifted(&line?, &self.upcasts, &mut self.lifted)
                .and_then(|line| EventRef::of(&line, self.source.dir())),
            Err(error) => Err(error),
        };
        Some(event.map_err(|error| {
            self.failed = Some(Failed::at(before, &error));
            Error::in_dir(self.source.dir(), error).into()
        }))
    }

    /// The next event, waiting for it no longer than `timeout`: a tail of the log. Woken as
    /// [`EventReader::wait_for_events`](crate::EventReader::wait_for_events) is. `None` when the
    /// timeout passed without one, and after an error that ended the iteration.
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// use std::time::Duration;
    ///
    /// use eventfold::{Event, EventReader, EventWriter};
    ///
    /// let mut writer = EventWriter::open(dir.path())?;
    /// let mut events = EventReader::new(dir.path()).read_full()?;
    /// std::thread::scope(|scope| {
    ///     let tail = scope.spawn(|| events.wait_next(Duration::from_secs(60)));
    ///     writer.append(&Event::new("rang", "twice"))?;
    ///     let record = tail.join().unwrap().expect("an event within a minute")?;
    ///     assert_eq!(record.event.event_type, "rang");
    ///     Ok::<(), std::io::Error>(())
    /// })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn wait_next(&mut self, timeout: Duration) -> Option<io::Result<Record<D>>> {
        let (watch, dir) = (self.watch.clone(), self.source.dir().to_path_buf());
        watch.wait(&dir, timeout, || match self.goes_on() {
            Some(_) => self.next().map(Some),
            None => Some(None),
        })?
    }

    /// Where the next event will start.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.scan.position()
    }

    #[cfg(feature = "async")]
    pub(super) fn has_ended(&self) -> bool {
        self.goes_on().is_none()
    }

    /// Wakes the task after the next change, see [`SharedWatch::wake`].
    #[cfg(feature = "async")]
    pub(super) fn wake_later(&self, task: &std::task::Waker) -> io::Result<()> {
        let dir = self.source.dir();
        let woken = self.watch.wake(task, dir);
        woken.map_err(|error| failed("listen for changes in", dir, error))
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

/// The line as it is to be read.
#[inline]
fn lifted<'b>(
    line: &Line<'b>,
    upcasts: &Upcasts,
    buffer: &'b mut Vec<u8>,
) -> Result<Line<'b>, CoreError> {
    match upcasts.is_empty() {
        true => Ok(*line),
        false => upcasts.lifted(line, buffer),
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
        let passable = matches!(
            error,
            CoreError::Corrupt { .. } | CoreError::Mismatch { .. }
        );
        Self { position, passable }
    }
}

impl<D: DeserializeOwned> Iterator for LogIterator<D> {
    type Item = io::Result<Record<D>>;

    fn next(&mut self) -> Option<Self::Item> {
        let before = self.goes_on()?;
        let record = match self.scan.next_line() {
            Ok(line) => {
                lifted(&line?, &self.upcasts, &mut self.lifted).and_then(|line| line.record())
            }
            Err(error) => Err(error),
        };
        Some(record.map_err(|error| {
            self.failed = Some(Failed::at(before, &error));
            Error::in_dir(self.source.dir(), error).into()
        }))
    }
}
