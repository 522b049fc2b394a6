//! The store over real files.

mod codec;
mod dir;
#[cfg(unix)]
mod kept;
mod rehearsal;
mod source;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::time::Duration;

use eventfold_core::planted::{Bug, unless};
use eventfold_core::{LockMode, Slot, Source, Storage, is_foreign_snapshot};

use crate::error::{CoreError, Error};
use crate::identity::Identity;
use crate::lock::{self, Guard, Holder, LockError};
use crate::patience::patiently;

pub use codec::ZSTD;
pub(crate) use rehearsal::Rehearsal;
pub use source::FileSource;
pub(crate) use source::view_of;

use dir::{make_dir, sync_dir};
use source::{present, read_full};

/// The writing half, which holds the lock when opened with [`LockMode::Flock`].
#[derive(Debug)]
pub struct FileStore {
    source: FileSource,
    log: File,
    log_identity: Identity,
    /// Whether the names of the log and the archive may not be durable yet.
    names_unsynced: bool,
    guard: Option<Guard>,
    /// How often the log was synced.
    syncs: u64,
}

impl FileStore {
    /// Opens the files of `dir`, making the directory and the log where missing.
    ///
    /// # Errors
    /// [`Error::Locked`] with the kind `AlreadyExists` when another writer holds the lock; any
    /// other failure with its own kind, naming the path.
    pub fn open(dir: impl Into<PathBuf>, mode: LockMode) -> io::Result<Self> {
        Self::open_within(dir, mode, Duration::ZERO)
    }

    /// [`open`](Self::open), which waits so long for the lock.
    pub(crate) fn open_within(
        dir: impl Into<PathBuf>,
        mode: LockMode,
        timeout: Duration,
    ) -> io::Result<Self> {
        let source = FileSource::new(dir);
        let path = source.path(Slot::Log);
        make_dir(source.dir())?;
        let (log, guard) = match mode {
            LockMode::Flock => match Guard::wait(source.dir(), &path, timeout) {
                Ok((log, guard)) => (log, Some(guard)),
                Err(LockError::Held(file)) => {
                    let holder = Holder::of_log(&file, &path);
                    return Err(Error::Locked { path, holder }.into());
                }
                Err(LockError::Io(error)) => return Err(failed("open and lock", &path, error)),
            },
            LockMode::None => {
                let log =
                    lock::open_unlocked(&path).map_err(|error| failed("open", &path, error))?;
                (log, None)
            }
        };
        let log_identity = Identity::of(&log).map_err(|error| failed("look at", &path, error))?;
        Ok(Self {
            source,
            log,
            log_identity,
            names_unsynced: true,
            guard,
            syncs: 0,
        })
    }

    /// The reading half.
    #[must_use]
    pub fn source(&self) -> &FileSource {
        &self.source
    }

    pub(crate) fn lock_mode(&self) -> LockMode {
        match self.guard {
            Some(_) => LockMode::Flock,
            None => LockMode::None,
        }
    }

    pub(crate) fn syncs(&self) -> u64 {
        self.syncs
    }

    /// Leaves a note of who holds the lock, for those who ask.
    ///
    /// To be done when opening has synced what it found: some file systems make a sync wait for
    /// what was written to other files.
    pub(crate) fn leave_note(&mut self) {
        let path = self.source.path(Slot::Log);
        if let Some(guard) = &mut self.guard {
            guard.leave_note(&path);
        }
    }

    /// Removes the snapshots that a rotation makes wrong for the crate that saved them. Without
    /// the lock nothing is rotated, and nothing removed.
    pub(crate) fn remove_foreign_snapshots(&mut self) -> Result<(), CoreError> {
        let views = self.source.dir().join("views");
        let (Some(_), Ok(files)) = (&self.guard, fs::read_dir(&views)) else {
            return Ok(());
        };
        let is_file = |file: &fs::DirEntry| file.file_type().is_ok_and(|kind| kind.is_file());
        for file in files.flatten().filter(is_file) {
            let file = file.file_name();
            if let Some(name) = view_of(&file)
                && is_foreign_snapshot(&self.source, name)?
            {
                let slot = Slot::Snapshot(name);
                let removed = self.remove(slot).and_then(|()| sync_dir(&views));
                removed.map_err(|source| CoreError::Storage {
                    action: "remove",
                    file: slot.to_string(),
                    source,
                })?;
            }
        }
        Ok(())
    }

    /// The slot's file, whose name may not be durable yet if it was not there.
    fn open_to_append(&mut self, slot: Slot<'_>) -> io::Result<File> {
        let path = self.source.path(slot);
        // Nobody looks at it before a crash: a link would have bytes of the log written elsewhere.
        if slot == Slot::Torn && fs::symlink_metadata(&path).is_ok_and(|found| !found.is_file()) {
            fs::remove_file(&path)?;
        }
        let open = |create| OpenOptions::new().append(true).create(create).open(&path);
        if let Some(file) = present(patiently(|| open(false)))? {
            return Ok(file);
        }
        self.names_unsynced = true;
        patiently(|| open(true))
    }

