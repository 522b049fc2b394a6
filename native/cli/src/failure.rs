//! Why a command ended early, and what a person is told.

use std::fmt::Display;
use std::io;
use std::process::ExitCode;

use eventfold::Error;

use crate::output::{self, safe};

/// What ends a command.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It could not be done: what, where, and the way out.
    Failed(String),
    /// It cannot be meant.
    Usage(String),
    /// Whoever read our output has seen enough.
    ReaderGone,
    /// An exit status beside which nothing is left to say.
    Status(u8),
}

pub(crate) type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self::Failed(message.into())
    }

    /// `action` is what was tried, such as "cannot read FILE".
    pub(crate) fn io(action: impl Display, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::ReaderGone,
            _ => Self::Failed(format!("{action}: {error}")),
        }
    }

    /// The same, after something was done that stays.
    pub(crate) fn after(self, done: &str) -> Self {
        match self {
            Self::Failed(message) => Self::Failed(format!("{message}; {done}")),
            other => other,
        }
    }

    pub(crate) fn report(self) -> ExitCode {
        let (message, code) = match self {
            Self::Failed(message) => (message, 1),
            Self::Usage(message) => (message, 2),
            Self::ReaderGone => return ExitCode::SUCCESS,
            Self::Status(code) => return ExitCode::from(code),
        };
        let style = output::style_of_errors();
        anstream::eprintln!("{style}error:{style:#} {}", safe(&message));
        ExitCode::from(code)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::ReaderGone;
        }
        match Error::of(&error) {
            // The library's way out is one for programs.
            Some(Error::Locked { path, holder }) => {
                let by = match holder {
                    None => String::new(),
                    Some(holder) => format!(" ({})", output::holder(holder)),
                };
                Self::Failed(format!(
                    "another writer holds the lock on {}{by}; stop it first, or have it do this. \
                     Reading needs no lock",
                    path.display()
                ))
            }
            _ => Self::Failed(error.to_string()),
        }
    }
}
