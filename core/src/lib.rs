//! The event log behind `eventfold`, over any storage and without I/O.
//!
//! `state = fold(events)`: events are appended as lines of JSON, read forward from any position,
//! folded into states, and rotated into a compressed archive. Everything that touches the world
//! stands behind [`Storage`]; the crate itself knows no file, no clock and no thread.
//!
//! | | |
//! |---|---|
//! | [`Writer`] | appends, repairs what a crash left, rotates |
//! | [`Scan`] | reads lines and events from a position on, while a writer is at work |
//! | [`Fold`] | a state folded over the events, and its snapshot |
//! | [`Source`], [`Storage`] | what a store has to do; [`MemoryStore`] is one |
//!
//! A *position* is a byte offset into the whole history: the archived bytes, uncompressed, and
//! then the log's. It never restarts, so a rotation changes none. An *offset* is a place in one
//! file.
//!
//! # Inside
//!
//! | files | |
//! |---|---|
//! | `storage`, `memory`, `named` | what a store has to do; a store in memory; its errors with the file's name |
//! | `event`, `event_ref`, `event_buffer` | an event: parsed, left in its line, read into memory that is used again |
//! | `line`, `hash` | events written and read as lines of JSON; what tells one line from another |
//! | `record`, `upcast` | a line that was read, and where it stands; events of old shapes |
//! | `archive` | the archive's format |
//! | `history` | finds the bytes at a position in archive and log, while a rotation may be under way |
//! | `scan`, `torn` | cuts them into lines; where lines begin that a power cut damaged |
//! | `writer`, `append`, `batch` | the writer, and how it appends |
//! | `recover`, `rotate` | what opening does, what rotating does |
//! | `fold` | views and their snapshots |
//! | `planted` | where it is asked, tests can make the code wrong, to see that they notice |

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(any(test, feature = "clock", feature = "planted-bugs"))]
extern crate std;

mod append;
mod archive;
mod batch;
mod error;
mod event;
mod event_buffer;
mod event_ref;
mod fold;
mod hash;
mod history;
mod line;
mod memory;
mod named;
#[doc(hidden)]
pub mod planted;
mod record;
mod recover;
mod rotate;
mod scan;
mod storage;
mod torn;
mod upcast;
mod writer;

pub use append::{Appended, Durability};
pub use archive::{Codec, Waiting, Work};
pub use batch::Batch;
pub use error::Error;
pub use event::Event;
pub use event_buffer::EventBuffer;
pub use event_ref::EventRef;
pub use fold::{Fold, NoSnapshot, Snapshot, check_view_name, is_foreign_snapshot};
pub use hash::{LineHash, NoLineHash};
pub use line::{MAX_LINE, check_beyond_grammar};
pub use memory::MemoryStore;
pub use record::{Line, Record};
pub use recover::{InterruptedRotation, Recovery};
pub use rotate::Rotation;
pub use scan::Scan;
pub use storage::{Access, LockMode, Slot, Source, Storage};
pub use upcast::Upcasts;
pub use writer::Writer;
