//! The writer's lock: an exclusive advisory lock on the log file itself.
//!
//! The lock belongs to the open file description, so the system frees it when
//! the last descriptor closes, however the process ended.

mod guard;
mod holder;
#[cfg(target_os = "linux")]
mod open_files;

pub(crate) use guard::Guard;
pub use holder::Holder;

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use eventfold_core::planted::{Bug, planted};
use fs2::FileExt;

use crate::patience::patiently;

/// How often a log that is replaced under our hands is opened again.
const ATTEMPTS: usize = 16;

/// Why the log could not be opened with its lock.
#[derive(Debug)]
pub(crate) enum LockError {
    /// Another open file holds the lock, in this process or in another one.
    Held {
        /// Who that is, where the system tells.
        holder: Option<Holder>,
    },
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
        if !is_at(&file, path)? && !planted(Bug::LockedFileUnchecked) {
            continue;
        }
        return if locked {
            Ok(file)
        } else {
            let holder = Holder::of(&file);
            Err(LockError::Held { holder })
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

/// Whether `path` names the open `file`; `false` also if it names nothing.
///
/// # Errors
/// The error of looking at either, with its kind.
pub(crate) fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    match patiently(|| is_same(file, path)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        same => same,
    }
}

#[cfg(unix)]
fn is_same(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;

    // Neither takes a descriptor: an append must not fail because there is none left.
    let (ours, there) = (file.metadata()?, std::fs::metadata(path)?);
    Ok((ours.dev(), ours.ino()) == (there.dev(), there.ino()))
}

#[cfg(windows)]
fn is_same(file: &File, path: &Path) -> io::Result<bool> {
    use same_file::Handle;

    Ok(Handle::from_file(file.try_clone()?)? == Handle::from_path(path)?)
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
mod tests {
    use super::*;
    use std::fs;

    fn assert_held<T>(result: Result<T, LockError>) -> Option<Holder> {
        match result {
            Err(LockError::Held { holder }) => holder,
            Err(LockError::Io(error)) => panic!("expected contention, got {error:?}"),
            Ok(_) => panic!("expected contention, got the lock"),
        }
    }

    fn io_kind<T>(result: Result<T, LockError>) -> io::ErrorKind {
        match result {
            Err(LockError::Io(error)) => error.kind(),
            Err(LockError::Held { .. }) => panic!("expected an I/O error, got contention"),
            Ok(_) => panic!("expected an I/O error, got the lock"),
        }
    }

    #[test]
    fn a_second_open_is_refused_and_names_the_holder() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("app.jsonl");
        let first = open_locked(&path).unwrap();
        let holder = assert_held(open_locked(&path));
        if cfg!(target_os = "linux") {
            let holder = holder.unwrap();
            assert_eq!(holder.pid, std::process::id());
            assert!(holder.program.is_some_and(|name| !name.is_empty()));
        }
        drop(first);
        open_locked(&path).unwrap();
    }

    #[test]
    fn a_shared_lock_keeps_the_exclusive_one_out() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("app.jsonl");
        let other = open_unlocked(&path).unwrap();
        FileExt::try_lock_shared(&other).unwrap();
        let holder = assert_held(open_locked(&path));
        if cfg!(target_os = "linux") {
            assert_eq!(holder.unwrap().pid, std::process::id());
        }
    }

    #[test]
    fn unlock_releases_while_a_duplicate_stays_open() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("app.jsonl");
        let file = open_locked(&path).unwrap();
        let duplicate = file.try_clone().unwrap();
        unlock(&file);
        drop(file);
        open_locked(&path).unwrap();
        drop(duplicate);
    }

    #[test]
    fn a_duplicate_keeps_the_lock_without_unlock() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("app.jsonl");
        let duplicate = open_locked(&path).unwrap().try_clone().unwrap();
        assert_held(open_locked(&path));
        drop(duplicate);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_lock_that_a_process_took_for_us_and_ended_is_ours() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("app.jsonl");
        let file = open_unlocked(&path).unwrap();
        let status = std::process::Command::new("flock")
            .args(["-xn", "0"])
            .stdin(file.try_clone().unwrap())
            .status();
        assert!(status.unwrap().success());
        let holder = assert_held(open_locked(&path)).unwrap();
        assert_eq!(holder.pid, std::process::id());
        drop(file);
        open_locked(&path).unwrap();
    }

    // Windows lets nobody replace or remove an open log: see the tests of the crate's users.
    #[cfg(unix)]
    #[test]
    fn a_file_replaced_before_the_lock_is_left_for_the_new_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("app.jsonl");
        fs::write(&path, "old\n").unwrap();
        let mut opens = 0;
        let file = open_locked_with(&path, || {
            opens += 1;
            if opens == 1 {
                let fresh = dir.path().join("fresh");
                fs::write(&fresh, "new\n")?;
                fs::rename(&fresh, &path)?;
            }
            Ok(())
        })
        .unwrap();
        assert_eq!(opens, 2);
        io::Write::write_all(&mut &file, b"more\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new\nmore\n");
        assert_held(open_locked(&path));
    }

    #[cfg(unix)]
    #[test]
    fn contention_on_a_file_that_left_the_path_is_not_reported() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("app.jsonl");
        let old = open_locked(&path).unwrap();
        let mut opens = 0;
        let new = open_locked_with(&path, || {
            opens += 1;
            if opens == 1 {
                fs::remove_file(&path)?;
            }
            Ok(())
        })
        .unwrap();
        assert!(is_at(&new, &path).unwrap());
        assert!(!is_at(&old, &path).unwrap());
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_keeps_being_replaced_ends_in_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("app.jsonl");
        let result = open_locked_with(&path, || fs::remove_file(&path));
        let Err(LockError::Io(error)) = result else {
            panic!("expected an I/O error, got {result:?}");
        };
        assert!(error.to_string().contains(&*path.to_string_lossy()));
    }

    #[test]
    fn other_failures_keep_their_kind() {
        let dir = tempfile::tempdir().unwrap();
        let missing = dir.path().join("missing").join("app.jsonl");
        assert_eq!(io_kind(open_locked(&missing)), io::ErrorKind::NotFound);
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        // Windows has no error of its own for these.
        let [directory, inside_a_file] = if cfg!(windows) {
            [io::ErrorKind::PermissionDenied, io::ErrorKind::NotFound]
        } else {
            [io::ErrorKind::IsADirectory, io::ErrorKind::NotADirectory]
        };
        assert_eq!(io_kind(open_locked(dir.path())), directory);
        let kind = io_kind(open_locked(&file.join("app.jsonl")));
        assert_eq!(kind, inside_a_file);
    }

    #[test]
    fn only_a_held_lock_is_contention() {
        assert!(is_contention(&fs2::lock_contended_error()));
        let others: &[i32] = if cfg!(windows) {
            // ERROR_ACCESS_DENIED, ERROR_SHARING_VIOLATION, ERROR_NOT_SUPPORTED
            &[5, 32, 50]
        } else {
            // EIO, EACCES; ENOLCK and ENOTSUP of Linux
            &[5, 13, 37, 95]
        };
        for code in others {
            assert!(!is_contention(&io::Error::from_raw_os_error(*code)));
        }
        assert!(!is_contention(&io::Error::other("no code at all")));
    }
}
