//! Appending.

use std::io;
use std::mem::replace;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use eventfold_core::planted::{Bug, planted};
use eventfold_core::{
    Access, Appended, Batch, Durability, Event, Fold, LineHash, LockMode, Recovery, Rotation,
};
use serde::Serialize;

use crate::error::Error;
use crate::reader::EventReader;
use crate::stats::Stats;
use crate::store::{FileStore, ZSTD};
use crate::trace;

type CoreError = eventfold_core::Error<io::Error>;

/// The writer of the log in one directory.
///
/// With [`LockMode::Flock`], the default, there is one at a time, in whatever process; it holds
/// an advisory lock on `app.jsonl`, on Windows on `app.jsonl.lock`, until it is dropped or its process
/// ends, however that ends.
///
/// With [`LockMode::None`] others may write to the same files: nothing is repaired or cut, a
/// fragment that somebody left becomes a line of its own, and [`rotate`](Self::rotate) and
/// [`append_if`](Self::append_if) are refused, as is an append behind a rotation that a crash
/// interrupted.
///
/// | | survives `kill -9` | survives a power cut |
/// |---|---|---|
/// | [`Durability::Synced`] (default) | every append that returned | every append that returned |
/// | [`Durability::Buffered`] | every append that returned | what was appended before the last [`sync`](Self::sync), [`rotate`](Self::rotate) or synced append; lines after it may be missing or damaged |
///
/// After an error that leaves it unsure of what is on disk the writer is *poisoned*: every later
/// append fails with [`Error::Poisoned`] until the log is opened again.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// use eventfold::{Event, EventWriter};
/// use serde_json::json;
///
/// let mut writer = EventWriter::open(dir.path())?;
/// let first = writer.append(&Event::new("note.added", json!({ "text": "hello" })))?;
/// let second = writer.append_if(
///     &Event::new("note.added", json!({ "text": "world" })),
///     first.next_position,
///     first.hash,
/// )?;
/// assert_eq!(second.position, first.next_position);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct EventWriter {
    log: eventfold_core::Writer<FileStore>,
    dir: PathBuf,
    durability: Durability,
    max_log_size: Option<u64>,
    recovery: Recovery,
    stats: Stats,
    /// How often opening synced the log.
    syncs_at_first: u64,
    poison_is_told: bool,
}

impl EventWriter {
    /// Opens the log in `dir`, making the directory where missing, takes the lock and repairs
    /// what a crash left.
    ///
    /// # Errors
    /// [`Error::Locked`] with the kind `AlreadyExists`, at once, when another writer holds the
    /// lock; on Windows, where that of a killed process is freed when the system gets to it, after
    /// a quarter of a second. [`Error::Corrupt`] when the archive's end is damaged in a way that
    /// no crash leaves; nothing was changed then. Else the file system's error with its kind and
    /// the path.
    pub fn open(dir: impl AsRef<Path>) -> io::Result<Self> {
        Self::open_with_lock(dir, LockMode::Flock)
    }

    /// [`open`](Self::open), which waits for the lock while another writer holds it: it tries
    /// again after pauses of 1 to 50 milliseconds, and gets it in no order with others that wait.
    /// `timeout` bounds that alone; zero is not to wait.
    ///
    /// # Errors
    /// As [`open`](Self::open); [`Error::Locked`] when `timeout` has passed, with who holds the
    /// lock then.
    pub fn open_waiting(dir: impl AsRef<Path>, timeout: Duration) -> io::Result<Self> {
        Self::open_within(dir.as_ref(), LockMode::Flock, timeout)
    }

