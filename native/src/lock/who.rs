//! Looking at the lock without taking it.

use std::fs;
use std::io;
use std::path::Path;

use eventfold_core::Slot;

use super::Holder;
use crate::store::FileSource;

/// Whether the writer's lock of a log is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LockState {
    /// Nobody holds it, as far as that can be told: see [`who_holds`].
    Free,
    /// A writer holds it, or another program that locked the log.
    Held(Option<Holder>),
}

/// Who holds the writer's lock of the log in `dir`. Nothing is changed or made, and the lock is not
/// taken, except on Windows for a moment, during which a writer that opens tries again.
///
/// The answer may be out of date when it is returned.
///
/// A writer of this crate is seen wherever it runs, if it could leave its note beside the log. A
/// holder without a note, such as a writer that may not write to the directory, or `eventfold`
/// 0.2.0, is seen on Linux from the same container, on Windows if it locks what this crate locks,
/// and on other systems not at all. A writer that takes no lock is never seen.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// use eventfold::{EventWriter, LockState, who_holds};
///
/// let writer = EventWriter::open(dir.path())?;
/// let LockState::Held(Some(holder)) = who_holds(dir.path())? else {
///     panic!("it was just opened");
/// };
/// assert_eq!(holder.pid, std::process::id());
///
/// drop(writer);
/// assert_eq!(who_holds(dir.path())?, LockState::Free);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// [`io::ErrorKind::NotFound`] when there is no such directory, and
/// [`io::ErrorKind::NotADirectory`] when it is something else.
pub fn who_holds(dir: impl AsRef<Path>) -> io::Result<LockState> {
    let source = FileSource::new(dir.as_ref());
    source.check_dir()?;
    let log = source.path(Slot::Log);
    Ok(imp::state(source.dir(), &log))
}

#[cfg(unix)]
mod imp {
    use super::{Holder, LockState, Path, fs};
    use crate::lock::note;

    pub(super) fn state(dir: &Path, log: &Path) -> LockState {
        // A log that is a pipe would be waited for.
        let is_file = fs::metadata(log).is_ok_and(|found| found.is_file());
        let places = [is_file.then_some(log), Some(dir)];
        for file in places.into_iter().flatten().flat_map(fs::File::open) {
            if is_locked(&file) {
                return LockState::Held(Holder::of_log(&file, log));
            }
        }
        match note::is_held(log) {
            true => LockState::Held(note::of_held(log)),
            false => LockState::Free,
        }
    }

    #[cfg(target_os = "linux")]
    fn is_locked(file: &fs::File) -> bool {
        use crate::lock::{open_files, table};

        table::is_locked(file)
            || !table::is_complete() && open_files::who_has_locked(file).is_some()
    }

    #[cfg(not(target_os = "linux"))]
    fn is_locked(_file: &fs::File) -> bool {
        false
    }
}

#[cfg(windows)]
mod imp {
    use fs2::FileExt;

    use super::{Holder, LockState, Path, fs};
    use crate::lock::{is_contention, unlock};

    pub(super) fn state(_dir: &Path, log: &Path) -> LockState {
        let Ok(beside) = fs::File::open(log.with_added_extension("lock")) else {
            return LockState::Free;
        };
        // Who opens at this moment tries again for a while, see `patience`.
        match FileExt::try_lock_shared(&beside) {
            Ok(()) => unlock(&beside),
            Err(error) if is_contention(&error) => {
                return LockState::Held(Holder::of_log(&beside, log));
            }
            Err(_) => {}
        }
        LockState::Free
    }
}
