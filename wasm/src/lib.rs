//! `eventfold` for JavaScript: the same log, on storage that a JavaScript host provides.
//!
//! [`EventLog`] is what JavaScript sees; [`HostStore`] is the store under it.

mod host;
mod log;

pub use host::{Files, HostError, HostStore, memory_files};
pub use log::EventLog;
