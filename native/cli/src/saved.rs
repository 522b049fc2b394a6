//! What views have saved, and why there is nothing that they could go on from.

use std::io;
use std::path::PathBuf;

use eventfold::{Error, EventReader, NoSnapshot};

/// Why a view has nothing to go on from, in words.
pub(crate) fn unusable(why: NoSnapshot) -> String {
    match why {
        NoSnapshot::Missing => "nothing is saved".into(),
        NoSnapshot::Ahead { position, end } => format!(
            "folded up to position {position}; the log ends at {end}: events are missing, or it is \
             another log's"
        ),
        _ => "damaged, of another program, or of another history".into(),
    }
}

/// Where a view is saved, in the log's directory.
pub(crate) fn file_of(view: &str) -> PathBuf {
    PathBuf::from(format!("views/{view}.snapshot.json"))
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
