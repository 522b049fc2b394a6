use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use eventfold_core::Record;
use futures_core::Stream;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::LogIterator;

/// A tail of the log, on any executor: the events of a [`LogIterator`], and those that are appended
/// later. It ends after an error that ends the iteration, and otherwise never.
///
/// Files are read by the task that polls it, a chunk or an archived block at a time. While tasks
/// wait, one thread listens for them, for all streams that come from one reader and its clones; it
/// ends about a second after the last of them was dropped. An event that nobody asks for waits on
/// the disk: there is nothing that could fill up.
///
/// ```
/// # futures::executor::block_on(async {
/// # let dir = tempfile::tempdir()?;
/// use eventfold::{Event, EventWriter};
/// use futures::StreamExt; // or another crate's, for `next`
///
/// let mut writer = EventWriter::open(dir.path())?;
/// let mut tail = writer.reader().read_full()?.into_stream();
/// writer.append(&Event::new("rang", "twice"))?;
/// let record = tail.next().await.expect("a stream without an error goes on")?;
/// assert_eq!(record.event.event_type, "rang");
/// # Ok::<(), std::io::Error>(())
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// As [`LogIterator`]; [`Error::Io`](crate::Error::Io) where the system has no thread to give, which
/// ends it.
#[derive(Debug)]
#[must_use = "a stream does nothing unless it is polled"]
pub struct EventStream<D = Value> {
    events: LogIterator<D>,
    has_failed: bool,
}

impl<D: DeserializeOwned> LogIterator<D> {
    /// The same events as a stream that goes on with those that are appended later.
    pub fn into_stream(self) -> EventStream<D> {
        EventStream {
            events: self,
            has_failed: false,
        }
    }
}

impl<D: DeserializeOwned> EventStream<D> {
    /// Where the next event will start.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.events.position()
    }
}

impl<D: DeserializeOwned> Stream for EventStream<D> {
    type Item = io::Result<Record<D>>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { events, has_failed } = self.get_mut();
        if *has_failed {
            return Poll::Ready(None);
        }
        if let Some(event) = events.next() {
            return Poll::Ready(Some(event));
        }
        if let Err(error) = events.wake_later(context.waker()) {
            *has_failed = true;
            return Poll::Ready(Some(Err(error)));
        }
        // What was appended before anybody listened.
        match events.next() {
            Some(event) => Poll::Ready(Some(event)),
            None if events.has_ended() => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}
