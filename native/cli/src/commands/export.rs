use std::borrow::Cow;
use std::fs::File;
use std::hash::Hasher as _;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use eventfold::EventReader;
use tempfile::NamedTempFile;
use twox_hash::XxHash64;

use crate::failure::{Failure, Outcome};
use crate::files::{Sum, check_is_there, new_file_in, parent, sync_dir};
use crate::output::{self, Screen, count, size};
use crate::progress::Progress;
use crate::reading;

/// Write all history as JSONL, consistent while a writer is at work: what was there when it began.
///
/// A file is compressed with zstd where its name ends in .zst. It is read again and compared with
/// the log before it takes its name, and is there whole or not at all; `eventfold import` takes it
/// back. Damage in the log ends it; `eventfold cat` prints what can be read.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  eventfold export todos todos.jsonl.zst
  eventfold export todos | gzip > todos.jsonl.gz")]
pub(crate) struct Export {
    /// The log's directory
    dir: PathBuf,
    /// Where to; - is standard output
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
}

impl Export {
    pub(crate) fn run(self) -> Outcome {
        reading::check_log(&self.dir)?;
        let reader = EventReader::new(&self.dir);
        let end = reading::end(&reader)?;
        if self.file.as_os_str() == "-" {
            let screen = Some(Screen::of_stdout()).filter(|screen| screen.is_terminal);
            let mut out = BufWriter::with_capacity(64 << 10, io::stdout().lock());
            copy(&reader, end, &mut out, "standard output", screen)?;
            let flushed = out.flush();
            return flushed.map_err(|error| output::cannot_write(&error));
        }
        self.check_place()?;
        let name = self.file.display().to_string();
        let cannot = |error| Failure::io(format_args!("cannot write {name}"), &error);

        let place = parent(&self.file);
        let mut file = new_file_in(place).map_err(cannot)?;
        let (events, sum) = match is_zstd(&self.file) {
            true => {
                let mut out = zstd::Encoder::new(file.as_file_mut(), 3).map_err(cannot)?;
                out.include_checksum(true).map_err(cannot)?;
                let copied = copy(&reader, end, &mut out, &name, None)?;
                out.finish().map_err(cannot)?;
                copied
            }
            false => {
                let mut out = BufWriter::with_capacity(64 << 10, file.as_file_mut());
                let copied = copy(&reader, end, &mut out, &name, None)?;
                out.flush().map_err(cannot)?;
                copied
            }
        };
        file.as_file().sync_all().map_err(cannot)?;
        let read = sum_of(file.path(), is_zstd(&self.file));
        let read =
            read.map_err(|error| Failure::io(format_args!("cannot read {name} again"), &error))?;
        if read != sum {
            return Err(Failure::new(format!(
                "{name}: what was read back is not what was written; it was removed. Look at the \
                 disk it was to be on"
            )));
        }
        let len = file.as_file().metadata().map_err(cannot)?.len();
        self.persist(file)?;
        sync_dir(place).map_err(cannot)?;
        let as_it_is = match is_zstd(&self.file) {
            true => format!(", {} compressed", size(len)),
            false => String::new(),
        };
        output::note(&format!(
            "{name}: {} events, {}{as_it_is}; read back and the same",
            count(events),
            size(sum.bytes)
        ));
        Ok(())
    }

    fn check_place(&self) -> Outcome {
        let (log, place) = (self.dir.canonicalize(), parent(&self.file).canonicalize());
        if let (Ok(log), Ok(place)) = (log, place)
            && log == place
        {
            return Err(Failure::new(format!(
                "{} lies in the log's own directory; name a file elsewhere",
                self.file.display()
            )));
        }
        check_is_there(parent(&self.file))?;
        match self.file.symlink_metadata() {
            Ok(found) if found.is_dir() => Err(Failure::new(format!(
                "{} is a directory; name a file in it",
                self.file.display()
            ))),
            Ok(found) if !found.is_file() => {
                let name = self.file.display();
                Err(Failure::new(format!(
                    "{name} is no regular file, and is not replaced; send standard output there: \
                     eventfold export {} > {name}",
                    self.dir.display()
                )))
            }
            Ok(_) if !self.force => Err(self.is_there()),
            _ => Ok(()),
        }
    }

    fn persist(&self, file: NamedTempFile) -> Outcome {
        let persisted = match self.force {
            true => file.persist(&self.file),
            false => file.persist_noclobber(&self.file),
        };
        match persisted {
            Ok(_) => Ok(()),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                Err(self.is_there())
            }
            Err(error) => {
                let name = self.file.display();
                Err(Failure::io(
                    format_args!("cannot write {name}"),
                    &error.error,
                ))
            }
        }
    }

    fn is_there(&self) -> Failure {
        let name = self.file.display();
        Failure::new(format!("{name} is there already; replace it with --force"))
    }
}

/// Copies the events before `end`, as they may be shown where that is to `screen`.
fn copy(
    reader: &EventReader,
    end: u64,
    out: &mut impl Write,
    name: &str,
    screen: Option<Screen>,
) -> Outcome<(u64, Sum)> {
    let mut progress = Progress::new();
    let mut hash = XxHash64::with_seed(0);
    let (mut count, mut bytes) = (0_u64, 0);
    let mut events = reader.read_full()?;
    while let Some(event) = reading::next_before(&mut events, end) {
        let event = event?;
        let line = event.line();
        hash.write(line);
        hash.write(b"\n");
        let shown = screen.map_or(Cow::Borrowed(line), |screen| screen.line(line));
        out.write_all(&shown)
            .and_then(|()| out.write_all(b"\n"))
            .map_err(|error| Failure::io(format_args!("cannot write {name}"), &error))?;
        bytes += line.len() as u64 + 1;
        count += 1;
        // On the screen itself it would take the place of a line.
        if screen.is_none() && count.is_multiple_of(1024) {
            progress.show(count, Some(event.position() as f64 / end as f64));
        }
    }
    let hash = hash.finish();
    Ok((count, Sum { bytes, hash }))
}

fn sum_of(path: &Path, is_zstd: bool) -> io::Result<Sum> {
    let file = File::open(path)?;
    match is_zstd {
        true => Sum::of(zstd::Decoder::new(file)?),
        false => Sum::of(file),
    }
}

fn is_zstd(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "zst")
}
