use std::path::PathBuf;

use clap::Args;
use eventfold::EventReader;

use crate::copy::Copy;
use crate::failure::Outcome;
use crate::reading;

/// Copy a log to another directory, consistent while a writer is at work.
///
/// The copy is a log with the same positions and holds at least what was there at the start. It is
/// compared with the log before it takes its name, and is there whole or not at all. Snapshots and
/// the records of imports come along; what a crash cut off (torn.bin) does not. Where the log is
/// damaged so is the copy: it is kept, and the exit status is 1. A log that no writer can open is not
/// copied.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  eventfold backup todos /mnt/backup/todos-2024-06-01")]
pub(crate) struct Backup {
    /// The log's directory
    dir: PathBuf,
    /// A directory that is not there yet, or is empty
    to: PathBuf,
}

impl Backup {
    pub(crate) fn run(self) -> Outcome {
        reading::check_log(&self.dir)?;
        let reader = EventReader::new(&self.dir);
        let end = reading::end(&reader)?;
        Copy::of(&reader, end, &self.to)?.keep()
    }
}
