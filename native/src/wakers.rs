//! Tasks that wait to be woken.

use std::collections::BTreeMap;
use std::mem::take;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

/// Each task once, however often it asks.
#[derive(Debug, Default)]
pub(crate) struct Wakers(BTreeMap<(usize, usize), Waker>);

impl Wakers {
    /// Adds a task, unless it waits already.
    #[cfg(feature = "async")]
    pub(crate) fn add(&mut self, task: &Waker) {
        // What `will_wake` compares.
        let identity = (task.data().addr(), std::ptr::from_ref(task.vtable()).addr());
        self.0.entry(identity).or_insert_with(|| task.clone());
    }

    #[cfg(feature = "async")]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn take(&mut self) -> Self {
        take(self)
    }

    /// Wakes them all. One that panics leaves no other asleep, and does not stop who wakes them; the
    /// panic hook tells of it.
    pub(crate) fn wake(self) {
        for task in self.0.into_values() {
            let _ = catch_unwind(AssertUnwindSafe(|| task.wake()));
        }
    }
}

#[cfg(all(test, feature = "async"))]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    use std::task::Wake;

    struct Task {
        woken: AtomicUsize,
        panics: bool,
    }

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.woken.fetch_add(1, Relaxed);
            assert!(!self.panics, "as asked");
        }
    }

    #[test]
    fn each_task_is_woken_once_also_when_another_panics() {
        let tasks: Vec<_> = (0..9)
            .map(|n| {
                Arc::new(Task {
                    woken: AtomicUsize::new(0),
                    panics: n % 3 == 1,
                })
            })
            .collect();
        let mut wakers = Wakers::default();
        for _ in 0..3 {
            for task in &tasks {
                wakers.add(&Waker::from(task.clone()));
            }
        }
        let waiting = wakers.take();
        assert!(wakers.is_empty() && !waiting.is_empty());
        waiting.wake();
        assert!(tasks.iter().all(|task| task.woken.load(Relaxed) == 1));
    }
}
