//! The commands, one file each.

mod append;
mod at;
mod backup;
mod bench;
mod cat;
mod completions;
mod doctor;
mod export;
mod import;
mod info;
mod man;
mod restore;
mod rotate;
mod state_at;
mod tail;
mod view;

use clap::Subcommand;

use crate::failure::Outcome;

/// What is to be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Append(append::Append),
    Import(import::Import),
    Cat(cat::Cat),
    Tail(tail::Tail),
    Info(info::Info),
    View(view::View),
    StateAt(state_at::StateAt),
    Export(export::Export),
    Backup(backup::Backup),
    Restore(restore::Restore),
    Rotate(rotate::Rotate),
    Doctor(doctor::Doctor),
    Bench(bench::Bench),
    Completions(completions::Completions),
    Man(man::Man),
}

impl Command {
    pub(crate) fn run(self) -> Outcome {
        match self {
            Self::Append(command) => command.run(),
            Self::Import(command) => command.run(),
            Self::Cat(command) => command.run(),
            Self::Tail(command) => command.run(),
            Self::Info(command) => command.run(),
            Self::View(command) => command.run(),
            Self::StateAt(command) => command.run(),
            Self::Export(command) => command.run(),
            Self::Backup(command) => command.run(),
            Self::Restore(command) => command.run(),
            Self::Rotate(command) => command.run(),
            Self::Doctor(command) => command.run(),
            Self::Bench(command) => command.run(),
            Self::Completions(command) => command.run(),
            Self::Man(command) => command.run(),
        }
    }
}
