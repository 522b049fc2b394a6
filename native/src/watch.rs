//! Waiting for changes in the log's directory.
//!
//! A [`Watch`] is as good as the notifications of the file system. To miss none of them, take its
//! generation, *then* look at the files, and if there is nothing new, wait past what was taken.

#[cfg(target_os = "linux")]
mod inotify;
#[cfg(not(target_os = "linux"))]
mod notified;
#[cfg(feature = "async")]
mod tasks;

use std::path::Path;
use std::sync::{Arc, Condvar, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

#[cfg(target_os = "linux")]
use inotify::Watch;
#[cfg(not(target_os = "linux"))]
use notified::Watch;

/// How long a wait believes that nothing changed because nothing was notified. Some file systems
/// notify late or, for another machine's writes, never.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// A watch that its clones share, made by the first wait for which the system has one to give.
#[derive(Debug, Clone, Default)]
pub(crate) struct SharedWatch(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    watch: OnceLock<Watch>,
    #[cfg(feature = "async")]
    tasks: tasks::Tasks,
}

impl Shared {
    fn watch(&self, dir: &Path) -> Option<&Watch> {
        match self.watch.get() {
            Some(watch) => Some(watch),
            // Where there is none to be had now, the next wait asks again.
            None => Watch::new(dir)
                .ok()
                .map(|new| self.watch.get_or_init(|| new)),
        }
    }
}

impl SharedWatch {
    /// Looks again after each change in `dir`, until something is found or the time is over.
    pub(crate) fn wait<T>(
        &self,
        dir: &Path,
        timeout: Duration,
        mut look: impl FnMut() -> Option<T>,
    ) -> Option<T> {
        let deadline = deadline(timeout);
        // Who finds what there is needs no watch.
        if self.0.watch.get().is_none()
            && let Some(found) = look()
        {
            return Some(found);
        }
        let watch = self.0.watch(dir);
        loop {
            let generation = watch.map(Watch::generation);
            if let Some(found) = look() {
                return Some(found);
            }
            let pause = left(deadline).unwrap_or(LOOK_AGAIN).min(LOOK_AGAIN);
            if pause == Duration::ZERO {
                return None;
            }
            match (watch, generation) {
                (Some(watch), Some(generation)) => {
                    watch.wait_past(generation, self::deadline(pause));
                }
                _ => std::thread::sleep(pause),
            }
        }
    }
}

/// The moment after `timeout` from now; `None`, which is no deadline, if it is too far away to be
/// told.
fn deadline(timeout: Duration) -> Option<Instant> {
    Instant::now().checked_add(timeout)
}

/// How long it is to the deadline, if there is one.
fn left(deadline: Option<Instant>) -> Option<Duration> {
    deadline.map(|at| at.saturating_duration_since(Instant::now()))
}

/// Sleeps until it is notified, the time is over, or for no reason.
fn sleep<'l, T>(
    notified: &Condvar,
    locked: MutexGuard<'l, T>,
    left: Option<Duration>,
) -> MutexGuard<'l, T> {
    match left {
        None => notified
            .wait(locked)
            .unwrap_or_else(PoisonError::into_inner),
        Some(left) => {
            notified
                .wait_timeout(locked, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::{self, Write};
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
    fn a_log_that_is_cut_replaced_or_removed_wakes() {
        let dir = tempfile::tempdir().unwrap();
        let (path, other) = (dir.path().join("app.jsonl"), dir.path().join("other"));
        fs::write(&path, "{}\n").unwrap();
        fs::write(&other, "").unwrap();
        let watch = Watch::new(dir.path()).unwrap();
        let changes: [fn(&std::path::Path, &std::path::Path); 3] = [
            |path, _| {
                let file = fs::OpenOptions::new().write(true).open(path).unwrap();
                file.set_len(0).unwrap();
            },
            |path, other| fs::rename(other, path).unwrap(),
            |path, _| fs::remove_file(path).unwrap(),
        ];
        for change in changes {
            let before = settle(&watch);
            change(&path, &other);
            assert_ne!(watch.wait_past(before, deadline(5 * SECOND)), before);
        }
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
    fn every_waiter_wakes_also_when_one_that_waited_before_it_gives_up() {
        let dir = tempfile::tempdir().unwrap();
        let mut file = fs::File::create(dir.path().join("app.jsonl")).unwrap();
        let watch = Watch::new(dir.path()).unwrap();
        let before = settle(&watch);
        thread::scope(|scope| {
            let wait = |timeout| watch.wait_past(before, deadline(timeout));
            let impatient = scope.spawn(move || wait(SECOND / 10));
            thread::sleep(SECOND / 20);
            let waiters = [(); 2].map(|()| scope.spawn(move || wait(20 * SECOND)));
            assert_eq!(impatient.join().unwrap(), before);
            thread::sleep(SECOND / 5);
            file.write_all(b"{}\n").unwrap();
            for waiter in waiters {
                assert_ne!(waiter.join().unwrap(), before);
            }
        });
    }

    #[test]
    fn a_directory_that_is_not_there_cannot_be_watched() {
        let dir = tempfile::tempdir().unwrap().path().join("missing");
        let error = Watch::new(&dir).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
