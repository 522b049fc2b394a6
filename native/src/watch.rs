//! Waiting for changes in the log's directory.
//!
//! Nothing here looks at the files or asks again after a while: a wait is as
//! good as the notifications of the file system. Where those do not come, as
//! for a write from another machine on a network file system, a wait ends with
//! its deadline only.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};

/// A count of the changes in one directory, and a way to sleep until it moves.
///
/// To miss nothing, take [`generation`](Self::generation), *then* look at the
/// files, and if there is nothing new, [`wait_past`](Self::wait_past) what was
/// taken. Clones of a reader share one through an `Arc`: each costs a thread
/// and, on Linux, one of the user's inotify instances.
#[derive(Debug)]
pub(crate) struct Watch {
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
    /// Starts to watch the entries of `dir`, not those of its subdirectories.
    ///
    /// The log in it may come into being later. If the log is a symbolic link,
    /// `dir` has to be the directory of what it points to: changes are
    /// reported where the file is.
    ///
    /// # Errors
    /// If the system has no watch left, or `dir` is missing or cannot be
    /// watched: an error with the kind of its cause, and a message that names
    /// `dir` and, where one is known, the way out.
    pub(crate) fn new(dir: &Path) -> io::Result<Self> {
        // On Windows the watcher would say so in words only.
        fs::metadata(dir).map_err(|source| cannot_watch(dir, notify::Error::io(source)))?;
        let changes = Arc::new(Changes::default());
        let notified = Arc::clone(&changes);
        notify::recommended_watcher(move |event| {
            if is_change(&event) {
                notified.count();
            }
        })
        .and_then(|mut watcher| {
            watcher.watch(dir, RecursiveMode::NonRecursive)?;
            Ok(Self {
                changes,
                _watcher: watcher,
            })
        })
        .map_err(|source| cannot_watch(dir, source))
    }

    /// The number of changes so far. It counts what the system reported, which
    /// may be several for one write, or one for several writes.
    pub(crate) fn generation(&self) -> u64 {
        *self.changes.lock()
    }

