//! What breaks in the crate `eventfold` 0.2.0, each shown not to break here.
//!
//! Where it is cheap a test shows the defect in that crate first, so that it is known to bite.
//!
//! Not on Windows: 0.2.0 has its log open to append only, and is refused the lock and the
//! rotation for it there.

#![cfg(not(any(windows, target_arch = "wasm32")))]

#[path = "defects_of_0_2/archive.rs"]
mod archive;
#[path = "defects_of_0_2/lines.rs"]
mod lines;
#[path = "defects_of_0_2/numbers.rs"]
mod numbers;
#[path = "defects_of_0_2/readers.rs"]
mod readers;
#[path = "defects_of_0_2/rotation.rs"]
mod rotation;
#[path = "defects_of_0_2/support.rs"]
mod support;
#[path = "defects_of_0_2/views.rs"]
mod views;
#[path = "defects_of_0_2/writers.rs"]
mod writers;
