use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use eventfold_core::{Durability, Event, LockMode, Upcasts};
use serde::de::DeserializeOwned;

use super::{EventLog, no_view};
use crate::event_ref::EventRef;
use crate::view::{AnyView, State, View};
use crate::writer::EventWriter;

/// How a log is to be opened.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// use std::time::Duration;
///
/// use eventfold::{Durability, EventLog};
///
/// let log = EventLog::builder(dir.path())
///     .durability(Durability::Buffered)
///     .lock_timeout(Duration::from_secs(5)) // another writer may be about to end
///     .max_log_size(16 << 20)
///     .view::<u64>("events", |count, _event| count + 1)
///     .open()?;
/// assert!(log.recovery().is_clean());
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use]
pub struct EventLogBuilder {
    dir: PathBuf,
    lock_mode: LockMode,
    lock_timeout: Duration,
    durability: Durability,
    max_log_size: Option<u64>,
    upcasts: Upcasts,
    views: Vec<io::Result<Box<dyn AnyView>>>,
}

impl EventLogBuilder {
    pub(super) fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_path_buf(),
            lock_mode: LockMode::default(),
            lock_timeout: Duration::ZERO,
            durability: Durability::default(),
            max_log_size: None,
            upcasts: Upcasts::new(),
            views: Vec::new(),
        }
    }

    /// How other writers are kept away; [`LockMode::Flock`] unless said otherwise.
    pub fn lock_mode(mut self, mode: LockMode) -> Self {
        self.lock_mode = mode;
        self
    }

    /// How long to wait for the lock while another writer holds it, see
    /// [`EventWriter::open_waiting`]; not at all unless said otherwise. Without the lock this has no
    /// effect.
    pub fn lock_timeout(mut self, timeout: Duration) -> Self {
        self.lock_timeout = timeout;
        self
    }

    /// What appends wait for; [`Durability::Synced`] unless said otherwise.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Rotates when `app.jsonl` has `bytes` bytes or more: on open, and before an append, see
    /// [`EventWriter::with_max_log_size`]. Unless this is said a log never rotates by itself.
    pub fn max_log_size(mut self, bytes: u64) -> Self {
        self.max_log_size = Some(bytes);
        self
    }

    /// Lifts events of old shapes when they are read, by the views and by the log's
    /// [`reader`](EventLog::reader) as well.
    pub fn upcasts(mut self, upcasts: Upcasts) -> Self {
        self.upcasts = upcasts;
        self
    }

    /// Keeps a view, see [`View::new`]. Opening takes it to where its snapshot is;
    /// [`EventLog::refresh_all`] takes it to the end.
    pub fn view<S: State>(
        self,
        name: impl Into<String>,
        reducer: impl Fn(S, &Event) -> S + Send + Sync + 'static,
    ) -> Self {
        self.push(View::new(name, reducer))
    }

    /// Keeps a view of typed events, see [`View::typed`].
    pub fn typed_view<S: State, D: DeserializeOwned>(
        self,
        name: impl Into<String>,
        reducer: impl Fn(S, &Event<D>) -> S + Send + Sync + 'static,
    ) -> Self {
        self.push(View::typed(name, reducer))
    }

    /// Keeps a view that looks at events without parsing them, see [`View::lazy`].
    pub fn lazy_view<S: State>(
        self,
        name: impl Into<String>,
        reducer: impl Fn(S, &EventRef<'_>) -> io::Result<S> + Send + Sync + 'static,
    ) -> Self {
        self.push(View::lazy(name, reducer))
    }

    /// Keeps a view that was made by itself, as one with a version is, see
    /// [`View::with_version`].
    pub fn keep<S: State>(self, view: View<S>) -> Self {
        self.push(Ok(view))
    }

    fn push<S: State>(mut self, view: io::Result<View<S>>) -> Self {
        self.views
            .push(view.map(|view| Box::new(view) as Box<dyn AnyView>));
        self
    }

    /// Opens the log, and each view at its snapshot.
    ///
    /// # Errors
    /// Those of [`EventWriter::open_waiting`], and of [`EventWriter::rotate`] where the log is at its
    /// size limit. [`Error::View`] for a name that is invalid or used twice;
    /// [`Error::NotExclusive`] for a size limit without the lock. Nothing was made in these two cases.
    ///
    /// [`Error::View`]: crate::Error::View
    /// [`Error::NotExclusive`]: crate::Error::NotExclusive
    pub fn open(self) -> io::Result<EventLog> {
        let mut views = Vec::<Box<dyn AnyView>>::new();
        for view in self.views {
            let view = view?;
            // Names that differ in case only are one file on some systems.
            let same = |other: &str| other.to_lowercase() == view.name().to_lowercase();
            if views.iter().any(|other| same(other.name())) {
                return Err(no_view(view.name(), "is the name of another view too"));
            }
            views.push(view);
        }
        if self.max_log_size.is_some() {
            EventWriter::check_may_rotate(&self.dir, self.lock_mode)?;
        }
        let mut writer = EventWriter::open_within(&self.dir, self.lock_mode, self.lock_timeout)?
            .with_durability(self.durability);
        let reader = writer.reader().with_upcasts(self.upcasts);
        for view in &mut views {
            view.load(&reader)?;
        }
        // The views have been to the snapshots that a rotation removes, those of 0.2.0.
        if let Some(bytes) = self.max_log_size {
            writer = writer.with_max_log_size(bytes)?;
        }
        Ok(EventLog {
            writer,
            reader,
            views,
        })
    }
}

impl std::fmt::Debug for EventLogBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventLogBuilder")
            .field("dir", &self.dir)
            .field("lock_mode", &self.lock_mode)
            .field("lock_timeout", &self.lock_timeout)
            .field("durability", &self.durability)
            .field("max_log_size", &self.max_log_size)
            .field("upcasts", &self.upcasts)
            .field("views", &self.views.len())
            .finish()
    }
}
