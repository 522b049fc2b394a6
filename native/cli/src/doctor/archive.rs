//! Whether any zstd tool reads from the archive what eventfold does.

use std::fs::{self, File};
use std::io::{self, Read};

use eventfold::{EventReader, Recovery};

use super::{Kind, Report};
use crate::failure::{Failure, Outcome};
use crate::files::{ARCHIVE, LOG};
use crate::output::count;

impl Report {
    /// `end` is where history ends, a fragment included, where nobody writes.
    pub(super) fn archive(
        &mut self,
        reader: &EventReader,
        end: Option<u64>,
        recovery: &Recovery,
    ) -> Outcome {
        let path = reader.dir().join(ARCHIVE);
        let cannot = |error| Failure::io(format_args!("cannot read {}", path.display()), &error);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(cannot(error)),
        };
        // A rotation that is under way looks like damage.
        let Some(end) = end else { return Ok(()) };
        let log = fs::metadata(reader.dir().join(LOG)).map_or(0, |found| found.len());
        let archived = end.saturating_sub(log);
        if archived == 0 && file.metadata().is_ok_and(|found| found.len() == 0) {
            self.add(
                Kind::Remark,
                "archive.jsonl.zst: it is empty",
                "a rotation that was taken back leaves it so, and nothing is missing then; zstd calls \
                 an empty file an unexpected end",
            );
            return Ok(());
        }
        let dir = reader.dir().display();
        let (bytes, ended) = content(file).map_err(cannot)?;
        if bytes < archived {
            let why = ended.map_or_else(String::new, |error| format!(": {error}"));
            self.damage(
                Kind::Damage,
                format!(
                    "archive.jsonl.zst: zstd reads {} of {} bytes of history{why}",
                    count(bytes),
                    count(archived)
                ),
                format!(
                    "other tools cannot read it to its end; what eventfold itself cannot read of \
                     it is named above. Take it from a backup, or save what can be read: \
                     eventfold cat {dir} > FILE"
                ),
            );
        } else if recovery.is_clean() && (bytes > archived || ended.is_some()) {
            let why = ended.map_or_else(
                || format!("{} bytes more than history has", count(bytes - archived)),
                |error| error.to_string(),
            );
            self.damage(
                Kind::Damage,
                format!("archive.jsonl.zst: zstd does not end where it does: {why}"),
                format!(
                    "eventfold reads all of it, and other tools do not. Take it from a backup, or \
                     save all events: eventfold export {dir} FILE"
                ),
            );
        }
        Ok(())
    }
}

/// How many bytes zstd makes of the file, and what stopped it before its end.
fn content(file: File) -> io::Result<(u64, Option<io::Error>)> {
    let mut decoder = zstd::Decoder::new(file)?;
    let (mut bytes, mut chunk) = (0, vec![0; 256 << 10]);
    loop {
        match decoder.read(&mut chunk) {
            Ok(0) => return Ok((bytes, None)),
            Ok(n) => bytes += n as u64,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Ok((bytes, Some(error))),
        }
    }
}
