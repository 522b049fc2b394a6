//! What views have saved, for whoever does not have their reducers.

use std::fs;
use std::io;

use eventfold_core::{NoSnapshot, Snapshot, check_view_name};

use crate::error::Error;
use crate::reader::EventReader;
use crate::store::{ZSTD, failed, view_of};

/// The state of a view as its snapshot keeps it.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// use eventfold::{Event, EventLog, EventReader};
///
/// let mut log = EventLog::builder(dir.path())
///     .view::<u64>("events", |count, _event| count + 1)
///     .open()?;
/// log.append(&Event::new("note.added", "hello"))?;
/// log.refresh_all()?;
///
/// let reader = EventReader::new(dir.path());
/// assert_eq!(reader.saved_views()?, ["events"]);
/// let saved = reader.saved_view("events")?.expect("it was just saved");
/// assert_eq!(saved.state, "1");
/// assert_eq!(saved.position, log.end_position());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SavedView {
    /// The state, as JSON.
    pub state: String,
    /// Position after the last event folded.
    pub position: u64,
    /// The view's version.
    pub version: u32,
}

impl EventReader {
    /// The names of the views that have saved a snapshot, in order, whether it can be used or not.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] when there is no such log, and [`Error::Io`].
    pub fn saved_views(&self) -> io::Result<Vec<String>> {
        self.source().check_dir()?;
        let path = self.dir().join("views");
        let cannot = |error| failed("list the views", &path, error);
        let files = match fs::read_dir(&path) {
            Ok(files) => files,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(cannot(error)),
        };
        let mut names = Vec::new();
        for file in files {
            let file = file.map_err(cannot)?.file_name();
            if let Some(name) = view_of(&file)
                && check_view_name::<io::Error>(name).is_ok()
            {
                names.push(name.to_owned());
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// What the view of this name has saved, whatever its version, or why that cannot be used.
    ///
    /// # Errors
    /// [`Error::View`] for an invalid name, and [`Error::Io`].
    pub fn saved_view(&self, name: &str) -> io::Result<Result<SavedView, NoSnapshot>> {
        self.source().check_dir()?;
        let found = Snapshot::find(self.source(), ZSTD, name, None)
            .map_err(|error| Error::in_dir(self.dir(), error))?;
        Ok(found.map(|snapshot| SavedView {
            state: snapshot.state,
            position: snapshot.position,
            version: snapshot.version,
        }))
    }
}
