use std::path::PathBuf;
use std::time::SystemTime;

use clap::Args;
use eventfold::EventReader;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::failure::{Failure, Outcome};
use crate::output::{self, Screen, counted, duration, safe_json, safe_line, size};

/// Print the state that a view has saved, and how far behind the log it is.
///
/// The state goes to standard output; how old it is to standard error.
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
    /// The state and how old it is as one JSON object
    #[arg(long)]
    json: bool,
}

impl View {
    pub(crate) fn run(self) -> Outcome {
        let reader = EventReader::new(&self.dir);
        let saved = reader.saved_view(&self.name)?;
        let saved = match saved {
            Ok(saved) => saved,
            Err(why) => return Err(self.no_view(&reader, why)?),
        };
        let mut events = reader.read_from(saved.position)?;
        let mut behind = 0_u64;
        while let Some(event) = events.next_ref() {
            event?;
            behind += 1;
        }
        let bytes = events.position().saturating_sub(saved.position);
        if self.json {
            let state: Box<RawValue> = serde_json::from_str(&saved.state)
                .map_err(|error| Failure::new(format!("view {:?}: {error}", self.name)))?;
            let about = json!({
                "name": self.name,
                "position": saved.position,
                "version": saved.version,
                "events_behind": behind,
                "bytes_behind": bytes,
            });
            let about = about.to_string();
            let about = about.trim_end_matches('}');
            return output::line(&safe_json(&format!("{about},\"state\":{}}}", state.get())));
        }
        match Screen::of_stdout().is_terminal {
            true => {
                let state: Value = serde_json::from_str(&saved.state)
                    .map_err(|error| Failure::new(format!("view {:?}: {error}", self.name)))?;
                output::line(&safe_json(&format!("{state:#}")))?;
            }
            false => output::line(&saved.state)?,
        }
        let age = self
            .age()
            .map_or(String::new(), |age| format!("saved {age} ago, "));
        output::note(&match behind {
            0 => format!("{age}up to date at position {}", saved.position),
            n => format!(
                "{age}at position {}: {}, {} behind",
                saved.position,
                counted(n, "event"),
                size(bytes)
            ),
        });
        Ok(())
    }

    fn age(&self) -> Option<String> {
        let file = format!("views/{}.snapshot.json", self.name);
        let saved = std::fs::metadata(self.dir.join(file))
            .ok()?
            .modified()
            .ok()?;
        let age = SystemTime::now().duration_since(saved).ok()?;
        Some(duration(age.as_secs()))
    }

    fn no_view(&self, reader: &EventReader, why: eventfold::NoSnapshot) -> Outcome<Failure> {
        let names = reader.saved_views()?;
        let there = match names.as_slice() {
            [] => "this log has none saved; the program that keeps views saves them".to_owned(),
            names => format!("there are {}", names.join(", ")),
        };
        Ok(Failure::new(format!(
            "{}: view {:?}: {}; {there}",
            self.dir.display(),
            safe_line(&self.name),
            super::info::unusable(why),
        )))
    }
}
