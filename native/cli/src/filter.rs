//! Which events are wanted.

use clap::Args;
use eventfold::{Error, EventReader, EventRef};

use crate::failure::{Failure, Outcome};
use crate::reading::check_position;
use crate::{args, times};

/// Events that all of these are true of.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Which events")]
pub(crate) struct Filter {
    /// From this position on: that of an event, or the next one's
    #[arg(long, value_name = "POSITION", value_parser = args::position, allow_negative_numbers = true)]
    pub(crate) from: Option<u64>,
    /// Before this position
    #[arg(long, value_name = "POSITION", value_parser = args::position, allow_negative_numbers = true)]
    to: Option<u64>,
    /// Not before: Unix seconds, RFC 3339 or how long ago (2h)
    #[arg(long, value_name = "TIME", value_parser = times::parse, allow_negative_numbers = true)]
    since: Option<u64>,
    /// Not after
    #[arg(long, value_name = "TIME", value_parser = times::parse, allow_negative_numbers = true)]
    until: Option<u64>,
    /// Of this type; * is any text and ? any character. May be given more than once
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// By this actor
    #[arg(long)]
    actor: Option<String>,
    /// With this identifier
    #[arg(long)]
    id: Option<String>,
}

impl Filter {
    pub(crate) fn wants(&self, event: &EventRef<'_>) -> bool {
        let ts = event.ts();
        self.since.is_none_or(|since| since <= ts)
            && self.until.is_none_or(|until| ts <= until)
            && (self.types.is_empty()
                || self
                    .types
                    .iter()
                    .any(|glob| matches(glob, event.event_type())))
            && (self.actor.is_none() || self.actor.as_deref() == event.actor())
            && (self.id.is_none() || self.id.as_deref() == event.id())
    }

    /// Whether its positions are ones of the log, which `grows` while it is read or not.
    ///
    /// # Errors
    /// Where they are not: nothing would be found there.
    pub(crate) fn check(&self, reader: &EventReader, grows: bool) -> Outcome {
        if let Some(from) = self.from {
            check_position(reader, from)?;
        }
        let Some(to) = self.to else { return Ok(()) };
        if let Some(from) = self.from.filter(|from| to < *from) {
            return Err(Failure::new(format!(
                "--to {to} is before --from {from}: no event is between them"
            )));
        }
        match check_position(reader, to) {
            // It may come to be one.
            Err(error) if grows && matches!(Error::of(&error), Some(Error::Beyond { .. })) => {
                Ok(())
            }
            checked => Ok(checked?),
        }
    }

    /// Before this position stands what is wanted.
    pub(crate) fn end(&self) -> u64 {
        self.to.unwrap_or(u64::MAX)
    }
}

/// Whether `text` is as `glob` says.
fn matches(glob: &str, text: &str) -> bool {
    let (glob, text): (Vec<char>, Vec<char>) = (glob.chars().collect(), text.chars().collect());
    let (mut g, mut t) = (0, 0);
    // Where the last star stands, and which text it takes the end of.
    let mut star: Option<(usize, usize)> = None;
    while let Some(c) = text.get(t) {
        match glob.get(g) {
            Some('*') => {
                star = Some((g, t));
                g += 1;
            }
            Some(wanted) if *wanted == '?' || wanted == c => {
                g += 1;
                t += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    (g, t) = (at + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    glob.iter().skip(g).all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn globs() {
        for (glob, text, same) in [
            ("todo.*", "todo.added", true),
            ("todo.*", "todo.", true),
            ("todo.*", "tod", false),
            ("*.added", "todo.added", true),
            ("*.added", "todo.added.x", false),
            ("*a*b*", "xxaxxbxx", true),
            ("?odo*", "ñodo", true),
            ("", "", true),
            ("", "a", false),
            ("a", "a", true),
            ("[a]", "a", false),
        ] {
            assert_eq!(matches(glob, text), same, "{glob} {text}");
        }
        // Of stars that all could begin anywhere.
        assert!(!matches(
            &"*a".repeat(20),
            &"a".repeat(5_000).replace('a', "b")
        ));
    }
}
