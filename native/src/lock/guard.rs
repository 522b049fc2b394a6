use std::fs::File;
use std::path::Path;
use std::process;
use std::thread;
use std::time::{Duration, Instant};

use super::note::Note;
use super::{LockError, open_locked, unlock};

/// How long to sleep between two tries to get a lock that another holds, at first and at last. A
/// thread that waits in the system's own call could not be called back at the timeout.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// What keeps other writers away for as long as it lives.
///
/// Two locks, since each covers what the other cannot. The one on the log file is what every
/// version of this crate takes. The one beside it also holds when the log file is replaced: on
/// Unix it is on the directory; on Windows, where a locked file cannot be read by others, it is
/// on a file of its own and the log itself stays unlocked. Neither can be replaced there.
#[derive(Debug)]
pub(crate) struct Guard {
    /// Goes first: without the lock it would tell of nobody.
    note: Option<Note>,
    locked: Vec<File>,
    /// The process that locked.
    owner: u32,
}

impl Guard {
    /// Opens the log at `path` in `dir` and locks it, without blocking.
    pub(crate) fn lock(dir: &Path, path: &Path) -> Result<(File, Self), LockError> {
        imp::lock(dir, path)
    }

    /// [`lock`](Self::lock), tried again until `timeout` has passed while another holds the lock.
    pub(crate) fn wait(
        dir: &Path,
        path: &Path,
        timeout: Duration,
    ) -> Result<(File, Self), LockError> {
        // None is too far away to be told.
        let deadline = Instant::now().checked_add(timeout);
        let mut pause = SHORTEST_PAUSE;
        loop {
            let held = match Self::lock(dir, path) {
                Err(LockError::Held(file)) => file,
                locked => return locked,
            };
            let now = Instant::now();
            let left = deadline.map_or(Duration::MAX, |at| at.saturating_duration_since(now));
            if left.is_zero() {
                return Err(LockError::Held(held));
            }
            drop(held);
            thread::sleep(pause.min(left));
            pause = LONGEST_PAUSE.min(pause * 2);
        }
    }

    fn of(locked: Vec<File>) -> Self {
        Self {
            note: None,
            locked,
            owner: process::id(),
        }
    }

    /// Leaves a note of who holds the lock beside the log at `path`, if that can be done.
    pub(crate) fn leave_note(&mut self, path: &Path) {
        self.note = Note::leave(path);
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if process::id() != self.owner {
            // A child that was forked has duplicates, and the locks are its parent's: to unlock one
            // would be to unlock both. They are closed.
            return;
        }
        self.note = None;
        // A child that was forked in the meantime may hold duplicates.
        self.locked.iter().for_each(unlock);
    }
}

#[cfg(unix)]
mod imp {
    use eventfold_core::planted::{Bug, planted};

    use super::{File, Guard, LockError, Path, open_locked};
    use crate::lock::{try_lock, unlock};

    pub(super) fn lock(dir: &Path, path: &Path) -> Result<(File, Guard), LockError> {
        let mut guard = Guard::of(Vec::new());
        let dir = File::open(dir)?;
        match try_lock(&dir) {
            Ok(true) if planted(Bug::DirectoryUnlocked) => unlock(&dir),
            Ok(true) => guard.locked.push(dir),
            Ok(false) => return Err(LockError::Held(dir)),
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
    use super::{File, Guard, LockError, Path, open_locked};
    use crate::lock::{note, open_unlocked};

    pub(super) fn lock(_dir: &Path, path: &Path) -> Result<(File, Guard), LockError> {
        let beside = open_locked(&path.with_added_extension("lock"))?;
        note::wipe(path);
        Ok((open_unlocked(path)?, Guard::of(vec![beside])))
    }
}
