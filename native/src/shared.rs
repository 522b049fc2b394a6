//! Group commit: appends of many threads share one write and one sync.

#[cfg(feature = "async")]
mod future;

use std::cell::Cell;
use std::io;
use std::mem::{replace, take};
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use eventfold_core::{Appended, Batch, Event};
use serde::Serialize;

use crate::error::Error;
use crate::reader::EventReader;
use crate::wakers::Wakers;
use crate::writer::EventWriter;

/// A writer that threads share: while one of them syncs, the others' events gather, and are
/// written and synced together after it. Each append returns when its own event is as durable as
/// [`EventWriter::append`] makes it. Clones write to the same log. Once it is poisoned all of them
/// have to be dropped, which frees the lock, before the log is opened again.
///
/// It rotates where the writer has a [size limit](EventWriter::with_max_log_size), and keeps no
/// views: a [`View`](crate::View) by itself folds, and [`with`](Self::with) saves it.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// use eventfold::{Event, EventWriter, SharedWriter};
///
/// let writer = SharedWriter::new(EventWriter::open(dir.path())?);
/// std::thread::scope(|scope| {
///     for n in 0..64 {
///         let writer = writer.clone();
///         scope.spawn(move || writer.append(&Event::new("counted", n)).unwrap());
///     }
/// });
/// assert_eq!(writer.reader().read_full()?.count(), 64);
///
/// // One thread has many appends under way by waiting for them later.
/// let receipts: Vec<_> = (0..64)
///     .map(|n| writer.submit(&Event::new("counted", n)))
///     .collect::<Result<_, _>>()?;
/// for receipt in receipts {
///     receipt.wait()?;
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct SharedWriter {
    shared: Arc<Shared>,
}

/// An event that was given to a [`SharedWriter`]. It is written once somebody waits for it, or for
/// one that was given after it.
#[derive(Debug)]
#[must_use = "the event is in the log when `wait` returned"]
pub struct Receipt {
    shared: Arc<Shared>,
    group: Arc<Group>,
    /// The event's place in the group.
    index: usize,
}

#[derive(Debug)]
struct Shared {
    dir: PathBuf,
    /// Held by a leader while it writes; the next one waits for it.
    writer: Mutex<Led>,
    queue: Mutex<Queue>,
}

#[derive(Debug)]
struct Led {
    writer: EventWriter,
    /// Whether a leader is in the middle of something, where one that panicked stays.
    is_midway: bool,
}

/// What the next leader writes.
#[derive(Debug, Default)]
struct Queue {
    batch: Batch,
    group: Arc<Group>,
    /// The process that the first of these events was given in: one that was forked has copies.
    process: u32,
}

/// The events of one write, and who waits for them.
#[derive(Debug, Default)]
struct Group {
    /// Whether it has its leader: the first that waits for one of its events.
    is_led: AtomicBool,
    outcome: OnceLock<Result<Vec<Appended>, Error>>,
    /// Tasks that await the outcome. They cannot lead, since they must not block.
    tasks: Mutex<Wakers>,
}

thread_local! {
    /// Memory to write a line in, kept from one event to the next. The queue is not locked for as
    /// long as an event takes to become JSON.
    static LINE: Cell<Batch> = const { Cell::new(Batch::new()) };
}

impl SharedWriter {
    /// Shares `writer`, with the durability that it has.
    #[must_use]
    pub fn new(writer: EventWriter) -> Self {
        Self {
            shared: Arc::new(Shared {
                dir: writer.dir().to_path_buf(),
                writer: Mutex::new(Led {
                    writer,
                    is_midway: false,
                }),
                queue: Mutex::default(),
            }),
        }
    }

    /// Appends one event, together with those of other threads.
    ///
    /// # Errors
    /// As [`EventWriter::append`]. What fails a write fails every append that shared it: none of
    /// their events is in the log, or each error says that this is not known.
    pub fn append<D: Serialize>(&self, event: &Event<D>) -> io::Result<Appended> {
        self.submit(event)?.wait()
    }

    /// Gives an event to be appended, and does not wait for it: see [`Receipt::wait`]. Events are
    /// appended in the order in which they are given. Those that are not written when the last
    /// handle is dropped, since nobody waited, are written then, and their errors are lost.
    ///
    /// # Errors
    /// [`Error::Unreadable`] and [`Error::TooLarge`].
    pub fn submit<D: Serialize>(&self, event: &Event<D>) -> io::Result<Receipt> {
        let mut line = LINE.try_with(Cell::take).unwrap_or_default();
        line.push(event)
            .map_err(|error| Error::in_dir(&self.shared.dir, error))?;
        let receipt = self.shared.give(&line);
        line.clear();
        // Where the thread is ending there is nothing to keep it for.
        let _ = LINE.try_with(|kept| kept.set(line));
        Ok(receipt)
    }

