//! An embedded, append-only event log with derived views: `state = fold(events)`.
//!
//! One directory, no server: one writer at a time, kept alone by an advisory lock; any number of
//! readers without a lock; views that are folded from the events and saved as snapshots; rotation
//! into a compressed archive that any zstd tool reads.
//!
//! Start with [`EventLog`], which holds all of it, or with [`EventWriter`] and [`EventReader`]
//! where writing and reading live apart.
//!
//! A *position* is a byte offset into the whole history, archived events included. It never
//! restarts: a rotation changes none.
//!
//! ```
//! # let dir = tempfile::tempdir()?;
//! use eventfold::{Event, EventLog, EventReader};
//! use serde_json::json;
//!
//! let mut log = EventLog::builder(dir.path())
//!     .view::<u64>("events", |count, _event| count + 1)
//!     .open()?;
//! // When this returns, the event is on the disk.
//! log.append(&Event::new("note.added", json!({ "text": "hello" })))?;
//! log.refresh_all()?;
//! assert_eq!(*log.view::<u64>("events")?, 1);
//!
//! // In any process, at any time.
//! for record in EventReader::new(dir.path()).read_full()? {
//!     let record = record?;
//!     println!("{} {}", record.position, record.event.event_type);
//! }
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! What to know beyond a first program stands in the guide, the module [`guide`].
//!
//! Errors are [`std::io::Error`]s with a typed [`Error`] inside.
//!
//! With the feature `async`, which is off unless asked for, a [`Receipt`] is a future and
//! `LogIterator::into_stream` a tail that is a stream, on any executor.
//!
//! With the feature `tracing`, which is off unless asked for, the crate `tracing` is told: `debug` of
//! a log that was opened, `info` of a rotation and of a snapshot that was passed over, `warn` of what
//! opening repaired and of a lock that was refused, `error` of a writer that is poisoned. Appends
//! and reads tell nothing. A subscriber must not use the log that it is told of: it is called in the
//! middle of what that log does.

mod error;
mod event_ref;
#[cfg(any(doc, doctest))]
pub mod guide;
mod identity;
mod lock;
mod log;
mod patience;
#[cfg(all(test, unix))]
#[expect(clippy::unwrap_used, reason = "a test fails by it")]
mod process_tests;
mod reader;
mod saved;
mod shared;
mod stats;
mod store;
pub mod testing;
mod trace;
mod view;
mod wakers;
mod watch;
mod writer;

pub use error::Error;
pub use event_ref::EventRef;
pub use eventfold_core::{
    Appended, Durability, Event, InterruptedRotation, LineHash, LockMode, MAX_LINE, NoLineHash,
    NoSnapshot, Record, Recovery, Rotation, Upcasts,
};
pub use lock::{Holder, LockState, who_holds};
pub use log::{EventLog, EventLogBuilder};
#[cfg(feature = "async")]
pub use reader::EventStream;
pub use reader::{EventReader, LogIterator, WaitResult};
pub use saved::SavedView;
pub use shared::{Receipt, SharedWriter};
pub use stats::Stats;
pub use store::{FileSource, FileStore, ZSTD};
pub use view::{State, View};
pub use writer::EventWriter;

/// The README's examples are compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;

// A reader is shared between threads, and a log goes from one to another.
const _: () = {
    const fn shared<T: Clone + Send + Sync>() {}
    const fn sent<T: Send>() {}
    shared::<EventReader>();
    shared::<SharedWriter>();
    sent::<EventLog>();
    sent::<EventWriter>();
    sent::<LogIterator>();
};
