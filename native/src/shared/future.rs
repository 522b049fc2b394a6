//! Appends that tasks await.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread;

use eventfold_core::Appended;

use super::Receipt;

/// Ready when the event is in the log and as durable as the writer makes it, on any executor: a
/// thread of this crate writes and syncs, for all events that were given until then, and ends.
///
/// Nothing is written before it is polled, or another receipt of the same writer is. Dropping it
/// takes nothing back: an event that was given is written with the next.
///
/// ```
/// # fn block_on<F: std::future::Future>(future: F) -> F::Output {
/// #     use std::task::{Context, Poll, Waker};
/// #     let mut future = std::pin::pin!(future);
/// #     loop {
/// #         if let Poll::Ready(out) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
/// #             return out;
/// #         }
/// #         std::thread::yield_now();
/// #     }
/// # }
/// # let dir = tempfile::tempdir()?;
/// use eventfold::{Event, EventWriter, SharedWriter};
///
/// let writer = SharedWriter::new(EventWriter::open(dir.path())?);
/// # block_on(async {
/// let appended = writer.submit(&Event::new("counted", 1))?.await?;
/// assert_eq!(appended.position, 0);
/// # Ok::<(), std::io::Error>(())
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// As [`SharedWriter::append`](super::SharedWriter::append).
impl Future for Receipt {
    type Output = io::Result<Appended>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // Who sets the outcome takes the tasks after it, so that none is missed.
        let mut tasks = self.group.tasks();
        if let Some(outcome) = self.group.outcome.get() {
            return Poll::Ready(self.of(outcome));
        }
        tasks.add(context.waker());
        drop(tasks);
        if self.group.takes_leader() {
            self.lead_beside();
        }
        Poll::Pending
    }
}

impl Receipt {
    /// Has a thread of its own lead the group. Where there is none to be had, this one does.
    fn lead_beside(&self) {
        let (shared, group) = (self.shared.clone(), self.group.clone());
        let thread = thread::Builder::new().name("eventfold append".into());
        let lead = move || {
            let turn = shared.lead(&group);
            // Before anybody is told: the last handle is that of a task, and not of this thread.
            drop(shared);
            drop(turn);
        };
        if thread.spawn(lead).is_err() {
            drop(self.shared.lead(&self.group));
        }
    }
}
