//! Tasks that wait for changes: one thread listens for all that share a watch, while there are any.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::{io, thread};

use super::{LOOK_AGAIN, SharedWatch, deadline};
use crate::wakers::Wakers;

#[derive(Debug, Default)]
pub(super) struct Tasks(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    waiting: Wakers,
    is_listened_for: bool,
}

impl Tasks {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SharedWatch {
    /// Wakes the task after the next change in `dir`, and as often as a wait looks again. To miss
    /// none, look at the files after this.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub(crate) fn wake(&self, task: &Waker, dir: &Path) -> io::Result<()> {
        let mut state = self.0.tasks.state();
        state.waiting.add(task);
        if !state.is_listened_for {
            let (watch, dir) = (self.clone(), dir.to_path_buf());
            // Before whoever asks looks at the files.
            let generation = watch.0.watch(&dir).map_or(0, super::Watch::generation);
            let thread = thread::Builder::new().name("eventfold tail".into());
            thread.spawn(move || watch.listen(&dir, generation))?;
            state.is_listened_for = true;
        }
        Ok(())
    }

    /// Wakes who waits, until nobody has come back since the last time.
    fn listen(&self, dir: &Path, mut generation: u64) {
        loop {
            match self.0.watch(dir) {
                Some(watch) => generation = watch.wait_past(generation, deadline(LOOK_AGAIN)),
                None => thread::sleep(LOOK_AGAIN),
            }
            let mut state = self.0.tasks.state();
            if state.waiting.is_empty() {
                state.is_listened_for = false;
                return;
            }
            let waiting = state.waiting.take();
            drop(state);
            waiting.wake();
        }
    }
}
