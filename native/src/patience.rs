//! Trying again what the system refuses for a moment only.
//!
//! Any call can be interrupted by a signal. On Windows a virus scanner or an indexer opens a file
//! that has just been written and may not share it, and the lock of a process that was killed is
//! freed when resources allow. All of it passes by itself.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

/// How long a refusal is doubted.
const PATIENCE: Duration = Duration::from_millis(250);

/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(10);

/// The result of `act`, which is tried again for a quarter of a second if it is refused in a
/// way that may pass.
pub(crate) fn patiently<T>(mut act: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let start = Instant::now();
    loop {
        match act() {
            Err(error) if may_pass(&error) && start.elapsed() < PATIENCE => thread::sleep(PAUSE),
            result => return result,
        }
    }
}

/// Whether a signal came in between, or the refusal is one of those that another program's open file
/// or lock causes.
fn may_pass(error: &io::Error) -> bool {
    const ACCESS_DENIED: i32 = 5;
    const SHARING_VIOLATION: i32 = 32;
    const LOCK_VIOLATION: i32 = 33;
    let is_shared = matches!(
        error.raw_os_error(),
        Some(ACCESS_DENIED | SHARING_VIOLATION | LOCK_VIOLATION)
    );
    error.kind() == io::ErrorKind::Interrupted || cfg!(windows) && is_shared
}
