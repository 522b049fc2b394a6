use std::path::PathBuf;

use clap::Args;
use eventfold::EventReader;

use super::at::{At, parse};
use crate::copy::Copy;
use crate::failure::Outcome;
use crate::reading;

/// Make a log of a backup, or of any log, as it was at a position or time.
///
/// Nothing is written over: to replace a log, make the new one beside it and move it there yourself. Positions stay as they were. With --at, views are folded anew by their programs.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  eventfold restore /mnt/backup/todos todos
  eventfold restore todos todos-before --at 2024-06-01T12:00:00Z")]
pub(crate) struct Restore {
    /// The directory of the backup
    #[arg(value_name = "BACKUP")]
    from: PathBuf,
    /// A directory that is not there yet, or is empty
    dir: PathBuf,
    /// A position: the events before it. A time (2024-06-01, 2h, @1717243200 for Unix seconds):
    /// the log as it stood before the first event that is later. `end`: all
    #[arg(long, value_name = "POSITION|TIME", value_parser = parse, default_value = "end",
        allow_negative_numbers = true)]
    at: At,
}

impl Restore {
    pub(crate) fn run(self) -> Outcome {
        reading::check_log(&self.from)?;
        let reader = EventReader::new(&self.from);
        let end = reading::end(&reader)?;
        let at = self.at.position(&reader, end)?;
        let mut copy = Copy::of(&reader, end, &self.dir)?;
        if !matches!(self.at, At::End) {
            copy.cut(&reader, at)?;
        }
        copy.keep()
    }
}
