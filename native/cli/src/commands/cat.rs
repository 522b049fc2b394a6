use std::path::PathBuf;

use clap::Args;
use eventfold::EventReader;

use crate::failure::Outcome;
use crate::filter::Filter;
use crate::printer::{Form, Printer};
use crate::reading;

/// Print events, oldest first, archived ones included: those that are there when it begins.
///
/// A line each for people on a terminal, JSONL in a pipe. Damage is reported with its place, and
/// what lies behind it is printed; the exit status is 1 then.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  eventfold cat todos --type 'todo.*' --since 2h
  eventfold cat todos --actor ada | jq -r .data.title
  eventfold cat todos --until 2024-06-01 --human | less")]
pub(crate) struct Cat {
    /// The log's directory
    dir: PathBuf,
    #[command(flatten)]
    filter: Filter,
    #[command(flatten)]
    form: Form,
}

impl Cat {
    pub(crate) fn run(self) -> Outcome {
        reading::check_log(&self.dir)?;
        let reader = EventReader::new(&self.dir);
        self.filter.check(&reader, false)?;
        // Without an end it would never come to one where what it prints is appended. What hides
        // it is told by the read that follows.
        let end = reading::end(&reader).unwrap_or(u64::MAX);
        let end = end.min(self.filter.end());
        let mut events = reader.read_from(self.filter.from.unwrap_or(0))?;
        let mut printer = Printer::new(self.form);
        let mut damage = reading::Damage::default();
        loop {
            let before = events.position();
            match reading::next_before(&mut events, end) {
                None => break,
                Some(Ok(event)) if self.filter.wants(&event) => printer.print(&event)?,
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    printer.flush()?;
                    damage.tell(error, events.position() == before)?;
                }
            }
        }
        printer.flush()?;
        damage.outcome(&self.dir)
    }
}
