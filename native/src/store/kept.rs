//! The log's file, kept open from one read to the next.

use std::fs::{self, File, Metadata};
use std::io;
use std::mem::take;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::source::{present, read_full};
use crate::identity::Identity;

/// The file that was at a path when it was read last. A clone starts with none.
///
/// It is looked for at its path before each read, which takes less time than to open and close it.
#[derive(Debug, Default)]
pub(super) struct Kept(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    opened: Option<Arc<Opened>>,
    /// Whether it was seen at its path since it was read last.
    is_seen: bool,
}

#[derive(Debug)]
struct Opened {
    file: File,
    identity: Identity,
}

impl Kept {
    /// Takes note of what is at the path, for one read that follows at once: length and bytes are
    /// then of one file.
    pub(super) fn see(&self, found: &Metadata) {
        let mut state = self.state();
        state.is_seen = state.opened.as_ref().is_some_and(|opened| opened.is(found));
    }

    /// Reads the file that is at `path`, as [`read_full`] does; of none there is nothing to read.
    pub(super) fn read_at(&self, path: &Path, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        match self.opened(path)? {
            Some(opened) => read_full(&opened.file, offset, buf),
            None => Ok(0),
        }
    }

    fn opened(&self, path: &Path) -> io::Result<Option<Arc<Opened>>> {
        let mut state = self.state();
        if !take(&mut state.is_seen) {
            let found = present(fs::metadata(path))?;
            let is_found = |opened: &Arc<Opened>| found.is_some_and(|found| opened.is(&found));
            if !state.opened.as_ref().is_some_and(is_found) {
                state.opened = present(Opened::new(path))?.map(Arc::new);
            }
        }
        Ok(state.opened.clone())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clone for Kept {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Opened {
    fn new(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let identity = Identity::of(&file)?;
        Ok(Self { file, identity })
    }

    fn is(&self, found: &Metadata) -> bool {
        Identity::from(found) == self.identity
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FileSource;
    use eventfold_core::{Slot, Source};

    #[test]
    fn what_is_read_is_the_file_that_is_there_now() {
        let dir = tempfile::tempdir().unwrap();
        let (log, other) = (dir.path().join("app.jsonl"), dir.path().join("other"));
        let source = FileSource::new(dir.path());
        let read = || {
            let mut bytes = [0; 8];
            let n = source.read_at(Slot::Log, 0, &mut bytes).unwrap();
            String::from_utf8(bytes[..n].to_vec()).unwrap()
        };
        assert_eq!(read(), "");
        fs::write(&log, "first").unwrap();
        assert_eq!(read(), "first");
        for replaced in ["second", "third"] {
            fs::write(&other, replaced).unwrap();
            fs::rename(&other, &log).unwrap();
            assert_eq!(read(), replaced);
            // Asked for its length before, as whoever reads on does.
            fs::write(&other, "other").unwrap();
            fs::rename(&other, &log).unwrap();
            assert_eq!(source.len(Slot::Log).unwrap(), 5);
            assert_eq!(read(), "other");
        }
        fs::remove_file(&log).unwrap();
        assert_eq!(source.len(Slot::Log).unwrap(), 0);
        assert_eq!(read(), "");
    }
}
