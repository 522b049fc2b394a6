use std::io;

use clap::{Args, CommandFactory};
use clap_mangen::Man as Page;

use crate::failure::{Failure, Outcome};
use crate::output::cannot_write;

/// Print the manual page of eventfold, or of one of its commands.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  eventfold man | man -l -
  eventfold man import > ~/.local/share/man/man1/eventfold-import.1")]
pub(crate) struct Man {
    /// The page of this command, in place of eventfold's own
    command: Option<String>,
}

impl Man {
    pub(crate) fn run(self) -> Outcome {
        let mut all = crate::args::Args::command();
        all.build();
        let command = match &self.command {
            None => all,
            Some(name) => {
                let found = all.find_subcommand(name).cloned();
                let found = found.ok_or_else(|| {
                    Failure::Usage(format!(
                        "there is no command {name:?}; eventfold --help lists them"
                    ))
                })?;
                // A page's name is one word.
                let page = format!("eventfold-{name}");
                found.display_name(page)
            }
        };
        let mut page = Vec::new();
        Page::new(command)
            .render(&mut page)
            .and_then(|()| io::Write::write_all(&mut io::stdout(), &page))
            .map_err(|error| cannot_write(&error))
    }
}
