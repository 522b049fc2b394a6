//! What lies beside the events and says up to which position it knows them.

use std::fs;
use std::io;
use std::path::Path;

use eventfold::{EventReader, NoSnapshot};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Kind, Report};
use crate::failure::{Failure, Outcome};
use crate::import::Record;
use crate::saved::{end_before, file_of, unusable};

impl Report {
    pub(super) fn snapshots(&mut self, reader: &EventReader) -> Outcome {
        // A view stops at it, and is not folded anew.
        let is_damaged = self.count(Kind::is_damage) > 0;
        for name in reader.saved_views()? {
            let path = file_of(&name);
            let shown = path.display();
            let saved = match reader.saved_view(&name) {
                Ok(saved) => saved,
                Err(error) => {
                    let meaning = "no event is lost, but a program that keeps this view cannot \
                                   open the log: make the file readable, or move it away";
                    self.add(Kind::Damage, error.to_string(), meaning);
                    continue;
                }
            };
            match saved {
                Ok(_) | Err(NoSnapshot::Missing) => {}
                Err(NoSnapshot::Ahead { position, end }) => self.add(
                    Kind::Damage,
                    format!("{shown} was folded up to position {position}; the log ends at {end}"),
                    "events are missing, or the snapshot is another log's; take the directory from \
                     a backup. The state is still in this file, until its program saves the view \
                     anew: keep a copy first",
                ),
                Err(why) if is_damaged && holds_state(&reader.dir().join(&path)) => self.add(
                    Kind::Damage,
                    format!("{shown}: {}", unusable(why)),
                    "events are damaged, so that its view cannot be folded anew; take the directory \
                     from a backup. The state in this file can be what they made: keep a copy",
                ),
                Err(why) => {
                    let what = format!("{shown}: {}", unusable(why));
                    let meaning = "no event is lost: its view is folded from the first event, and \
                                   saved anew when its program refreshes it";
                    self.add(Kind::Rebuilt(path), what, meaning);
                }
            }
        }
        Ok(())
    }

    pub(super) fn imports(&mut self, reader: &EventReader) -> Outcome {
        let imports = reader.dir().join("imports");
        let cannot = |error| Failure::io(format_args!("cannot read {}", imports.display()), &error);
        let files = match fs::read_dir(&imports) {
            Ok(files) => files,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(cannot(error)),
        };
        for file in files {
            let name = file.map_err(cannot)?.file_name();
            let path = imports.join(&name);
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let shown = format!("imports/{}", name.display());
            match Record::read(&path) {
                Ok(record) => {
                    let position = record.position;
                    if let Some(end) = end_before(reader, position)? {
                        self.add(
                            Kind::Damage,
                            format!(
                                "{shown}: {} was imported up to position {position}; the log ends \
                                 at {end}",
                                record.source
                            ),
                            "events are missing, or the log was made anew. Take the directory from \
                             a backup",
                        );
                    }
                }
                // An import from a stream came to its end meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => self.add(
                    Kind::Damage,
                    format!("{shown}: this record of an import cannot be read ({error})"),
                    "no event is lost, but it is not known any more how far its source was \
                     imported: take the file from a backup, or import the source from its first \
                     line once more with --again",
                ),
            }
        }
        Ok(())
    }
}

/// Whether a state lies there, believed or not.
fn holds_state(path: &Path) -> bool {
    #[derive(Deserialize)]
    struct Saved {
        #[serde(rename = "state")]
        _state: IgnoredAny,
    }
    fs::read(path).is_ok_and(|text| serde_json::from_slice::<Saved>(&text).is_ok())
}
