//! The commands, one file each.

mod append;
mod cat;
mod import;
mod tail;

use std::io;

use clap::Subcommand;

use crate::failure::{Failure, Outcome};
use crate::output;

/// What is to be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Append(append::Append),
    Import(import::Import),
    Cat(cat::Cat),
    Tail(tail::Tail),
}

impl Command {
    pub(crate) fn run(self) -> Outcome {
        match self {
            Self::Append(command) => command.run(),
            Self::Import(command) => command.run(),
            Self::Cat(command) => command.run(),
            Self::Tail(command) => command.run(),
        }
    }
}

/// Damage that reading met and passed.
#[derive(Debug, Default)]
struct Damage {
    places: u64,
}

impl Damage {
    /// # Errors
    /// What is no damage, and cannot be passed.
    fn tell(&mut self, error: io::Error) -> Outcome {
        if error.kind() != io::ErrorKind::InvalidData {
            return Err(error.into());
        }
        self.places += 1;
        output::note(&error.to_string());
        Ok(())
    }

    fn outcome(&self) -> Outcome {
        match self.places {
            0 => Ok(()),
            n => Err(Failure::new(format!(
                "{} could not be read; the rest was",
                output::counted(n, "place")
            ))),
        }
    }
}