    /// Sleeps until the generation is another than `generation` or `deadline`
    /// has passed (`None`: never does), and returns the generation then.
    ///
    /// A result equal to `generation` means that the deadline has passed; any
    /// other says that something changed, not that there is an event to read.
    pub(crate) fn wait_past(&self, generation: u64, deadline: Option<Instant>) -> u64 {
        let changes = &*self.changes;
        let mut current = changes.lock();
        while *current == generation {
            current = match deadline.map(|at| at.saturating_duration_since(Instant::now())) {
                None => changes
                    .moved
                    .wait(current)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(Duration::ZERO) => break,
                Some(left) => {
                    changes
                        .moved
                        .wait_timeout(current, left)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
            };
        }
        *current
    }
}

/// The moment after `timeout` from now; `None`, which is no deadline, if it is
/// too far away to be told.
pub(crate) fn deadline(timeout: Duration) -> Option<Instant> {
    Instant::now().checked_add(timeout)
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

/// Whether a waiting reader has to look at the files again.
fn is_change(event: &notify::Result<notify::Event>) -> bool {
    match event {
        // A reader opens, reads and closes files itself, and would wake itself
        // without end. A close after writing is a change: one through a memory
        // map is reported by nothing else.
        Ok(event) => match event.kind {
            EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
            EventKind::Access(_) => event.need_rescan(),
            _ => true,
        },
        // Notifications may have been lost.
        Err(_) => true,
    }
}

/// Why a directory cannot be watched.
#[derive(Debug, thiserror::Error)]
#[error("cannot watch the directory {} for changes: {source}{advice}", .dir.display())]
struct CannotWatch {
    dir: PathBuf,
    source: notify::Error,
    advice: &'static str,
}

fn cannot_watch(dir: &Path, mut source: notify::Error) -> io::Error {
    // They would name the directory a second time.
    source.paths.clear();
    let (kind, advice) = match &source.kind {
        notify::ErrorKind::Io(error) => (error.kind(), advice(error)),
        notify::ErrorKind::PathNotFound => (io::ErrorKind::NotFound, ""),
        notify::ErrorKind::MaxFilesWatch => (
            io::ErrorKind::QuotaExceeded,
            "; raise fs.inotify.max_user_watches (sysctl)",
        ),
        _ => (io::ErrorKind::Other, ""),
    };
    let dir = dir.to_path_buf();
    let error = CannotWatch {
        dir,
        source,
        advice,
    };
    io::Error::new(kind, error)
}

/// The way out of a failure to start watching.
fn advice(error: &io::Error) -> &'static str {
    /// What Linux says if the user has no inotify instance left, or the
    /// process no descriptor: std has no kind for it.
    const EMFILE: i32 = 24;
    if cfg!(target_os = "linux") && error.raw_os_error() == Some(EMFILE) {
        "; raise fs.inotify.max_user_instances (sysctl) or the limit of open files (ulimit -n)"
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::thread;

    const SECOND: Duration = Duration::from_secs(1);

    /// Waits until the notifications of what was done before have come in.
    fn settle(watch: &Watch) -> u64 {
        let mut generation = watch.generation();
        loop {
            let later = watch.wait_past(generation, deadline(SECOND / 5));
            if later == generation {
                return generation;
            }
            generation = later;
        }
    }

    #[test]
    fn an_append_by_another_handle_wakes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("app.jsonl");
        let mut file = fs::File::create(&path).unwrap();
        let watch = Watch::new(dir.path()).unwrap();
        let before = settle(&watch);
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(SECOND / 20);
                file.write_all(b"{}\n").unwrap();
            });
            assert_ne!(watch.wait_past(before, deadline(SECOND)), before);
        });
    }

    #[test]
    fn a_log_that_is_created_later_wakes() {
        let dir = tempfile::tempdir().unwrap();
        let watch = Watch::new(dir.path()).unwrap();
        let before = watch.generation();
        fs::write(dir.path().join("app.jsonl"), "{}\n").unwrap();
        let far = deadline(Duration::from_secs(1 << 40));
        assert_ne!(watch.wait_past(before, far), before);
        // What has changed before the wait ends it at once.
        assert_ne!(watch.wait_past(before, deadline(Duration::MAX)), before);
    }

    #[test]
    fn a_timeout_takes_its_whole_time() {
        let dir = tempfile::tempdir().unwrap();
        let watch = Watch::new(dir.path()).unwrap();
        let before = settle(&watch);
        for milliseconds in [0, 1, 7, 120] {
            let timeout = Duration::from_millis(milliseconds);
            let start = Instant::now();
            assert_eq!(watch.wait_past(before, deadline(timeout)), before);
            assert!(start.elapsed() >= timeout);
        }
    }

    #[test]
    fn reading_is_no_change() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("app.jsonl");
        fs::write(&path, "{}\n").unwrap();
        let watch = Watch::new(dir.path()).unwrap();
        let before = settle(&watch);
        for _ in 0..20 {
            fs::read(&path).unwrap();
            fs::read_dir(dir.path()).unwrap().count();
        }
        assert_eq!(settle(&watch), before);
    }

    #[test]
    fn every_waiter_wakes() {
        let dir = tempfile::tempdir().unwrap();
        let mut file = fs::File::create(dir.path().join("app.jsonl")).unwrap();
        let watch = Watch::new(dir.path()).unwrap();
        let before = settle(&watch);
        thread::scope(|scope| {
            let wait = || watch.wait_past(before, deadline(5 * SECOND));
            let waiters = [scope.spawn(wait), scope.spawn(wait)];
            thread::sleep(SECOND / 5);
            file.write_all(b"{}\n").unwrap();
            let start = Instant::now();
            for waiter in waiters {
                assert_ne!(waiter.join().unwrap(), before);
            }
            assert!(start.elapsed() < 2 * SECOND);
        });
    }

    #[test]
    fn lost_notifications_and_errors_are_changes() {
        let event = |kind| Ok(notify::Event::new(kind));
        assert!(is_change(&Err(notify::Error::generic("lost"))));
        assert!(is_change(&event(EventKind::Any)));
        let rescan = notify::Event::new(EventKind::Other).set_flag(notify::event::Flag::Rescan);
        assert!(is_change(&Ok(rescan)));
        let access = |kind| event(EventKind::Access(kind));
        assert!(is_change(&access(AccessKind::Close(AccessMode::Write))));
        assert!(!is_change(&access(AccessKind::Close(AccessMode::Read))));
        assert!(!is_change(&access(AccessKind::Open(AccessMode::Any))));
    }

    #[test]
    fn a_watch_that_cannot_start_names_the_directory_and_the_way_out() {
        let dir = tempfile::tempdir().unwrap().path().join("missing");
        let error = Watch::new(&dir).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(error.to_string().contains(&*dir.to_string_lossy()));
        if cfg!(target_os = "linux") {
            let exhausted = notify::Error::io(io::Error::from_raw_os_error(24));
            let error = cannot_watch(&dir, exhausted);
            assert!(error.to_string().contains("max_user_instances"));
        }
    }
}
