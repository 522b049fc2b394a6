//! The command line.

use std::io;
use std::time::Duration;

use anstream::ColorChoice;
use clap::{Parser, ValueEnum};

use crate::commands::Command;
use crate::failure::Failure;

/// Of which the bytes can be counted.
const MAX_MIB: u64 = 1 << 40;

/// Look into an event log, fill it, copy it.
///
/// A log is a directory; what looks into it or fills it takes it first. Commands that only read
/// need no lock and may run beside the program that writes; `append`, `import`, `rotate` and
/// `doctor --repair` take the writer's lock.
///
/// A file or a copy is called .eventfold-… until it is whole: a command that was killed can leave
/// one, which you may remove.
///
/// Exit status: 0 when it was done, 1 when it failed, 2 when the command line was not understood,
/// 3 when `doctor` found something wrong. `state-at` ends with the status of its program.
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
    /// Wait this many seconds while another program holds the writer's lock; without it, fail at once
    #[arg(
        long = "wait",
        value_name = "SECONDS",
        value_parser = seconds,
        allow_negative_numbers = true,
        default_value_t = 0,
        hide_default_value = true
    )]
    seconds: u64,
}

impl Wait {
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    pub(crate) fn failure(&self, error: &io::Error) -> Failure {
        Failure::waited(error, self.seconds)
    }
}

pub(crate) fn position(text: &str) -> Result<u64, String> {
    whole(text, "a position", "as eventfold cat DIR -p shows")
}

pub(crate) fn seconds(text: &str) -> Result<u64, String> {
    whole(text, "a number of seconds", "such as 10")
}

pub(crate) fn events(text: &str) -> Result<u64, String> {
    whole(text, "a number of events", "such as 10")
}

pub(crate) fn mib(text: &str) -> Result<u64, String> {
    match whole(text, "a number of MiB", "such as 64")? {
        mib @ 1..=MAX_MIB => Ok(mib),
        _ => Err(format!("a number of MiB is from 1 to {MAX_MIB}")),
    }
}

/// `what` says what the number is, and `such` where to find it, or gives one.
fn whole(text: &str, what: &str, such: &str) -> Result<u64, String> {
    text.parse().map_err(|_| match text.parse::<i128>() {
        Ok(..0) => format!("{what} is 0 or more"),
        Ok(_) => format!("{what} is less than 2^64"),
        Err(_) => format!("expected {what}: a whole number, {such}"),
    })
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
