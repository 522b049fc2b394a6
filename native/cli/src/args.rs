//! The command line.

use std::time::Duration;

use anstream::ColorChoice;
use clap::{Parser, ValueEnum};

use crate::commands::Command;

/// Look into an event log, fill it, copy it.
///
/// A log is a directory. Every command takes it first. Commands that only read need no lock and
/// may run beside the program that writes; `append`, `import` and `rotate` take the writer's lock.
///
/// Exit status: 0 when it was done, 1 when it failed, 2 when it was not understood.
#[derive(Debug, Parser)]
#[command(
    name = "eventfold",
    version,
    propagate_version = true,
    max_term_width = 100
)]
pub(crate) struct Args {
    /// When to use colours. NO_COLOR and CLICOLOR_FORCE are heeded
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What a command does while another program holds the writer's lock.
#[derive(Debug, clap::Args)]
pub(crate) struct Wait {
    /// Wait so many seconds while another program holds the writer's lock; without it, fail at once
    #[arg(
        long = "wait",
        value_name = "SECONDS",
        default_value_t = 0,
        hide_default_value = true
    )]
    seconds: u64,
}

impl Wait {
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

/// When to use colours.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    pub(crate) fn as_choice(self) -> ColorChoice {
        match self {
            Self::Auto => ColorChoice::Auto,
            Self::Always => ColorChoice::Always,
            Self::Never => ColorChoice::Never,
        }
    }
}
