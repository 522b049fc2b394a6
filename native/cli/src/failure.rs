//! Why a command ended early, and what a person is told.

use std::fmt::Display;
use std::io::{self, Write as _};
use std::process::ExitCode;

use eventfold::Error;

use crate::files::parent;
use crate::output::{self, safe};

/// What ends a command.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It could not be done: what, where, and the way out.
    Failed(String),
    /// The command line was not understood.
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

    /// What the library says, after the lock was waited for so many `seconds`.
    pub(crate) fn waited(error: &io::Error, seconds: u64) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::ReaderGone;
        }
        match Error::of(error) {
            // The library's way out is one for programs.
            Some(Error::Locked { path, holder }) => {
                let by = match holder {
                    None => String::new(),
                    Some(holder) => format!(" ({})", output::holder(holder)),
                };
                let path = path.display();
                Self::Failed(match seconds {
                    0 => format!(
                        "another writer holds the lock on {path}{by}; stop it first, have it do \
                         this, or wait for it with --wait SECONDS. Reading needs no lock"
                    ),
                    n => format!(
                        "another writer still holds the lock on {path} after {n} s{by}; stop it \
                         first, or have it do this. Reading needs no lock"
                    ),
                })
            }
            Some(Error::Corrupt { path, .. }) => Self::Failed(format!(
                "{error}; eventfold doctor {} says what to do",
                parent(path).display()
            )),
            _ => Self::Failed(error.to_string()),
        }
    }

    /// The same, after something was done that stays.
    pub(crate) fn after(self, done: &str) -> Self {
        match self {
            Self::Failed(message) => Self::Failed(format!("{message}; {done}")),
            other => other,
        }
    }

    /// The same, of what was tried of an import.
    pub(crate) fn of_import(self, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                self.after("make room and run this again: it goes on where it stopped")
            }
            _ => self,
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
        // Nobody may be there to be told.
        let _ = writeln!(
            anstream::stderr(),
            "{style}error:{style:#} {}",
            safe(&message)
        );
        ExitCode::from(code)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::waited(&error, 0)
    }
}
