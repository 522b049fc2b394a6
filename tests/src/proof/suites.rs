//! The suites that there are, by `suites.txt`.

use std::fmt;

/// The promises, in the order of their numbers from 1.
pub(super) const PROMISES: [&str; 16] = [
    "An acknowledged event survives kill -9 and power loss",
    "Each event appears exactly once in a full read, whatever the crash point",
    "After any crash the log is the acknowledged prefix plus at most what was in flight",
    "Opening after any crash succeeds unaided; removed bytes are kept in a side file",
    "An append that returns an error is absent, or the error says that durability is unknown",
    "After a failed sync or roll-back every append fails until the log is reopened",
    "A view refreshed step by step equals the same view rebuilt, always",
    "An error while refreshing changes neither state, position nor snapshot",
    "A reader sees no duplicate, gap or false error across rotation",
    "At most one locked writer per directory, also after the file was replaced",
    "A dead writer never blocks an open",
    "A contended open returns at once, with the right kind, path and holder",
    "Every accepted event reads back equal",
    "Bit rot in the archive is never returned as an event",
    "No input panics, hangs, exhausts memory or writes outside the directory",
    "A wait returns \"timeout\" only after the whole timeout, \"new data\" only if an event is readable",
];

/// A suite of `suites.txt`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suite {
    /// What it reports as, with a `*` for what comes in several kinds. A file of `tests/tests`
    /// reports by the log of the tests.
    pub name: String,
    /// What one case is.
    pub case: String,
    /// The numbers of the promises that it could show to be false.
    pub promises: Vec<usize>,
    /// How many cases a whole run has at least.
    pub minimum: u64,
    /// The file of `tests/tests` that it is in, or the command that runs it.
    place: String,
    /// The variable that makes it longer, with a value; none where nothing does.
    longer: Option<String>,
}

impl Suite {
    fn parse(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.split('|').map(str::trim).collect();
        let [name, case, promises, minimum, place, longer] = fields.try_into().ok()?;
        let promise = |text: &str| {
            let number = text.strip_prefix('P')?.parse().ok()?;
            (1..=PROMISES.len()).contains(&number).then_some(number)
        };
        let promises: Option<Vec<usize>> = match promises {
            "all" => Some((1..=PROMISES.len()).collect()),
            listed => listed.split_whitespace().map(promise).collect(),
        };
        Some(Self {
            name: name.to_owned(),
            case: case.to_owned(),
            promises: promises.filter(|promises| !promises.is_empty())?,
            minimum: minimum.replace(',', "").parse().ok()?,
            place: place.to_owned(),
            longer: Some(longer.to_owned()).filter(|longer| !longer.is_empty()),
        })
    }

    fn reports_as(&self, name: &str) -> bool {
        match self.name.split_once('*') {
            None => self.name == name,
            Some((before, after)) => name
                .strip_prefix(before)
                .is_some_and(|rest| rest.ends_with(after)),
        }
    }

    /// The command that runs it again.
    pub fn command(&self) -> String {
        match self.place.split_once(' ') {
            Some(("wasm", file)) => format!("tests/checks/wasm-test {file}"),
            Some(_) => self.place.clone(),
            None if self.place.contains('/') => self.place.clone(),
            None => format!("cargo test -p eventfold-tests --test {}", self.place),
        }
    }

    /// The command that runs more of it, if there is more.
    pub fn longer_command(&self) -> Option<String> {
        let longer = self.longer.as_ref()?;
        Some(format!("{longer} {}", self.command()))
    }

    /// The file of `tests/tests` that it is in, if it is in one.
    fn file(&self) -> Option<&str> {
        let file = self.place.strip_prefix("wasm ").unwrap_or(&self.place);
        Some(file).filter(|file| !file.contains(['/', ' ']))
    }
}

/// All suites.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suites(pub Vec<Suite>);

impl Suites {
    /// Those of `suites.txt`.
    ///
    /// # Panics
    /// When a line there is not as the first one says.
    pub fn all() -> Self {
        Self::parse(include_str!("../../suites.txt"))
    }

    fn parse(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let suite = |line: &str| {
            Suite::parse(line).unwrap_or_else(|| panic!("suites.txt has a line {line:?}"))
        };
        Self(lines.map(suite).collect())
    }

    /// The suite that reports as this.
    pub fn reporting_as(&self, name: &str) -> Option<&Suite> {
        self.0.iter().find(|suite| suite.reports_as(name))
    }

    /// Whether all that the file of this name reports is known: its tests by a line of their own,
    /// or by those of the suites that are in it.
    pub(super) fn know_file(&self, file: &str) -> bool {
        self.0.iter().any(|suite| suite.file() == Some(file))
    }
}

impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_promise_has_a_suite_and_no_name_stands_twice() {
        let suites = Suites::all();
        for promise in 1..=PROMISES.len() {
            let of = |suite: &&Suite| suite.promises.contains(&promise);
            assert!(suites.0.iter().any(|suite| of(&suite)), "P{promise}");
        }
        for suite in &suites.0 {
            assert_eq!(suites.reporting_as(&suite.name), Some(suite));
        }
    }

    #[test]
    fn a_suite_of_several_kinds_is_one() {
        let suite = Suite::parse("kills *, all | a kill | P1 | 1 | kills |").unwrap();
        assert!(suite.reports_as("kills in memory, all"));
        assert!(!suite.reports_as("kills in memory"));
        assert!(!suite.reports_as("all kills, all"));
    }

    #[test]
    fn a_line_is_a_suite_with_its_commands() {
        let suite = Suite::parse("cuts | an image | P1 P16 | 2,000 | power_cuts | N=5").unwrap();
        assert_eq!(suite.promises, [1, 16]);
        assert_eq!(suite.minimum, 2000);
        let command = "cargo test -p eventfold-tests --test power_cuts";
        assert_eq!(suite.command(), command);
        assert_eq!(suite.longer_command(), Some(format!("N=5 {command}")));
        for wrong in [
            "cuts | an image | P1",
            "a | b | P17 | 1 | c |",
            "a | b | | 1 | c |",
        ] {
            assert_eq!(Suite::parse(wrong), None, "{wrong}");
        }
    }
}
