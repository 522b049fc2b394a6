use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::io::{Errno, read};

use super::{left, sleep};

/// A count of the changes in one directory, and a way to sleep until it moves.
///
/// Clones of a reader share one: each costs one of the user's inotify instances. There is no
/// thread that listens: one of those that wait does, for all, since an event is there sooner when
/// the system wakes whoever waits for it.
#[derive(Debug)]
pub(super) struct Watch {
    inotify: OwnedFd,
    state: Mutex<State>,
    /// Notified when the generation moves, or a listener is wanted, if anybody sleeps.
    moved: Condvar,
}

#[derive(Debug, Default)]
struct State {
    generation: u64,
    /// Whether one of those that wait listens to the system.
    is_listened: bool,
    /// How many others wait.
    sleepers: usize,
}

impl Watch {
    /// Starts to watch the entries of `dir`, not those of its subdirectories. The log in it may
    /// come into being later.
    ///
    /// # Errors
    /// The system's: when it has no watch left, or `dir` is missing or may not be read.
    pub(super) fn new(dir: &Path) -> io::Result<Self> {
        let inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        // A reader opens, reads and closes files itself, and must not wake itself. A close after
        // writing is a change: one through a memory map is reported by nothing else.
        let changes = WatchFlags::MODIFY
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::CREATE
            | WatchFlags::MOVE
            | WatchFlags::DELETE
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF;
        inotify::add_watch(&inotify, dir, changes | WatchFlags::ONLYDIR)?;
        Ok(Self {
            inotify,
            state: Mutex::default(),
            moved: Condvar::new(),
        })
    }

    /// The number of changes so far. It counts what was listened to, which may be several for one
    /// write, or one for several writes.
    pub(super) fn generation(&self) -> u64 {
        self.state().generation
    }

    /// Sleeps until the generation is another than `generation` or `deadline` has passed (`None`:
    /// never does), and returns the generation then.
    ///
    /// A result equal to `generation` means that the deadline has passed; any other says that
    /// something changed, not that there is an event to read.
    pub(super) fn wait_past(&self, generation: u64, deadline: Option<Instant>) -> u64 {
        let mut state = self.state();
        loop {
            let left = left(deadline);
            if state.generation != generation || left == Some(Duration::ZERO) {
                return state.generation;
            }
            if state.is_listened {
                state.sleepers += 1;
                state = sleep(&self.moved, state, left);
                state.sleepers -= 1;
                continue;
            }
            state.is_listened = true;
            drop(state);
            let changed = self.listen(left);
            state = self.state();
            state.is_listened = false;
            state.generation = state.generation.wrapping_add(changed.into());
            // It asks the system also when there is nobody to wake.
            if state.sleepers > 0 {
                self.moved.notify_all();
            }
        }
    }

    /// Waits for the system to tell of changes, and takes what it tells.
    fn listen(&self, left: Option<Duration>) -> bool {
        // A time that it cannot hold is as good as forever.
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        let mut told = [PollFd::new(&self.inotify, PollFlags::IN)];
        match poll(&mut told, left.as_ref()) {
            Ok(0) | Err(Errno::INTR) => return false,
            Ok(_) => {}
            // Out of memory, which is no reason to sleep on.
            Err(_) => return true,
        }
        // What does not fit into it is told again, and ends a wait for nothing.
        let _ = read(&self.inotify, &mut [0; 512]);
        true
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
