//! What views have saved, and why there is nothing that they could go on from.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read as _, Seek as _};
use std::path::{Path, PathBuf};

use eventfold::{Error, EventReader, NoSnapshot, SavedView};
use serde::Deserialize;

use crate::files::Sum;

/// Why a view has nothing to go on from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unusable {
    Missing,
    /// Whole in itself, and folded from events that are not there.
    Ahead {
        position: u64,
        end: u64,
    },
    Other,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("nothing is saved"),
            Self::Ahead { position, end } => {
                write!(
                    f,
                    "folded up to position {position}; the log ends at {end}: events are missing, \
                     or it is another log's"
                )
            }
            Self::Other => f.write_str("damaged, of another program, or of another history"),
        }
    }
}

/// Where a view is saved, in the log's directory.
pub(crate) fn file_of(view: &str) -> PathBuf {
    PathBuf::from(format!("views/{view}.snapshot.json"))
}

pub(crate) fn saved_view(
    reader: &EventReader,
    name: &str,
) -> io::Result<Result<SavedView, Unusable>> {
    let why = match reader.saved_view(name)? {
        Ok(saved) => return Ok(Ok(saved)),
        Err(NoSnapshot::Missing) => return Ok(Err(Unusable::Missing)),
        Err(_) => match folded_to(&reader.dir().join(file_of(name)))? {
            None => Unusable::Other,
            Some(position) => match end_before(reader, position)? {
                None => Unusable::Other,
                Some(end) => Unusable::Ahead { position, end },
            },
        },
    };
    Ok(Err(why))
}

/// Where the log ends, if that is before `position`.
pub(crate) fn end_before(reader: &EventReader, position: u64) -> io::Result<Option<u64>> {
    match reader.lag(position) {
        Ok(_) => Ok(None),
        Err(error) => match Error::of(&error) {
            Some(Error::Beyond { end, .. }) => Ok(Some(*end)),
            // It hides where the log ends.
            Some(Error::Corrupt { .. }) => Ok(None),
            _ => Err(error),
        },
    }
}

/// The position that a snapshot which is as it was written was folded up to.
fn folded_to(path: &Path) -> io::Result<Option<u64>> {
    #[derive(Deserialize)]
    struct Folded {
        position: u64,
    }
    let end = |hash| format!(",\"check\":\"{hash:016x}\"}}\n");
    let mut file = File::open(path)?;
    let Some(checked) = file.metadata()?.len().checked_sub(end(0).len() as u64) else {
        return Ok(None);
    };
    let sum = Sum::of(file.by_ref().take(checked))?;
    let mut found = Vec::new();
    file.by_ref().take(64).read_to_end(&mut found)?;
    if found != end(sum.hash).as_bytes() {
        return Ok(None);
    }
    file.rewind()?;
    let folded: Option<Folded> = serde_json::from_reader(BufReader::new(file)).ok();
    Ok(folded.map(|folded| folded.position))
}
