//! The files of a log that events are in.

use std::path::Path;

pub(crate) const LOG: &str = "app.jsonl";
pub(crate) const ARCHIVE: &str = "archive.jsonl.zst";

/// Whether there is a log in `dir`; without one it reads as an empty log.
pub(crate) fn holds_log(dir: &Path) -> bool {
    dir.join(LOG).exists() || dir.join(ARCHIVE).exists()
}
