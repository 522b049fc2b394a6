use std::io::{self, Read};
use std::path::PathBuf;

use clap::Args;
use eventfold::{Durability, Error, Event, EventWriter, MAX_LINE};
use serde_json::json;
use serde_json::value::RawValue;

use crate::args::Wait;
use crate::failure::{Failure, Outcome};
use crate::files::check_no_file;
use crate::import::compact;
use crate::output::{Screen, count, size};
use crate::{output, times};

/// With white space that an event's line does without.
const MAX_INPUT: u64 = 2 * MAX_LINE as u64;
const TOO_LARGE: &str = "keep it in a file, and the file's name in the event";

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
    #[arg(value_name = "JSON", allow_negative_numbers = true)]
    data: String,
    /// An identifier of your own
    #[arg(long)]
    id: Option<String>,
    /// Who or what caused it
    #[arg(long)]
    actor: Option<String>,
    /// Anything beside the data, as JSON
    #[arg(long, value_name = "JSON", allow_negative_numbers = true)]
    meta: Option<String>,
    /// When it happened: Unix seconds, RFC 3339, or how long ago (2h); now by default
    #[arg(long, value_name = "TIME", value_parser = times::parse_new, allow_negative_numbers = true)]
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
        check_no_file(&self.dir)?;
        let data = match self.data.as_str() {
            "-" => data_of(&stdin()?).map_err(Failure::Failed)?,
            text => data_of(text).map_err(Failure::Usage)?,
        };
        let meta = self.meta.as_deref().map(|text| {
            let value = serde_json::from_str(text);
            value.map_err(|error| Failure::Usage(not_json("--meta", text, &error)))
        });
        let meta = meta.transpose()?;
        let mut event = Event::at(self.ts.unwrap_or_else(times::now), self.event_type, data);
        (event.id, event.actor, event.meta) = (self.id, self.actor, meta);

        let opened = EventWriter::open_waiting(&self.dir, self.wait.timeout());
        let mut writer = opened.map_err(|error| self.wait.failure(&error))?;
        output::note_recovery(&self.dir, writer.recovery());
        let durability = match self.buffered {
            true => Durability::Buffered,
            false => Durability::Synced,
        };
        let appended = writer
            .append_with(&event, durability)
            .map_err(|error| not_appended(&error))?;
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
    let mut bytes = Vec::new();
    let mut stdin = io::stdin().lock().take(MAX_INPUT + 1);
    let read = stdin.read_to_end(&mut bytes);
    read.map_err(|error| Failure::io("cannot read standard input", &error))?;
    if bytes.len() as u64 > MAX_INPUT {
        return Err(Failure::new(format!(
            "standard input is longer than {}, and an event than {} at most; {TOO_LARGE}",
            size(MAX_INPUT),
            size(MAX_LINE as u64)
        )));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let byte = error.as_bytes().get(at).copied().unwrap_or_default();
        Failure::new(format!(
            "standard input is not UTF-8, as JSON is: byte 0x{byte:02x} at offset {at}"
        ))
    })?;
    match text.trim().is_empty() {
        true => Err(Failure::new(
            "standard input is empty; the event's data is wanted there, as JSON",
        )),
        false => Ok(text),
    }
}

fn data_of(text: &str) -> Result<Box<RawValue>, String> {
    compact(text.trim()).map_err(|error| not_json("the event's data", text, &error))
}

fn not_json(what: &str, text: &str, error: &serde_json::Error) -> String {
    // As an object, an array, a text or a number does.
    let begins = text
        .trim_start()
        .starts_with(|c: char| "{[\"-".contains(c) || c.is_ascii_digit());
    let way_out = match begins {
        true => "",
        false => "; text wants quotes of its own: '\"text\"'",
    };
    format!("{what} is not JSON: {error}{way_out}")
}

fn not_appended(error: &io::Error) -> Failure {
    let failure = Failure::waited(error, 0);
    match Error::of(error) {
        Some(Error::TooLarge { .. }) => failure.after(TOO_LARGE),
        Some(Error::Unreadable { .. }) => {
            failure.after("keep such a value as text, in quotes of its own")
        }
        _ => failure,
    }
}
