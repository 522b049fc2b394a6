use std::path::PathBuf;

use clap::Args;
use eventfold::EventReader;

use super::state_at::{At, parse};
use crate::copy::Copy;
use crate::failure::{Failure, Outcome};

/// Make a log of a backup, or of any log, as it was at a position or time.
///
/// Nothing is written over: the log that takes the place of another is made beside it, and moved
/// there by you. Positions stay as they were. With --at, views are folded anew by their programs.
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
    /// the events before the first that is later. `end`: all
    #[arg(long, value_name = "POSITION|TIME", value_parser = parse, default_value = "end")]
    at: At,
}

impl Restore {
    pub(crate) fn run(self) -> Outcome {
        super::check_log(&self.from)?;
        let reader = EventReader::new(&self.from);
        let end = super::end(&reader)?;
        let mut copy = Copy::of(&reader, end, &self.dir)?;
        let at = match self.at {
            At::End => None,
            At::Position(position) => {
                // Whether an event starts there, or the log ends.
                reader.has_new_events(position)?;
                Some(position)
            }
            At::Time(time) => Some(first_later(&copy.reader(), time)?),
        };
        if let Some(at) = at {
            copy.cut(at)?;
            if !copy.holds(&reader, at)? || super::end(&copy.reader())? != at {
                return Err(Failure::new(format!(
                    "{} could not be cut at position {at}: something there is damaged; \
                     eventfold doctor tells what",
                    self.from.display()
                )));
            }
        }
        copy.keep()
    }
}

/// Position of the first event that is later, or of the log's end.
fn first_later(reader: &EventReader, time: u64) -> Outcome<u64> {
    let mut events = reader.read_full()?;
    while let Some(event) = events.next_ref() {
        let event = event?;
        if event.ts() > time {
            return Ok(event.position());
        }
    }
    Ok(events.position())
}