    /// A new file that is to take the place of the one at `path`.
    fn create_beside(&self, path: &Path) -> io::Result<(File, PathBuf)> {
        if self.guard.is_none() {
            return create_apart(path);
        }
        let new = path.with_added_extension("new");
        // One that a crash left, or a link by which it would be written elsewhere.
        present(patiently(|| fs::remove_file(&new)))?;
        Ok((patiently(|| File::create_new(&new))?, new))
    }

    /// The slot's file, to be cut or flushed: Windows wants it writable for either.
    fn open_to_write(&self, slot: Slot<'_>) -> io::Result<Option<File>> {
        let path = self.source.path(slot);
        present(patiently(|| OpenOptions::new().write(true).open(&path)))
    }

    fn sync_names(&mut self) -> io::Result<()> {
        if self.names_unsynced {
            sync_dir(self.source.dir())?;
            self.names_unsynced = false;
        }
        Ok(())
    }

    /// Sees that the log is still the file at its path: else what is changed beside it, or what
    /// follows from it, is another log's or nobody's.
    fn check_in_place(&self) -> io::Result<()> {
        let path = self.source.path(Slot::Log);
        match self.log_identity.is_at(&path)? {
            true => Ok(()),
            false => Err(io::Error::other(format!(
                "{} was replaced or removed while this writer held it",
                path.display()
            ))),
        }
    }
}

impl Source for FileStore {
    type Error = io::Error;

    fn len(&self, slot: Slot<'_>) -> io::Result<u64> {
        match slot {
            // Appending and reading have offsets of their own, and this takes less time than to
            // ask for all that a file is.
            Slot::Log => (&self.log).seek(io::SeekFrom::End(0)),
            slot => self.source.len(slot),
        }
    }

    fn read_at(&self, slot: Slot<'_>, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        match slot {
            Slot::Log => read_full(&self.log, offset, buf),
            slot => self.source.read_at(slot, offset, buf),
        }
    }
}

impl Storage for FileStore {
    fn append(&mut self, slot: Slot<'_>, bytes: &[u8]) -> io::Result<()> {
        match slot {
            Slot::Log => self.log.write_all(bytes),
            slot => {
                unless(Bug::ReplacedLogUnseen, || self.check_in_place())?;
                self.open_to_append(slot)?.write_all(bytes)
            }
        }
    }

    fn truncate(&mut self, slot: Slot<'_>, len: u64) -> io::Result<()> {
        unless(Bug::ReplacedLogUnseen, || self.check_in_place())?;
        match slot {
            // On the same descriptor, so that the lock lives on. Windows cuts nothing by a handle
            // that appends; there the log is opened again, and is the same, see `open_unlocked`.
            #[cfg(not(windows))]
            Slot::Log => self.log.set_len(len),
            slot => match self.open_to_write(slot)? {
                Some(file) => file.set_len(len),
                None => Ok(()),
            },
        }
    }

    fn sync(&mut self, slot: Slot<'_>) -> io::Result<()> {
        match slot {
            Slot::Log => {
                // A file that is no longer where it was takes its events with it. One that goes
                // while it is synced goes as if later; by then the look would take twice as long.
                unless(Bug::ReplacedLogUnseen, || self.check_in_place())?;
                unless(Bug::FileUnsynced, || self.log.sync_data())?;
                self.syncs += 1;
            }
            slot => {
                if let Some(file) = self.open_to_write(slot)? {
                    file.sync_data()?;
                }
            }
        }
        unless(Bug::NamesUnsynced, || self.sync_names())
    }

    fn replace(&mut self, slot: Slot<'_>, bytes: &[u8]) -> io::Result<()> {
        unless(Bug::ReplacedLogUnseen, || self.check_in_place())?;
        let path = self.source.path(slot);
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir)?;
        }
        let (mut file, new) = self.create_beside(&path)?;
        let replaced = file.write_all(bytes).and_then(|()| {
            // A rename may reach the disk before the bytes do.
            unless(Bug::RenamedUnsynced, || file.sync_data())?;
            drop(file);
            patiently(|| fs::rename(&new, &path))
        });
        replaced.inspect_err(|_| drop(fs::remove_file(&new)))
    }

    fn remove(&mut self, slot: Slot<'_>) -> io::Result<()> {
        unless(Bug::ReplacedLogUnseen, || self.check_in_place())?;
        let path = self.source.path(slot);
        present(patiently(|| fs::remove_file(&path))).map(|_| ())
    }
}

/// A new file beside `path`, by a name that nobody else has.
fn create_apart(path: &Path) -> io::Result<(File, PathBuf)> {
    let mut n = 0;
    loop {
        let new = path.with_added_extension(format!("{}-{n}.new", process::id()));
        match File::create_new(&new) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => n += 1,
            file => return Ok((file?, new)),
        }
    }
}

pub(crate) fn failed(action: &'static str, path: &Path, source: io::Error) -> io::Error {
    let path = path.to_path_buf();
    Error::Io {
        action,
        path,
        source,
    }
    .into()
}