    /// Does something else with the writer, such as saving a view, while no append is under way.
    /// Events that were given and not waited for are not written by it. Appends by a handle wait
    /// until `act` returns, so `act` must make none.
    pub fn with<T>(&self, act: impl FnOnce(&mut EventWriter) -> T) -> T {
        act(&mut self.shared.writer().writer)
    }

    /// A reader of the same directory.
    #[must_use]
    pub fn reader(&self) -> EventReader {
        EventReader::new(&self.shared.dir)
    }
}

impl Receipt {
    /// Waits until the event is in the log, and as durable as the writer makes it.
    ///
    /// # Errors
    /// As [`SharedWriter::append`].
    pub fn wait(self) -> io::Result<Appended> {
        if self.group.takes_leader() {
            drop(self.shared.lead(&self.group));
        }
        self.of(self.group.outcome.wait())
    }

    fn of(&self, outcome: &Result<Vec<Appended>, Error>) -> io::Result<Appended> {
        match outcome {
            #[expect(clippy::indexing_slicing, reason = "each receipt has its place")]
            Ok(appended) => Ok(appended[self.index]),
            Err(error) => Err(error.duplicate().into()),
        }
    }
}

impl Group {
    /// Whether who asks is to lead it: one is, once.
    fn takes_leader(&self) -> bool {
        !self.is_led.swap(true, Relaxed)
    }

    fn tasks(&self) -> MutexGuard<'_, Wakers> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    fn give(self: &Arc<Self>, line: &Batch) -> Receipt {
        let mut queue = self.queue();
        let index = queue.batch.len();
        if index == 0 {
            queue.process = process::id();
        }
        queue.batch.extend(line);
        Receipt {
            shared: self.clone(),
            group: queue.group.clone(),
            index,
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        // Nothing panics while it is held.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writer(&self) -> MutexGuard<'_, Led> {
        // A panic of `with` is the caller's; one of a leader is known by what it left.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes `group`, which is the one that gathers, when those before it are written. Those who
    /// wait are told when the turn ends: the next leader syncs meanwhile.
    fn lead<'g>(&self, group: &'g Group) -> Turn<'g> {
        let mut turn = Turn {
            dir: self.dir.clone(),
            group,
            outcome: None,
        };
        let mut led = self.writer();
        let next = Queue {
            batch: led.writer.empty_batch(),
            ..Queue::default()
        };
        let Queue { batch, .. } = replace(&mut *self.queue(), next);
        if !replace(&mut led.is_midway, true) {
            turn.outcome = Some(led.writer.append_encoded(batch));
            led.is_midway = false;
        }
        turn
    }
}

/// Writes what nobody waited for.
impl Drop for Shared {
    fn drop(&mut self) {
        // Not locked: a thread that was not forked with this process may have held it.
        let queue = self.queue.get_mut().unwrap_or_else(PoisonError::into_inner);
        if !queue.batch.is_empty() && queue.process == process::id() {
            let group = queue.group.clone();
            drop(self.lead(&group));
        }
    }
}

/// A leader's turn, which ends even when the leader panics.
#[must_use]
struct Turn<'g> {
    dir: PathBuf,
    group: &'g Group,
    outcome: Option<Result<Vec<Appended>, Error>>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let outcome = self.outcome.take().unwrap_or_else(|| {
            Err(Error::Poisoned {
                dir: take(&mut self.dir),
                reason: "a thread panicked while it appended".into(),
            })
        });
        // It is set once, by the only leader that the group has.
        let _ = self.group.outcome.set(outcome);
        // Not while they are locked: a task may be polled by who wakes it.
        let tasks = self.group.tasks().take();
        tasks.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leader_that_panics_leaves_nobody_waiting_and_ends_the_writing() {
        let dir = tempfile::tempdir().unwrap();
        let writer = SharedWriter::new(EventWriter::open(dir.path()).unwrap());
        let receipts = [0, 1].map(|n| writer.submit(&Event::at(0, "a", n)).unwrap());
        let Queue { group, .. } = take(&mut *writer.shared.queue());
        assert!(group.takes_leader());
        writer.shared.writer().is_midway = true;
        let turn = Turn {
            dir: dir.path().to_path_buf(),
            group: &group,
            outcome: None,
        };
        let later = writer.submit(&Event::at(0, "a", 2)).unwrap();
        std::thread::scope(|scope| {
            let waiting = receipts.map(|receipt| scope.spawn(|| receipt.wait()));
            let later = scope.spawn(|| later.wait());
            drop(turn);
            for thread in waiting.into_iter().chain([later]) {
                let error = thread.join().unwrap().unwrap_err();
                assert!(matches!(Error::of(&error), Some(Error::Poisoned { .. })));
            }
        });
        let error = writer.append(&Event::at(0, "a", 3)).unwrap_err();
        assert!(matches!(Error::of(&error), Some(Error::Poisoned { .. })));
    }
}
