use std::path::PathBuf;

use clap::Args;
use eventfold::EventLog;

use crate::args::{self, Wait};
use crate::failure::Outcome;
use crate::files::check_no_file;
use crate::import::{Mapping, Options, Run, Source};
use crate::output;

/// Append the lines of other logs: JSONL, also compressed with zstd or gzip.
///
/// Run again, it goes on where it stopped, also after kill -9 or a power cut, and takes what a file
/// gained since: which of a file's bytes are in the log stands in DIR/imports, written before
/// anything is appended; what came after that is found by comparing the file's lines with the
/// log's. A file is known by its path: moved, it is imported anew. A stream, from standard input or
/// a pipe, is remembered until it was imported to its end. Lines are appended 1 MiB at a time; those
/// of a slow stream once a second, and where it pauses, which Windows does not tell.
///
/// A line that cannot be an event ends the import and is named; those before it are in the log. A
/// compressed file is read to its end first: nothing of a damaged one is imported.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  eventfold import todos old.jsonl older.jsonl.zst
  eventfold import hub events.json.gz --ts-field created_at --actor-field actor.login
  journalctl -o json | eventfold import journal - --type-field SYSLOG_IDENTIFIER \\
      --type other --ts-field __REALTIME_TIMESTAMP")]
pub(crate) struct Import {
    /// The log's directory
    dir: PathBuf,
    /// What to import; - is standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Pass over lines that cannot be an event: the first ten are named, all are counted
    #[arg(long)]
    skip_bad: bool,
    /// Forget what was imported of these files, and import them from their first line
    #[arg(long)]
    again: bool,
    /// Rotate into the archive whenever the log has this many MiB
    #[arg(long, value_name = "MIB", value_parser = args::mib, allow_negative_numbers = true)]
    rotate_at: Option<u64>,
    #[command(flatten)]
    wait: Wait,
    #[command(flatten)]
    mapping: Mapping,
}

impl Import {
    pub(crate) fn run(self) -> Outcome {
        check_no_file(&self.dir)?;
        // What cannot be read is told before anything is made.
        for file in &self.files {
            Source::check(file, &self.dir)?;
        }
        let mut builder = EventLog::builder(&self.dir).lock_timeout(self.wait.timeout());
        if let Some(mib) = self.rotate_at {
            builder = builder.max_log_size(mib << 20);
        }
        let opened = builder.open();
        let mut log = opened.map_err(|error| self.wait.failure(&error))?;
        output::note_recovery(&self.dir, log.recovery());
        for file in &self.files {
            let options = Options {
                dir: &self.dir,
                mapping: &self.mapping,
                skip_bad: self.skip_bad,
                again: self.again,
            };
            Run::new(options, Source::open(file)?, &mut log)?.import()?;
        }
        Ok(())
    }
}
