use std::path::PathBuf;

use clap::Args;
use eventfold::EventWriter;
use serde_json::json;

use crate::args::Wait;
use crate::failure::Outcome;
use crate::output::{self, Screen, size};

/// Move the log's lines into the compressed archive. No position changes.
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
        super::check_log(&self.dir)?;
        let mut writer = EventWriter::open_waiting(&self.dir, self.wait.timeout())?;
        output::note_recovery(&self.dir, writer.recovery());
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
