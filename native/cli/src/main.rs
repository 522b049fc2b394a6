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
mod saved;
mod times;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let args = args::Args::parse();
    args.color.as_choice().write_global();
    match args.command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
