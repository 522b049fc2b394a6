use std::io;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::failure::Outcome;
use crate::output::cannot_write;

/// Print what a shell needs to complete this command's words.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  eventfold completions bash > ~/.local/share/bash-completion/completions/eventfold
  eventfold completions fish > ~/.config/fish/completions/eventfold.fish
  eventfold completions zsh > \"${fpath[1]}/_eventfold\"")]
pub(crate) struct Completions {
    /// Which shell
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self) -> Outcome {
        let mut script = Vec::new();
        let mut command = crate::args::Args::command();
        clap_complete::generate(self.shell, &mut command, "eventfold", &mut script);
        io::Write::write_all(&mut io::stdout(), &script).map_err(|error| cannot_write(&error))
    }
}
