//! Other people's logs: where they come from, what becomes of a line, and how far an import came.
//!
//! Before an import appends anything it writes down, durably, which of a source's bytes are in the
//! log and where in the log the next event will stand ([`Record`]); from time to time it does so
//! again. An import that starts there compares the source's next lines with the log's events from
//! that position on, one by one, and appends from the first that is not there. So it does not
//! matter how old the record is, nor which append the last run was killed in. While an import
//! runs it holds the writer's lock, so its own events stand first behind the position.

mod compressed;
mod json;
mod mapping;
mod record;
mod run;
mod source;

pub(crate) use json::compact;
pub(crate) use mapping::Mapping;
pub(crate) use record::Record;
pub(crate) use run::{Options, Run};
pub(crate) use source::Source;

use source::{Item, Mark};
