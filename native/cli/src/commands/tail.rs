use std::io;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use eventfold::{EventReader, LogIterator};

use crate::args;
use crate::failure::{Failure, Outcome};
use crate::files::check_dir;
use crate::filter::Filter;
use crate::printer::{Form, Printer};
use crate::reading;

/// How long a wait is before it is looked whether anybody still reads what is printed.
const LOOK: Duration = Duration::from_millis(500);

/// Print the last events, and with -f what comes after them.
///
/// The system tells of new events; a rotation changes nothing. Ends at the position of --to, with
/// Ctrl-C, or when whoever reads the pipe has gone.
///
/// Damage is reported with its place, and what lies behind it is printed; the exit status is 1
/// then. Where it hides what lies behind it, -f ends too.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  eventfold tail todos
  eventfold tail todos -f -n 0 --type 'todo.*' | jq --unbuffered .data")]
pub(crate) struct Tail {
    /// The log's directory
    dir: PathBuf,
    /// How many events, of those that match
    #[arg(short = 'n', long, value_name = "N", value_parser = args::events, allow_negative_numbers = true, default_value_t = 10)]
    lines: u64,
    /// Wait for what comes after them
    #[arg(short, long)]
    follow: bool,
    #[command(flatten)]
    filter: Filter,
    #[command(flatten)]
    form: Form,
}

impl Tail {
    pub(crate) fn run(self) -> Outcome {
        match self.follow {
            // One may be begun there.
            true => check_dir(&self.dir)?,
            false => reading::check_log(&self.dir)?,
        }
        let reader = EventReader::new(&self.dir);
        self.filter.check(&reader, self.follow)?;
        let mut damage = reading::Damage::default();
        let mut events = self.last(&reader)?;
        let mut printer = Printer::new(self.form);
        loop {
            loop {
                let before = events.position();
                match reading::next_before(&mut events, self.filter.end()) {
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
            let is_end = damage.hides_rest || self.filter.end() <= events.position();
            if !self.follow || is_end {
                return damage.outcome(&self.dir);
            }
            if is_reader_gone() {
                return Err(Failure::ReaderGone);
            }
            match reader.wait_for_events(events.position(), LOOK) {
                // Told by the read that follows.
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {}
                waited => drop(waited?),
            }
        }
    }

    /// The last events that are wanted, and what follows them.
    fn last(&self, reader: &EventReader) -> Outcome<LogIterator> {
        let first = self.filter.from.unwrap_or(0);
        let mut window = usize::try_from(self.lines).unwrap_or(usize::MAX);
        let mut before = u64::MAX;
        loop {
            let mut start = reader.read_last(window)?.position().max(first);
            if start >= before {
                // The way back ends at damage; what lies before it is read from the first event on.
                start = first;
            }
            let mut events = reader.read_from(start)?;
            // Counted first: of what is wanted there may be more than fits into memory.
            let mut wanted = 0;
            loop {
                match reading::next_before(&mut events, self.filter.end()) {
                    None => break,
                    Some(Ok(event)) => wanted += u64::from(self.filter.wants(&event)),
                    Some(Err(error)) if error.kind() == io::ErrorKind::InvalidData => {}
                    Some(Err(error)) => return Err(error.into()),
                }
            }
            if wanted < self.lines && start != first {
                window = window.saturating_mul(8).max(64);
                before = start;
                continue;
            }
            return self.behind(reader.read_from(start)?, wanted.saturating_sub(self.lines));
        }
    }

    /// Behind `surplus` events that are wanted, but not among the last.
    fn behind(&self, mut events: LogIterator, mut surplus: u64) -> Outcome<LogIterator> {
        while surplus > 0 {
            match reading::next_whole(&mut events) {
                None => break,
                Some(Ok(event)) => surplus -= u64::from(self.filter.wants(&event)),
                Some(Err(error)) if error.kind() == io::ErrorKind::InvalidData => {}
                Some(Err(error)) => return Err(error.into()),
            }
        }
        Ok(events)
    }
}

/// Whether standard output is a pipe that nobody reads any more: it is not told by a write, where
/// there is nothing to write.
#[cfg(unix)]
fn is_reader_gone() -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    let stdout = io::stdout();
    let mut fds = [PollFd::new(&stdout, PollFlags::empty())];
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    poll(&mut fds, Some(&now)).is_ok()
        && fds
            .iter()
            .any(|fd| fd.revents().intersects(PollFlags::ERR | PollFlags::HUP))
}

/// Windows tells of it by the next write only.
#[cfg(not(unix))]
fn is_reader_gone() -> bool {
    false
}
