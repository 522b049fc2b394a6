//! The writer's lock: an exclusive advisory lock on the log file itself.
//!
//! The lock belongs to the open file description, so the system frees it when
//! the last descriptor closes, however the process ended.

mod guard;
mod holder;
mod note;
#[cfg(target_os = "linux")]
mod open_files;
#[cfg(target_os = "linux")]
mod table;
mod who;

pub(crate) use guard::Guard;
pub use holder::Holder;
pub use who::{LockState, who_holds};

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use eventfold_core::planted::{Bug, planted};
use fs2::FileExt;

use crate::identity::Identity;
use crate::patience::patiently;

/// How often a log that is replaced under our hands is opened again.
const ATTEMPTS: usize = 16;

/// Why the log could not be opened with its lock.
#[derive(Debug)]
pub(crate) enum LockError {
    /// Another open file holds the lock of this one, in this process or in another.
    Held(File),
    /// Anything else, with the kind it came with.
    Io(io::Error),
}

impl From<io::Error> for LockError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Opens the log at `path` for reading and appending, creates it if missing,
/// and takes its lock without blocking.
///
/// Afterwards `path` names the returned file, which is locked until
/// [`unlock`] or until its last duplicate closes. A file that was created here
/// needs a sync of its directory to survive a power loss.
///
/// # Errors
/// [`LockError::Held`] if another open file holds the lock of the file at
/// `path`; [`LockError::Io`] for everything else, also if `path` was given a
/// new file at each of several tries.
pub(crate) fn open_locked(path: &Path) -> Result<File, LockError> {
    open_locked_with(path, || Ok(()))
}

/// [`open_locked`], with `between` run after each open and before its lock.
fn open_locked_with(
    path: &Path,
    mut between: impl FnMut() -> io::Result<()>,
) -> Result<File, LockError> {
    for _ in 0..ATTEMPTS {
        let file = open_unlocked(path)?;
        between()?;
        let locked = try_lock(&file)?;
        // Asked after the lock, whatever its outcome: who holds a file that
        // has left the path says nothing about the file that is there now.
        if !Identity::of(&file)?.is_at(path)? && !planted(Bug::LockedFileUnchecked) {
            continue;
        }
        return match locked {
            true => Ok(file),
            false => Err(LockError::Held(file)),
        };
    }
    Err(LockError::Io(io::Error::other(format!(
        "the log {} was replaced or removed each of the {ATTEMPTS} times it was opened; \
         stop what keeps replacing it",
        path.display()
    ))))
}

/// Opens the log at `path` for reading and appending, creates it if missing,
/// and takes no lock.
///
/// Each write goes to the end, whatever the cursor says. On Windows nobody can
/// remove, rename or replace the file until it is closed.
///
/// # Errors
/// The error of the open, with its kind.
pub(crate) fn open_unlocked(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(windows)]
    {
        use std::os::windows::fs::OpenOptionsExt;
        const FILE_SHARE_READ: u32 = 1;
        const FILE_SHARE_WRITE: u32 = 2;
        // And not to delete, which std shares as well.
        options.share_mode(FILE_SHARE_READ | FILE_SHARE_WRITE);
    }
    patiently(|| options.open(path))
}

/// Releases the lock on `file`, also if a duplicate of its descriptor stays
/// open, as in a child that was forked and has not run `exec`.
pub(crate) fn unlock(file: &File) {
    // Nothing is left to try if this fails: the close that follows frees the
    // lock unless a duplicate is open, and a drop cannot report.
    let _ = FileExt::unlock(file);
}

/// Takes the lock, or says `false` if another open file holds it.
fn try_lock(file: &File) -> io::Result<bool> {
    match patiently(|| FileExt::try_lock_exclusive(file)) {
        Ok(()) => Ok(true),
        Err(error) if is_contention(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether a failed lock means that another open file holds it.
fn is_contention(error: &io::Error) -> bool {
    // By code, because std has no kind for the one that Windows gives.
    error.raw_os_error() == fs2::lock_contended_error().raw_os_error()
}

#[cfg(test)]
mod tests;
