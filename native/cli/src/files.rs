//! The files of a log that events are in; how any file is made, made durable, and told to be what it
//! was.

use std::fs::File;
use std::hash::Hasher as _;
use std::io::{self, Read};
use std::path::Path;

use tempfile::NamedTempFile;
use twox_hash::XxHash64;

use crate::failure::{Failure, Outcome};

pub(crate) const LOG: &str = "app.jsonl";
pub(crate) const ARCHIVE: &str = "archive.jsonl.zst";

/// So begins what has no name of its own yet, and what a kill leaves of it.
pub(crate) const UNNAMED: &str = ".eventfold-";

/// Whether there is a log in `dir`; without one it reads as an empty log.
pub(crate) fn holds_log(dir: &Path) -> bool {
    dir.join(LOG).exists() || dir.join(ARCHIVE).exists()
}

/// Where a log is to be read.
pub(crate) fn check_dir(dir: &Path) -> Outcome {
    match dir.metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Failure::new(format!(
            "there is no directory {}; check the name, or begin a log with eventfold append",
            dir.display()
        ))),
        _ => check_no_file(dir),
    }
}

/// Where a log is to be written, and its directory made if need be.
pub(crate) fn check_no_file(dir: &Path) -> Outcome {
    match dir.metadata() {
        Ok(found) if !found.is_dir() => Err(Failure::new(format!(
            "{} is a file; a log is a directory",
            dir.display()
        ))),
        _ => Ok(()),
    }
}

/// The directory that `path` lies in.
pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Where something of ours is to be made.
pub(crate) fn check_is_there(dir: &Path) -> Outcome {
    match dir.metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Failure::new(format!(
            "the directory {} does not exist; make it first",
            dir.display()
        ))),
        Ok(found) if !found.is_dir() => Err(Failure::new(format!(
            "{} is a file; name a directory",
            dir.display()
        ))),
        _ => Ok(()),
    }
}

/// A file in `dir` that has no name of its own yet, and the permissions that others are made with.
pub(crate) fn new_file_in(dir: &Path) -> io::Result<NamedTempFile> {
    let mut file = tempfile::Builder::new();
    file.prefix(UNNAMED);
    #[cfg(unix)]
    file.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    file.tempfile_in(dir).map_err(nameless)
}

/// Without the name of a file or directory that was to have another.
pub(crate) fn nameless(error: io::Error) -> io::Error {
    let text = error.to_string();
    match text.split_once(" at path ") {
        Some((refusal, _)) => io::Error::new(error.kind(), refusal),
        None => error,
    }
}

/// A file's name is durable with its directory; Windows flushes none.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    match cfg!(unix) {
        true => File::open(dir)?.sync_all(),
        false => Ok(()),
    }
}

/// What was written or read: how much of it, and its xxh64.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) bytes: u64,
    pub(crate) hash: u64,
}

impl Sum {
    pub(crate) fn of(mut file: impl Read) -> io::Result<Self> {
        let mut hash = XxHash64::with_seed(0);
        let (mut bytes, mut chunk) = (0, vec![0; 64 << 10]);
        loop {
            let n = match file.read(&mut chunk) {
                Ok(0) => break,
                Ok(n) => n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            hash.write(chunk.get(..n).unwrap_or_default());
            bytes += n as u64;
        }
        let hash = hash.finish();
        Ok(Self { bytes, hash })
    }
}
