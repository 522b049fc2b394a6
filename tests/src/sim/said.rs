//! What is said of a failure.

use std::thread;

use super::disk::Disk;

/// Says on a panic what replays it alone: the test, by its file and how its name begins, and the
/// case, by a variable.
pub(super) struct Said<F: Fn() -> String> {
    pub(super) test: &'static str,
    pub(super) variable: &'static str,
    pub(super) case: F,
}

impl<F: Fn() -> String> Drop for Said<F> {
    fn drop(&mut self) {
        if thread::panicking() {
            let (test, variable, case) = (self.test, self.variable, (self.case)());
            // In one piece: other threads print as well.
            let line = format!(
                "replay alone: {variable}={case} cargo test -p eventfold-tests --test {test}\n"
            );
            eprint!("{line}");
        }
    }
}

/// Tells on a panic what was done to the disk, if it is to.
pub(super) struct Told(pub(super) Option<Disk>);

impl Drop for Told {
    fn drop(&mut self) {
        if let Some(disk) = self.0.as_ref().filter(|_| thread::panicking()) {
            disk.tell();
        }
    }
}
