use std::io;
use std::path::PathBuf;

use clap::Args;
use eventfold::EventWriter;
use serde_json::json;

use crate::args::Wait;
use crate::failure::{Failure, Outcome};
use crate::output::{self, Screen, size};
use crate::reading;

/// Move the log's lines into the compressed archive. No position changes.
///
/// A line that is no event can be repaired in the log, and not in the archive: it ends the command.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  eventfold rotate todos")]
pub(crate) struct Rotate {
    /// The log's directory
    dir: PathBuf,
    #[command(flatten)]
    wait: Wait,
    /// What was done as JSON, also on a terminal
    #[arg(long)]
    json: bool,
}

impl Rotate {
    pub(crate) fn run(self) -> Outcome {
        reading::check_log(&self.dir)?;
        let opened = EventWriter::open_waiting(&self.dir, self.wait.timeout());
        let mut writer = opened.map_err(|error| self.wait.failure(&error))?;
        output::note_recovery(&self.dir, writer.recovery());
        check_lines(&writer)?;
        let rotation = writer.rotate()?;
        let screen = Screen::of_stdout();
        output::line(&match (screen.is_terminal && !self.json, rotation.bytes) {
            (false, bytes) => json!({ "bytes": bytes, "archived": rotation.archived }).to_string(),
            (true, 0) => "the log is empty; there is nothing to rotate".to_owned(),
            (true, bytes) => format!(
                "rotated {}; the archive grew by {}",
                size(bytes),
                size(rotation.archived)
            ),
        })
    }
}

fn check_lines(writer: &EventWriter) -> Outcome {
    let start = writer.end_position() - writer.log_len();
    let mut events = writer.reader().read_from(start)?;
    while let Some(event) = reading::next_whole(&mut events) {
        if let Err(error) = event {
            if error.kind() != io::ErrorKind::InvalidData {
                return Err(error.into());
            }
            let dir = writer.dir().display();
            return Err(Failure::new(format!(
                "{error}; in the archive it could not be repaired any more: eventfold doctor {dir} \
                 --repair, and rotate then"
            )));
        }
    }
    Ok(())
}