    /// [`open`](Self::open) with the lock or without.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with_lock(dir: impl AsRef<Path>, mode: LockMode) -> io::Result<Self> {
        Self::open_within(dir.as_ref(), mode, Duration::ZERO)
    }

    pub(crate) fn open_within(dir: &Path, mode: LockMode, timeout: Duration) -> io::Result<Self> {
        let access = match mode {
            LockMode::Flock => Access::Exclusive,
            LockMode::None => Access::Shared,
        };
        if planted(Bug::RepairedUnlocked) {
            let store = FileStore::open(dir, LockMode::None)?;
            eventfold_core::Writer::open(store, ZSTD, access)
                .map_err(|error| Error::in_dir(dir, error))?;
        }
        let start = Instant::now();
        let store = FileStore::open_within(dir, mode, timeout)
            .inspect_err(|error| trace::refused(dir, timeout, error))?;
        let dir = store.source().dir().to_path_buf();
        let (mut log, recovery) = eventfold_core::Writer::open(store, ZSTD, access)
            .map_err(|error| Error::in_dir(&dir, error))?;
        log.store_mut().leave_note();
        trace::opened(&dir, mode, &recovery, start);
        Ok(Self {
            syncs_at_first: log.store().syncs(),
            stats: Stats::default(),
            log,
            dir,
            durability: Durability::default(),
            max_log_size: None,
            recovery,
            poison_is_told: false,
        })
    }

    /// The same writer with another durability for the appends that name none.
    #[must_use]
    pub fn with_durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// The same writer with a size limit: it rotates when `app.jsonl` has `bytes` bytes or more, now
    /// and before an append. Unless this is said a writer never rotates by itself.
    ///
    /// # Errors
    /// As [`rotate`](Self::rotate); [`Error::NotExclusive`] without the lock also when the log is
    /// not full.
    pub fn with_max_log_size(mut self, bytes: u64) -> io::Result<Self> {
        Self::check_may_rotate(&self.dir, self.log.store().lock_mode())?;
        self.max_log_size = Some(bytes);
        self.make_room().map_err(|error| self.failed(error))?;
        Ok(self)
    }

    /// Whether a writer with this lock mode may have a size limit.
    pub(crate) fn check_may_rotate(dir: &Path, mode: LockMode) -> io::Result<()> {
        match mode {
            LockMode::Flock => Ok(()),
            LockMode::None => Err(Error::NotExclusive {
                dir: dir.to_path_buf(),
                action: "rotate at a size limit",
            }
            .into()),
        }
    }

    /// Appends one event with the writer's durability. Rotates first when the log is full, see
    /// [`with_max_log_size`](Self::with_max_log_size).
    ///
    /// # Errors
    /// [`Error::Unreadable`] and [`Error::TooLarge`] before anything is written. [`Error::Io`]
    /// when the file system refused; the event is not in the log. [`Error::DurabilityUnknown`]
    /// when that cannot be said; the writer is poisoned. When the log is full also those of
    /// [`rotate`](Self::rotate); the event was not written then.
    pub fn append<D: Serialize>(&mut self, event: &Event<D>) -> io::Result<Appended> {
        self.append_with(event, self.durability)
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
        let room = self.make_room();
        let appended = room.and_then(|()| self.log.append(event, durability));
        self.counted(appended)
    }

    /// Appends events with one write and, where the writer syncs, one sync.
    ///
    /// The end of the process before this returns can leave the first of them without the rest,
    /// and a power cut any part of them, with damage where the rest was.
    ///
    /// # Errors
    /// As [`append`](Self::append), for the batch as a whole.
    pub fn append_batch<'e, D: Serialize + 'e>(
        &mut self,
        events: impl IntoIterator<Item = &'e Event<D>>,
    ) -> io::Result<Vec<Appended>> {
        self.append_batch_with(events, self.durability)
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
        let room = self.make_room();
        let appended = room.and_then(|()| self.log.append_batch(events, durability));
        self.counted_all(appended)
            .map_err(|error| self.failed(error))
    }

    /// Appends the event if the log still ends at `position` with the line of this hash, as the
    /// last [`Appended`] or record told. An empty log ends at 0 after [`LineHash::NONE`].
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// use eventfold::{Error, Event, EventWriter, LineHash};
    ///
    /// let mut writer = EventWriter::open(dir.path())?;
    /// let opened = writer.append_if(&Event::new("opened", 100), 0, LineHash::NONE)?;
    /// writer.append(&Event::new("paid", -70))?;
    ///
    /// // Decided when 100 were there; since then the log went on.
    /// let refused = writer
    ///     .append_if(&Event::new("paid", -50), opened.next_position, opened.hash)
    ///     .unwrap_err();
    /// assert!(matches!(Error::of(&refused), Some(Error::Conflict { .. })));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Conflict`] when it ends elsewhere; nothing was written.
    /// [`Error::NotExclusive`] without the lock. Else as [`append`](Self::append).
    pub fn append_if<D: Serialize>(
        &mut self,
        event: &Event<D>,
        position: u64,
        hash: LineHash,
    ) -> io::Result<Appended> {
        let room = self.make_room();
        let append = |()| self.log.append_if(event, position, hash, self.durability);
        let appended = room.and_then(append);
        self.counted(appended)
    }

    /// Makes everything appended so far durable.
    ///
    /// # Errors
    /// [`Error::DurabilityUnknown`] when the file system fails; the writer is poisoned.
    pub fn sync(&mut self) -> io::Result<()> {
        let synced = self.log.sync();
        synced.map_err(|error| self.failed(error))
    }

    /// Moves the log's lines into the compressed archive. No position changes.
    ///
    /// # Errors
    /// [`Error::NotExclusive`] without the lock. [`Error::Io`] when the file system refused; the
    /// log is as it was, or, where that cannot be said, the writer is poisoned and opening again
    /// ends the rotation or undoes it. No event is lost either way.
    pub fn rotate(&mut self) -> io::Result<Rotation> {
        self.rotated().map_err(|error| self.failed(error))
    }

    /// A reader of the same directory.
    #[must_use]
    pub fn reader(&self) -> EventReader {
        EventReader::new(&self.dir)
    }

    /// Position after the last event: where the next one will start. With [`LockMode::None`] it is
    /// where this writer last saw the end.
    #[must_use]
    pub fn end_position(&self) -> u64 {
        self.log.end_position()
    }

    /// The length of `app.jsonl` in bytes.
    #[must_use]
    pub fn log_len(&self) -> u64 {
        self.log.log_len()
    }

    /// The hash of the last line, [`LineHash::NONE`] in an empty log.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the last line lies in a damaged archive.
    pub fn last_hash(&mut self) -> io::Result<LineHash> {
        let hash = self.log.last_hash();
        hash.map_err(|error| self.failed(error))
    }

    /// What opening found and repaired.
    #[must_use]
    pub fn recovery(&self) -> &Recovery {
        &self.recovery
    }

    /// What it has done since it was opened; what opening did is not counted.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats {
            syncs: self.log.store().syncs() - self.syncs_at_first,
            ..self.stats
        }
    }

    /// The log's directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn empty_batch(&mut self) -> Batch {
        self.log.empty_batch()
    }

    pub(crate) fn append_encoded(&mut self, batch: Batch) -> Result<Vec<Appended>, Error> {
        let room = self.make_room();
        let appended = room.and_then(|()| self.log.append_encoded(batch, self.durability));
        self.counted_all(appended).map_err(|error| self.told(error))
    }

    /// Rotates a full log. Of one that is not yet full a part is made ready, so that the append
    /// that meets a rotation waits for little more than any other.
    fn make_room(&mut self) -> Result<(), CoreError> {
        match self.max_log_size {
            Some(max) if self.log.log_len() >= max => self.rotated().map(drop),
            Some(max) => self.log.prepare_rotation(max),
            None => Ok(()),
        }
    }

    fn rotated(&mut self) -> Result<Rotation, CoreError> {
        let start = Instant::now();
        if self.log.log_len() > 0 {
            self.log.store_mut().remove_foreign_snapshots()?;
        }
        let rotation = self.log.rotate()?;
        self.stats.rotated(&rotation);
        if rotation.bytes > 0 {
            trace::rotated(&self.dir, &rotation, start);
        }
        Ok(rotation)
    }

    fn counted(&mut self, appended: Result<Appended, CoreError>) -> io::Result<Appended> {
        let appended = appended.map_err(|error| self.failed(error))?;
        self.stats.appended(&appended);
        Ok(appended)
    }

    fn counted_all(
        &mut self,
        appended: Result<Vec<Appended>, CoreError>,
    ) -> Result<Vec<Appended>, CoreError> {
        let appended = appended?;
        appended.iter().for_each(|one| self.stats.appended(one));
        Ok(appended)
    }

    pub(crate) fn save<T: Serialize>(&mut self, fold: &Fold<T>, name: &str) -> io::Result<()> {
        let saved = self.log.save(fold, name);
        saved.map_err(|error| self.failed(error))
    }

    fn failed(&mut self, error: CoreError) -> io::Error {
        self.told(error).into()
    }

    fn told(&mut self, error: CoreError) -> Error {
        let error = Error::in_dir(&self.dir, error);
        if self.log.is_poisoned() && !replace(&mut self.poison_is_told, true) {
            trace::poisoned(&self.dir, &error);
        }
        error
    }
}
