//! The commands, one file each.

mod append;
mod import;

use clap::Subcommand;

use crate::failure::Outcome;

/// What is to be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Append(append::Append),
    Import(import::Import),
}

impl Command {
    pub(crate) fn run(self) -> Outcome {
        match self {
            Self::Append(command) => command.run(),
            Self::Import(command) => command.run(),
        }
    }
}
