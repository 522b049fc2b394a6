use std::io::{self, Read};
use std::path::PathBuf;

use clap::Args;
use eventfold::{Durability, Event, EventWriter};
use serde_json::json;

use crate::args::Wait;
use crate::failure::{Failure, Outcome};
use crate::import::compact;
use crate::output::{Screen, count};
use crate::{output, times};

/// Append one event.
///
/// It is on disk when the command ends. The directory is made where it is missing.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  eventfold append todos todo.added '{\"title\":\"write\"}' --id 1 --actor ada
  curl -s https://example.org/status.json | eventfold append checks status -")]
pub(crate) struct Append {
    /// The log's directory
    dir: PathBuf,
    /// What kind of thing happened, such as todo.added
    #[arg(value_name = "TYPE")]
    event_type: String,
    /// What there is to know about it, as JSON; - reads it from standard input
    #[arg(value_name = "JSON")]
    data: String,
    /// An identifier of your own
    #[arg(long)]
    id: Option<String>,
    /// Who or what caused it
    #[arg(long)]
    actor: Option<String>,
    /// Anything beside the data, as JSON
    #[arg(long, value_name = "JSON")]
    meta: Option<String>,
    /// When it happened: Unix seconds, RFC 3339, or how long ago (2h); now unless said
    #[arg(long, value_name = "TIME", value_parser = times::parse)]
    ts: Option<u64>,
    /// Do not wait for the disk: the event survives the end of the process, not a power cut
    #[arg(long)]
    buffered: bool,
    #[command(flatten)]
    wait: Wait,
    /// Print the position as JSON, also on a terminal
    #[arg(long)]
    json: bool,
}

impl Append {
    pub(crate) fn run(self) -> Outcome {
        let text = match self.data.as_str() {
            "-" => stdin()?,
            text => text.to_owned(),
        };
        let data = compact(text.trim()).map_err(|error| {
            Failure::Usage(format!(
                "the event's data is not JSON: {error}; text wants quotes of its own: '\"text\"'"
            ))
        })?;
        let meta = self.meta.as_deref().map(serde_json::from_str).transpose();
        let meta = meta.map_err(|error| Failure::Usage(format!("--meta is not JSON: {error}")))?;
        let mut event = Event::at(self.ts.unwrap_or_else(times::now), self.event_type, data);
        (event.id, event.actor, event.meta) = (self.id, self.actor, meta);

        let mut writer = EventWriter::open_waiting(&self.dir, self.wait.timeout())?;
        output::note_recovery(&self.dir, writer.recovery());
        let durability = match self.buffered {
            true => Durability::Buffered,
            false => Durability::Synced,
        };
        let appended = writer.append_with(&event, durability)?;
        let screen = Screen::of_stdout();
        let position = count(appended.position);
        let said = if screen.is_terminal && !self.json {
            format!("appended at position {position}")
        } else {
            let appended = json!({
                "position": appended.position,
                "next_position": appended.next_position,
                "hash": appended.hash,
            });
            appended.to_string()
        };
        let done = format!("the event was appended, at position {position}");
        output::line(&said).map_err(|failure| failure.after(&done))
    }
}

fn stdin() -> Outcome<String> {
    let mut text = String::new();
    io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| Failure::io("cannot read standard input", &error))?;
    Ok(text)
}
