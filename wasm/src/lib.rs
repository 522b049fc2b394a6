//! `eventfold` for JavaScript: the same log, on storage that a JavaScript host provides.
//!
//! [`EventLog`] is what JavaScript sees; [`HostStore`] is the store under it.

mod host;
mod log;

pub use host::{Host, HostError, HostStore, memory_host};
pub use log::EventLog;
