use std::fmt::Display;
use std::io;
use std::path::PathBuf;
use std::time::SystemTime;

use clap::Args;
use eventfold::EventReader;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::failure::{Failure, Outcome};
use crate::output::{self, Screen, counted, duration, safe_json, safe_line, size};
use crate::reading;
use crate::saved::{file_of, unusable};

/// Print the state that a view has saved, and how far behind the log it is.
///
/// The state goes to standard output; how old it is to standard error. Damage behind it is
/// reported with its place; the exit status is 1 then.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  eventfold view todos open
  eventfold view todos open | jq length")]
pub(crate) struct View {
    /// The log's directory
    dir: PathBuf,
    /// The view's name; `eventfold info` lists them
    name: String,
    /// The state, when it was saved and how far behind it is as one JSON object
    #[arg(long)]
    json: bool,
}

impl View {
    pub(crate) fn run(self) -> Outcome {
        reading::check_log(&self.dir)?;
        let reader = EventReader::new(&self.dir);
        let saved = match reader.saved_view(&self.name) {
            Ok(Ok(saved)) => saved,
            Ok(Err(why)) => return Err(self.no_view(&reader, &unusable(why))?),
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                return Err(self.no_view(&reader, &"no view has such a name")?);
            }
            Err(error) => return Err(error.into()),
        };
        let mut events = reader.read_from(saved.position)?;
        let (mut behind, mut damage) = (0_u64, reading::Damage::default());
        loop {
            let before = events.position();
            match reading::next_whole(&mut events) {
                None => break,
                Some(Ok(_)) => behind += 1,
                Some(Err(error)) => damage.tell(error, events.position() == before)?,
            }
        }
        let bytes = events.position().saturating_sub(saved.position);
        if self.json {
            let state: Box<RawValue> = self.parsed(&saved.state)?;
            let about = json!({
                "name": self.name,
                "saved_ts": self.saved().map(since_1970),
                "position": saved.position,
                "version": saved.version,
                "events_behind": behind,
                "bytes_behind": bytes,
            });
            let about = about.to_string();
            let about = about.trim_end_matches('}');
            output::line(&safe_json(&format!("{about},\"state\":{}}}", state.get())))?;
            return damage.outcome(&self.dir);
        }
        match Screen::of_stdout().is_terminal {
            true => {
                let state: Value = self.parsed(&saved.state)?;
                output::line(&safe_json(&format!("{state:#}")))?;
            }
            false => output::line(&saved.state)?,
        }
        let age = self
            .saved()
            .and_then(|saved| SystemTime::now().duration_since(saved).ok());
        let age = age.map_or(String::new(), |age| {
            format!("saved {} ago, ", duration(age.as_secs()))
        });
        output::note(&match behind {
            0 => format!("{age}up to date at position {}", saved.position),
            n => format!(
                "{age}at position {}: {}, {} behind",
                saved.position,
                counted(n, "event"),
                size(bytes)
            ),
        });
        damage.outcome(&self.dir)
    }

    fn parsed<'a, T: Deserialize<'a>>(&self, state: &'a str) -> Outcome<T> {
        serde_json::from_str(state).map_err(|error| self.failure(&error))
    }

    fn saved(&self) -> Option<SystemTime> {
        let found = self.dir.join(file_of(&self.name)).metadata();
        found.and_then(|found| found.modified()).ok()
    }

    fn no_view(&self, reader: &EventReader, why: &dyn Display) -> Outcome<Failure> {
        let names = reader.saved_views()?;
        let there = match names.as_slice() {
            [] => "the log has no saved views: the program that keeps a view saves it".to_owned(),
            names => format!("the saved views are {}", names.join(", ")),
        };
        Ok(self.failure(&format_args!("{why}; {there}")))
    }

    fn failure(&self, why: &dyn Display) -> Failure {
        let (dir, name) = (self.dir.display(), safe_line(&self.name));
        Failure::new(format!("{dir}: view {name:?}: {why}"))
    }
}

fn since_1970(time: SystemTime) -> u64 {
    let time = time.duration_since(SystemTime::UNIX_EPOCH);
    time.unwrap_or_default().as_secs()
}
