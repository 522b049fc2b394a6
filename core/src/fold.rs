//! Views: a state folded over the log, and its snapshot.

mod name;
mod snapshot;

use serde::de::DeserializeOwned;

use crate::archive::Codec;
use crate::error::Error;
use crate::hash::LineHash;
use crate::line;
use crate::planted::{Bug, heed};
use crate::record::Line;
use crate::scan::Scan;
use crate::storage::Source;

pub use name::check_view_name;
pub use snapshot::{NoSnapshot, Snapshot, is_foreign_snapshot};

/// A state, and how far into history it is folded: `state = fold(events)`.
///
/// It holds no reducer; each refresh is given one, and must be given the same one each time.
///
/// ```
/// use eventfold_core::{Access, Codec, Durability, Event, Fold, MemoryStore, Writer};
///
/// let (mut writer, _) = Writer::open(MemoryStore::new(), Codec::PORTABLE, Access::Exclusive)?;
/// writer.append(&Event::at(0, "counted", 2), Durability::Synced)?;
///
/// let sum = |sum, line: &eventfold_core::Line<'_>| {
///     Ok::<_, eventfold_core::Error<_>>(sum + line.event::<u64, _>()?.data)
/// };
/// let mut fold = Fold::new(0);
/// if let Some(further) = fold.refreshed(writer.store(), Codec::PORTABLE, sum)? {
///     fold = further;
/// }
/// assert_eq!(*fold.state(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Fold<T> {
    state: T,
    position: u64,
    hash: LineHash,
    version: u32,
}

impl<T> Fold<T> {
    /// A fold over nothing yet, whose state is `initial`.
    pub fn new(initial: T) -> Self {
        Self {
            state: initial,
            position: 0,
            hash: LineHash::NONE,
            version: 0,
        }
    }

    /// The same fold, by this version of its reducer, which its snapshot will name. 0 unless said
    /// otherwise.
    #[must_use]
    pub fn with_version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }

    /// The state.
    pub fn state(&self) -> &T {
        &self.state
    }

    /// The state, by itself.
    pub fn into_state(self) -> T {
        self.state
    }

    /// Position after the last event folded.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The hash of the last line folded.
    #[must_use]
    pub fn hash(&self) -> LineHash {
        self.hash
    }

    /// The version of the reducer that folded it.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }
}

impl<T: Clone> Fold<T> {
    /// The fold over what came since, or `None` when nothing did. This one stays as it is, also
    /// when the reducer fails or panics.
    ///
    /// # Errors
    /// Those of [`Scan::next_line`], [`Error::Diverged`] when what was folded is no longer in the
    /// log, and the reducer's, which can be of a type of its own.
    pub fn refreshed<S: Source, E: From<Error<S::Error>>>(
        &self,
        source: S,
        codec: Codec,
        mut reduce: impl FnMut(T, &Line<'_>) -> Result<T, E>,
    ) -> Result<Option<Self>, E> {
        let mut scan = Scan::new(source, codec, self.position);
        let Some(first) = scan.next_line().map_err(|error| self.lost(error))? else {
            scan.check_last(self.hash)?;
            return Ok(None);
        };
        let mut state = reduce(self.state.clone(), &first)?;
        let mut end = first.next_position;
        while let Some(line) = heed(Bug::ErrorTakenForTheEnd, scan.next_line())? {
            state = reduce(state, &line)?;
            end = line.next_position;
        }
        // However far behind it there was nothing.
        scan.seek(end);
        self.at_end_of(&mut scan, state).map(Some)
    }

    /// The fold over what comes from here to `position`, which is 0, an event's position or next
    /// position, and not before this fold's own. This one stays as it is.
    ///
    /// # Errors
    /// As [`refreshed`](Self::refreshed); [`Error::Beyond`] when the log ends before `position`,
    /// or that lies before this fold's own, and [`Error::NotABoundary`] when it lies in a line.
    pub fn refreshed_to<S: Source, E: From<Error<S::Error>>>(
        &self,
        source: S,
        codec: Codec,
        position: u64,
        mut reduce: impl FnMut(T, &Line<'_>) -> Result<T, E>,
    ) -> Result<Self, E> {
        let beyond = |position, end| Err(E::from(Error::Beyond { position, end }));
        if position <= self.position {
            return match position == self.position {
                true => Ok(self.clone()),
                false => beyond(self.position, position),
            };
        }
        let (mut scan, mut state) = (Scan::new(source, codec, self.position), self.state.clone());
        while scan.position() < position {
            let Some(line) = scan.next_line().map_err(|error| self.lost(error))? else {
                break;
            };
            // It may stand behind lines without an event, up to whose end was asked for.
            if line.position >= position {
                break;
            }
            if line.next_position > position {
                return Err(Error::NotABoundary { position }.into());
            }
            state = reduce(state, &line)?;
        }
        if scan.position() < position {
            return beyond(position, scan.position());
        }
        scan.seek(position);
        self.at_end_of(&mut scan, state)
    }

    /// A fold's own position is never a wrong one: it is the log that has lost what was folded.
    fn lost<E: core::error::Error>(&self, error: Error<E>) -> Error<E> {
        match error {
            Error::Beyond { position, .. } | Error::NotABoundary { position }
                if position == self.position =>
            {
                Error::Diverged { position }
            }
            error => error,
        }
    }

    fn at_end_of<S: Source, E: From<Error<S::Error>>>(
        &self,
        scan: &mut Scan<S>,
        state: T,
    ) -> Result<Self, E> {
        let position = scan.position();
        let hash = scan.hash_before()?;
        let hash = hash.ok_or(Error::NotABoundary { position })?;
        // An event that was seen before it was durable may have given its place to another.
        scan.seek(self.position);
        scan.check_before(self.hash)?;
        Ok(Self {
            state,
            position,
            hash,
            version: self.version,
        })
    }
}

impl<T: DeserializeOwned> Fold<T> {
    /// The fold saved under this name with version 0, or `None` when there is none, or none that
    /// belongs to this history: what is damaged, or was saved by another program, costs a fold
    /// from the start.
    ///
    /// # Errors
    /// [`Error::ViewName`], and [`Error::Storage`] when the source cannot be read.
    pub fn load<S: Source>(
        source: &S,
        codec: Codec,
        name: &str,
    ) -> Result<Option<Self>, Error<S::Error>> {
        Self::find(source, codec, name, 0).map(Result::ok)
    }

    /// The fold saved under this name with this version, or why there is none.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn find<S: Source>(
        source: &S,
        codec: Codec,
        name: &str,
        version: u32,
    ) -> Result<Result<Self, NoSnapshot>, Error<S::Error>> {
        let found = Snapshot::find(source, codec, name, Some(version))?;
        Ok(found.and_then(|snapshot| {
            let state = line::from_json(snapshot.state.as_bytes());
            Ok(Self {
                state: state.map_err(|_| NoSnapshot::State)?,
                position: snapshot.position,
                hash: snapshot.hash,
                version: snapshot.version,
            })
        }))
    }
}
