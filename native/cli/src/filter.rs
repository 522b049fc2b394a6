//! Which events are wanted.

use clap::Args;
use eventfold::EventRef;

use crate::times;

/// Events that all of these are true of.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Which events")]
pub(crate) struct Filter {
    /// From this position on: that of an event, or the next one's
    #[arg(long, value_name = "POSITION")]
    pub(crate) from: Option<u64>,
    /// Before this position
    #[arg(long, value_name = "POSITION")]
    pub(crate) to: Option<u64>,
    /// Not before: Unix seconds, RFC 3339 or how long ago (2h)
    #[arg(long, value_name = "TIME", value_parser = times::parse)]
    since: Option<u64>,
    /// Not after
    #[arg(long, value_name = "TIME", value_parser = times::parse)]
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

    /// Whether what stands at `position` lies behind what is wanted.
    pub(crate) fn ends_before(&self, position: u64) -> bool {
        self.to.is_some_and(|to| to <= position)
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
