//! What has to hold of any bytes: the bodies of the fuzz targets.
//!
//! libFuzzer drives them from `tests/fuzz`, and an ordinary test runs them over the corpus that
//! is kept there. A body panics where a promise is broken.

pub mod archive_bytes;
mod choices;
pub mod event_refs;
pub mod event_round_trip;
mod harm;
pub mod log_bytes;
pub mod operations;
pub mod snapshot_bytes;
pub mod view_names;

/// The name of a target's program and of its corpus, and its body.
pub type Target = (&'static str, fn(&[u8]));

pub const TARGETS: [Target; 7] = [
    ("archive_bytes", archive_bytes::target),
    ("event_refs", event_refs::target),
    ("event_round_trip", event_round_trip::target),
    ("log_bytes", log_bytes::target),
    ("operations", operations::target),
    ("snapshot_bytes", snapshot_bytes::target),
    ("view_names", view_names::target),
];
