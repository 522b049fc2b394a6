//! The command `eventfold`: what a person does with a log that programs write.
//!
//! One file a command in `commands`; what several of them need lies beside it. Everything is done
//! through the public API of the crate `eventfold`.

mod args;
mod commands;
mod copy;
mod disk;
mod doctor;
mod failure;
mod files;
mod filter;
mod import;
mod output;
mod printer;
mod progress;
mod reading;
mod saved;
mod times;

use std::process::ExitCode;

use clap::Parser;
use clap::error::{ContextKind, ErrorKind};

fn main() -> ExitCode {
    let args = args::Args::try_parse().unwrap_or_else(|mut error| {
        // That what was mistyped is to be taken for a value.
        if error.kind() == ErrorKind::UnknownArgument {
            error.remove(ContextKind::Suggested);
        }
        error.exit()
    });
    args.color.as_choice().write_global();
    match args.command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
