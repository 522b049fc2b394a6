use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use notify::{ErrorKind, RecommendedWatcher, RecursiveMode, Watcher};

use super::{left, sleep};

/// A count of the changes in one directory, and a way to sleep until it moves.
///
/// Clones of a reader share one: each costs a thread.
#[derive(Debug)]
pub(super) struct Watch {
    changes: Arc<Changes>,
    /// Held because its drop ends the notifications.
    _watcher: RecommendedWatcher,
}

/// What the watcher's thread and the waiting threads share.
#[derive(Debug, Default)]
struct Changes {
    generation: Mutex<u64>,
    moved: Condvar,
}

impl Watch {
    /// Starts to watch the entries of `dir`, not those of its subdirectories. The log in it may
    /// come into being later.
    ///
    /// # Errors
    /// The system's: when it has no watch left, or `dir` is missing or may not be read.
    pub(super) fn new(dir: &Path) -> io::Result<Self> {
        // On Windows the watcher would say so in words only.
        fs::metadata(dir)?;
        let changes = Arc::new(Changes::default());
        let notified = Arc::clone(&changes);
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<_>| {
            if event.map_or(true, |event: notify::Event| is_change(&event)) {
                notified.count();
            }
        })
        .map_err(system)?;
        watcher
            .watch(dir, RecursiveMode::NonRecursive)
            .map_err(system)?;
        Ok(Self {
            changes,
            _watcher: watcher,
        })
    }

    /// The number of changes so far. It counts what the system reported, which may be several for
    /// one write, or one for several writes.
    pub(super) fn generation(&self) -> u64 {
        *self.changes.lock()
    }

    /// Sleeps until the generation is another than `generation` or `deadline` has passed (`None`:
    /// never does), and returns the generation then.
    ///
    /// A result equal to `generation` means that the deadline has passed; any other says that
    /// something changed, not that there is an event to read.
    pub(super) fn wait_past(&self, generation: u64, deadline: Option<Instant>) -> u64 {
        let mut current = self.changes.lock();
        loop {
            let left = left(deadline);
            if *current != generation || left == Some(Duration::ZERO) {
                return *current;
            }
            current = sleep(&self.changes.moved, current, left);
        }
    }
}

impl Changes {
    fn lock(&self) -> MutexGuard<'_, u64> {
        // A number is whole even if a thread panicked while it held the lock.
        self.generation
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self) {
        let mut generation = self.lock();
        *generation = generation.wrapping_add(1);
        self.moved.notify_all();
    }
}

/// Whether a waiting reader has to look at the files again. It opens, reads and closes files
/// itself, and would wake itself without end.
fn is_change(event: &notify::Event) -> bool {
    !event.kind.is_access() || event.need_rescan()
}

fn system(error: notify::Error) -> io::Error {
    match error.kind {
        ErrorKind::Io(error) => error,
        ErrorKind::PathNotFound => io::ErrorKind::NotFound.into(),
        _ => io::Error::other(error),
    }
}
