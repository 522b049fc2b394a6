use std::ffi::OsString;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

use clap::Args;
use eventfold::EventReader;

use super::at::{At, parse};
use crate::failure::{Failure, Outcome};
use crate::reading;

/// Give a program all events up to a position or time, and print the state that it makes of them.
///
/// It gets them as JSONL on its standard input, oldest first, archived ones included. Its exit
/// status is handed on.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  eventfold state-at todos 2024-06-01 -- jq -s 'map(select(.type==\"todo.added\").data.title)'
  eventfold state-at todos end -- jq -n 'reduce inputs as $e ({}; .[$e.type] += 1)'
  eventfold state-at todos 8192 -- wc -l")]
pub(crate) struct StateAt {
    /// The log's directory
    dir: PathBuf,
    /// A position: the events before it. A time (2024-06-01, 2h, @1717243200 for Unix seconds):
    /// the log as it stood before the first event that is later. `end`: all
    #[arg(value_name = "POSITION|TIME", value_parser = parse, allow_negative_numbers = true)]
    at: At,
    /// The program and its arguments, behind --
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

impl StateAt {
    pub(crate) fn run(self) -> Outcome {
        reading::check_log(&self.dir)?;
        let reader = EventReader::new(&self.dir);
        let end = self.at.position(&reader, reading::end(&reader)?)?;
        let mut child = self.spawn()?;
        let fed = self.feed(&reader, end, &mut child);
        let ended = child.wait();
        let status = ended.map_err(|error| Failure::io(self.cannot("wait for"), &error))?;
        // A state of some of the events would be a wrong one.
        fed?;
        match status.success() {
            true => Ok(()),
            false => Err(Failure::Status(code(status))),
        }
    }

    fn spawn(&self) -> Outcome<Child> {
        let [program, arguments @ ..] = self.command.as_slice() else {
            return Err(Failure::Usage("no command was given behind --".into()));
        };
        let child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .spawn();
        child.map_err(|error| Failure::new(format!("{}: {error}", self.cannot("run"))))
    }

    fn feed(&self, reader: &EventReader, end: u64, child: &mut Child) -> Outcome {
        let Some(stdin) = child.stdin.take() else {
            return Ok(());
        };
        let mut stdin = BufWriter::with_capacity(64 << 10, stdin);
        let mut events = reader.read_full()?;
        while let Some(event) = reading::next_before(&mut events, end) {
            let event = event?;
            let written = stdin.write_all(event.line());
            if !self.goes_on(written.and_then(|()| stdin.write_all(b"\n")))? {
                // What is left in the buffer has nobody to go to.
                let _ = stdin.into_parts();
                return Ok(());
            }
        }
        self.goes_on(stdin.flush()).map(drop)
    }

    /// A program that has seen enough is no failure.
    fn goes_on(&self, written: io::Result<()>) -> Outcome<bool> {
        match written {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(Failure::io(self.cannot("write to"), &error)),
        }
    }

    fn cannot(&self, action: &str) -> String {
        let program = self
            .command
            .first()
            .map(|program| program.to_string_lossy());
        format!("cannot {action} {}", program.unwrap_or_default())
    }
}

/// As a shell has it.
fn code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return u8::try_from(128 + signal).unwrap_or(1);
    }
    status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(1)
}
