use std::fs::File;
use std::path::Path;

use super::note::Note;
use super::{Holder, LockError, note, open_locked, unlock};

/// What keeps other writers away for as long as it lives.
///
/// Two locks, since each covers what the other cannot. The one on the log file is what every
/// version of this crate takes. The one beside it also holds when the log file is replaced: on
/// Unix it is on the directory; on Windows, where a locked file cannot be read by others, it is
/// on a file of its own and the log itself stays unlocked. Neither can be replaced there.
#[derive(Debug, Default)]
pub(crate) struct Guard {
    /// Goes first: without the lock it would tell of nobody.
    note: Option<Note>,
    locked: Vec<File>,
}

impl Guard {
    /// Opens the log at `path` in `dir` and locks it, without blocking.
    pub(crate) fn lock(dir: &Path, path: &Path) -> Result<(File, Self), LockError> {
        match imp::lock(dir, path) {
            Err(LockError::Held { holder }) => {
                let holder = Holder::noted(holder, note::of_held(path));
                Err(LockError::Held { holder })
            }
            locked => locked,
        }
    }

    /// Leaves a note of who holds the lock beside the log at `path`, if that can be done.
    pub(crate) fn leave_note(&mut self, path: &Path) {
        self.note = Note::leave(path);
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.note = None;
        // A child that was forked in the meantime may hold duplicates.
        self.locked.iter().for_each(unlock);
    }
}

#[cfg(unix)]
mod imp {
    use eventfold_core::planted::{Bug, planted};

    use super::{File, Guard, LockError, Path, open_locked};
    use crate::lock::{Holder, try_lock, unlock};

    pub(super) fn lock(dir: &Path, path: &Path) -> Result<(File, Guard), LockError> {
        let mut guard = Guard::default();
        let dir = File::open(dir)?;
        match try_lock(&dir) {
            Ok(true) if planted(Bug::DirectoryUnlocked) => unlock(&dir),
            Ok(true) => guard.locked.push(dir),
            Ok(false) => {
                let holder = Holder::of(&dir);
                return Err(LockError::Held { holder });
            }
            // Some network file systems lock no directory; the file's lock decides alone there.
            Err(_) => {}
        }
        let log = open_locked(path)?;
        guard.locked.push(log.try_clone()?);
        Ok((log, guard))
    }
}

#[cfg(windows)]
mod imp {
    use super::{File, Guard, LockError, Path, note, open_locked};
    use crate::lock::open_unlocked;

    pub(super) fn lock(_dir: &Path, path: &Path) -> Result<(File, Guard), LockError> {
        let beside = open_locked(&path.with_added_extension("lock"))?;
        note::wipe(path);
        let guard = Guard {
            note: None,
            locked: vec![beside],
        };
        Ok((open_unlocked(path)?, guard))
    }
}
