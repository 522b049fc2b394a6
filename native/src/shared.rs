//! Group commit: appends of many threads share one write and one sync.

#[cfg(feature = "async")]
mod future;

use std::io;
use std::mem::take;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::Waker;
use std::thread;

use eventfold_core::{Appended, Batch, Event};
use serde::Serialize;

use crate::error::Error;
use crate::reader::EventReader;
use crate::writer::EventWriter;

/// A writer that threads share: while one of them syncs, the others' events gather, and are
/// written and synced together after it. Each append returns when its own event is as durable as
/// [`EventWriter::append`] makes it. Clones write to the same log.
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

/// An event that was given to a [`SharedWriter`], and is not written before somebody waits for it
/// or for one that was given after it.
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
    /// For a leader of its own thread.
    me: Weak<Shared>,
    dir: PathBuf,
    writer: Mutex<EventWriter>,
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    /// Events that the next leader writes, and who waits for them.
    batch: Batch,
    group: Arc<Group>,
    /// Whether a thread is writing a group: the leader, who is one of those that wait for it.
    is_led: bool,
    /// Whether a leader panicked, and the writer may be in the middle of something.
    is_broken: bool,
}

/// The events of one write.
#[derive(Debug, Default)]
struct Group {
    outcome: OnceLock<Result<Vec<Appended>, Error>>,
    /// Notified when there is an outcome, or a leader is wanted.
    changed: Condvar,
    /// Tasks that await the outcome. They cannot lead, since they must not block.
    tasks: Mutex<Vec<Waker>>,
}

impl SharedWriter {
    /// Shares `writer`, with the durability that it has.
    #[must_use]
    pub fn new(writer: EventWriter) -> Self {
        Self {
            shared: Arc::new_cyclic(|me| Shared {
                me: me.clone(),
                dir: writer.dir().to_path_buf(),
                writer: Mutex::new(writer),
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

    /// Gives an event to be appended, in the order in which they are given, and does not wait for
    /// it: see [`Receipt::wait`]. What nobody waited for is written when the last handle is gone,
    /// and its errors are lost.
    ///
    /// # Errors
    /// [`Error::Unreadable`] and [`Error::TooLarge`].
    pub fn submit<D: Serialize>(&self, event: &Event<D>) -> io::Result<Receipt> {
        let mut line = Batch::new();
        line.push(event)
            .map_err(|error| Error::in_dir(&self.shared.dir, error))?;
        let mut queue = self.shared.queue();
        let index = queue.batch.len();
        queue.batch.extend(&line);
        Ok(Receipt {
            shared: self.shared.clone(),
            group: queue.group.clone(),
            index,
        })
    }

    /// Does something else with the writer, such as to rotate, while no append is under way.
    /// Events that were given and not waited for are not written by it. Appends by a handle have
    /// to wait for its end, and so cannot be made in `act`.
    pub fn with<T>(&self, act: impl FnOnce(&mut EventWriter) -> T) -> T {
        act(&mut self.shared.writer())
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
        let mut queue = self.shared.queue();
        loop {
            if let Some(outcome) = self.outcome() {
                return outcome;
            }
            queue = match queue.is_led {
                true => wait(&self.group.changed, queue),
                false => {
                    self.shared.lead(queue);
                    self.shared.queue()
                }
            };
        }
    }
}

impl Receipt {
    fn outcome(&self) -> Option<io::Result<Appended>> {
        self.group.outcome.get().map(|outcome| match outcome {
            #[expect(clippy::indexing_slicing, reason = "each receipt has its place")]
            Ok(appended) => Ok(appended[self.index]),
            Err(error) => Err(error.duplicate().into()),
        })
    }
}

impl Group {
    fn tasks(&self) -> MutexGuard<'_, Vec<Waker>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        // Nothing panics while it is held.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writer(&self) -> MutexGuard<'_, EventWriter> {
        // A panic of `with` is the caller's; one of a leader is kept in the queue.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has a thread of its own write what is queued, for tasks that await it. Where there is none
    /// to be had, this one does.
    fn lead_beside<'q>(&'q self, mut queue: MutexGuard<'q, Queue>) {
        // Only the last handle's end has none, and then nobody awaits.
        let Some(shared) = self.me.upgrade() else {
            return;
        };
        queue.is_led = true;
        drop(queue);
        let thread = thread::Builder::new().name("eventfold append".into());
        if thread.spawn(move || shared.lead(shared.queue())).is_err() {
            self.lead(self.queue());
        }
    }

    /// Writes what is queued, for all that wait for it.
    fn lead(&self, mut queue: MutexGuard<'_, Queue>) {
        queue.is_led = true;
        let (batch, is_broken) = (take(&mut queue.batch), queue.is_broken);
        let mut turn = Turn {
            shared: self,
            group: take(&mut queue.group),
            outcome: None,
        };
        drop(queue);
        if !is_broken {
            turn.outcome = Some(self.writer().append_encoded(batch));
        }
    }
}

/// What nobody waited for.
impl Drop for Shared {
    fn drop(&mut self) {
        if !self.queue().batch.is_empty() {
            self.lead(self.queue());
        }
    }
}

/// A leader's turn, which ends even when the leader panics.
struct Turn<'s> {
    shared: &'s Shared,
    group: Arc<Group>,
    outcome: Option<Result<Vec<Appended>, Error>>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut queue = self.shared.queue();
        queue.is_led = false;
        let outcome = self.outcome.take().unwrap_or_else(|| {
            queue.is_broken = true;
            Err(Error::Poisoned {
                dir: self.shared.dir.clone(),
                reason: "a thread panicked while it appended".into(),
            })
        });
        // It is set once, by the only leader that the group has.
        let _ = self.group.outcome.set(outcome);
        let next = queue.group.clone();
        // A thread that waits would lead no sooner.
        match next.tasks().is_empty() {
            true => drop(queue),
            false => self.shared.lead_beside(queue),
        }
        self.group.changed.notify_all();
        next.changed.notify_one();
        for task in take(&mut *self.group.tasks()) {
            task.wake();
        }
    }
}

fn wait<'q>(changed: &Condvar, queue: MutexGuard<'q, Queue>) -> MutexGuard<'q, Queue> {
    changed.wait(queue).unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leader_that_panics_leaves_nobody_waiting_and_ends_the_writing() {
        let dir = tempfile::tempdir().unwrap();
        let writer = SharedWriter::new(EventWriter::open(dir.path()).unwrap());
        let receipts = [0, 1].map(|n| writer.submit(&Event::at(0, "a", n)).unwrap());
        let mut queue = writer.shared.queue();
        queue.is_led = true;
        let turn = Turn {
            shared: &writer.shared,
            group: take(&mut queue.group),
            outcome: None,
        };
        let later = {
            drop(queue);
            writer.submit(&Event::at(0, "a", 2)).unwrap()
        };
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
