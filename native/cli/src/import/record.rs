//! How far an import came.

use std::fs;
use std::hash::Hasher as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use twox_hash::XxHash64;

use super::Mapping;
use super::source::Mark;
use crate::failure::{Failure, Outcome};
use crate::files::{new_file_in, sync_dir};

/// What is known of an import, one file for each source in `imports` beside the log.
///
/// Unless its run was done, the log may hold more of the source than this says, from `position` on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) source: String,
    pub(crate) mapping: Mapping,
    /// How many bytes of the source are in the log, and their xxh64.
    pub(crate) bytes: u64,
    pub(crate) hash: String,
    /// How many events they became.
    pub(crate) events: u64,
    /// Where in the log the source's next event stands, if it is there.
    pub(crate) position: u64,
    /// When that import began: the time of events whose line has none.
    pub(crate) began: u64,
    /// Whether the run that wrote this appended nothing after it.
    #[serde(default)]
    pub(crate) is_done: bool,
}

impl Record {
    /// Where the record of the source `key` lies.
    pub(crate) fn path(dir: &Path, key: &str) -> PathBuf {
        let mut hash = XxHash64::with_seed(0);
        hash.write(key.as_bytes());
        dir.join("imports")
            .join(format!("{:016x}.json", hash.finish()))
    }

    pub(crate) fn load(dir: &Path, key: &str) -> Outcome<Option<Self>> {
        let path = Self::path(dir, key);
        match Self::read(&path) {
            Ok(record) => Ok(Some(record)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Failure::new(format!(
                "{}: this record of an import cannot be read ({error}); take it from a backup, or \
                 import the source once more from its first line with --again",
                path.display()
            ))),
        }
    }

    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        // A pipe would be waited for.
        match fs::metadata(path)?.is_file() {
            true => Ok(serde_json::from_slice(&fs::read(path)?)?),
            false => Err(io::Error::other("it is not a regular file")),
        }
    }

    /// Durable when this returns.
    pub(crate) fn save(&self, dir: &Path) -> Outcome {
        let path = Self::path(dir, &self.source);
        self.write(&path).map_err(|error| {
            let failure = Failure::io(format_args!("cannot write {}", path.display()), &error);
            failure.of_import(&error)
        })
    }

    pub(crate) fn advance(&mut self, mark: &Mark, events: u64, position: u64) {
        self.bytes = mark.bytes;
        self.hash = mark.hash();
        self.events += events;
        self.position = position;
    }

    pub(crate) fn remove(dir: &Path, key: &str) -> Outcome {
        let path = Self::path(dir, key);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Failure::io(
                format_args!("cannot remove {}", path.display()),
                &error,
            )),
            _ => Ok(()),
        }
    }

    fn write(&self, path: &Path) -> io::Result<()> {
        let records = path.parent().unwrap_or(path);
        let is_new = !records.exists();
        fs::create_dir_all(records)?;
        let mut file = new_file_in(records)?;
        serde_json::to_writer(&mut file, self)?;
        file.write_all(b"\n")?;
        file.as_file().sync_data()?;
        file.persist(path)?;
        sync_dir(records)?;
        match records.parent() {
            Some(log) if is_new => sync_dir(log),
            _ => Ok(()),
        }
    }
}
