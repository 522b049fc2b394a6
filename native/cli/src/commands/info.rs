mod page;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use clap::Args;
use eventfold::{EventReader, LockState, who_holds};
use serde_json::{Value, json};

use crate::disk::{Disk, Fsync};
use crate::failure::Outcome;
use crate::files::{ARCHIVE, LOG};
use crate::output::{self, Screen};
use crate::progress::Progress;
use crate::reading;
use crate::saved::unusable;

/// More types than this are counted together: what an import can make of a wrong field.
const MAX_TYPES: usize = 10_000;

/// Tell what is in a log: size, events, types, views, lock and disk.
///
/// Reads all of it, which takes a while for a large one.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  eventfold info todos
  eventfold info todos --json | jq .types")]
pub(crate) struct Info {
    /// The log's directory
    dir: PathBuf,
    /// As one JSON object, with up to 10,000 types
    #[arg(long)]
    json: bool,
}

impl Info {
    pub(crate) fn run(self) -> Outcome {
        reading::check_log(&self.dir)?;
        let reader = EventReader::new(&self.dir);
        let mut damage = reading::Damage::default();
        let facts = Facts::of(&reader, &mut damage)?;
        match self.json {
            true => output::json(&facts.json(&self.dir))?,
            false => {
                let screen = Screen::of_stdout();
                output::line(facts.text(&self.dir, &screen).trim_end())?;
            }
        }
        damage.outcome(&self.dir)
    }
}

struct Facts {
    events: u64,
    first: Option<u64>,
    last: Option<u64>,
    types: Vec<(String, u64)>,
    other_types: u64,
    end: u64,
    log_len: u64,
    archive_len: u64,
    views: Vec<View>,
    lock: LockState,
    disk: Option<Disk>,
}

struct View {
    name: String,
    /// Or why it cannot be used.
    saved: Result<Saved, String>,
}

struct Saved {
    position: u64,
    version: u32,
    events_behind: u64,
}

impl Facts {
    fn of(reader: &EventReader, damage: &mut reading::Damage) -> Outcome<Self> {
        let mut views = Vec::new();
        for name in reader.saved_views()? {
            let saved = match reader.saved_view(&name) {
                Ok(Ok(saved)) => Ok(Saved {
                    position: saved.position,
                    version: saved.version,
                    events_behind: 0,
                }),
                Ok(Err(why)) => Err(unusable(why)),
                Err(error) => Err(error.to_string()),
            };
            views.push(View { name, saved });
        }
        let mut facts = Self {
            events: 0,
            first: None,
            last: None,
            types: Vec::new(),
            other_types: 0,
            end: reading::end(reader)?,
            log_len: len(&reader.dir().join(LOG)),
            archive_len: len(&reader.dir().join(ARCHIVE)),
            views,
            lock: who_holds(reader.dir())?,
            disk: Disk::of(reader.dir()),
        };
        facts.count(reader, damage)?;
        Ok(facts)
    }

    fn count(&mut self, reader: &EventReader, damage: &mut reading::Damage) -> Outcome {
        let mut types: HashMap<String, u64> = HashMap::new();
        let mut progress = Progress::new();
        let mut events = reader.read_full()?;
        loop {
            let before = events.position();
            let event = match reading::next_before(&mut events, self.end) {
                None => break,
                Some(Ok(event)) => event,
                Some(Err(error)) => {
                    progress.clear();
                    damage.tell(error, events.position() == before)?;
                    continue;
                }
            };
            let ts = event.ts();
            self.events += 1;
            self.first = Some(self.first.map_or(ts, |first| first.min(ts)));
            self.last = Some(self.last.map_or(ts, |last| last.max(ts)));
            let has_room = types.len() < MAX_TYPES;
            match types.get_mut(event.event_type()) {
                Some(count) => *count += 1,
                None if has_room => {
                    types.insert(event.event_type().to_owned(), 1);
                }
                None => self.other_types += 1,
            }
            let position = event.position();
            for view in &mut self.views {
                if let Ok(saved) = &mut view.saved {
                    saved.events_behind += u64::from(saved.position <= position);
                }
            }
            if self.events.is_multiple_of(1024) {
                let share = position as f64 / self.end as f64;
                progress.show(self.events, Some(share));
            }
        }
        self.types = types.into_iter().collect();
        self.types
            .sort_unstable_by(|(a, m), (b, n)| n.cmp(m).then_with(|| a.cmp(b)));
        Ok(())
    }

    /// Bytes of history that are in the archive, before compression.
    fn archived(&self) -> u64 {
        self.end.saturating_sub(self.log_len)
    }

    fn json(&self, dir: &Path) -> Value {
        let views = self.views.iter().map(|view| match &view.saved {
            Ok(saved) => json!({
                "name": view.name,
                "position": saved.position,
                "version": saved.version,
                "events_behind": saved.events_behind,
                "bytes_behind": self.end.saturating_sub(saved.position),
            }),
            Err(why) => json!({ "name": view.name, "unusable": why }),
        });
        let holder = match &self.lock {
            LockState::Held(Some(holder)) => json!({
                "pid": holder.pid,
                "program": holder.program,
                "host": holder.host,
                "since": holder.since,
            }),
            _ => Value::Null,
        };
        json!({
            "dir": dir.to_string_lossy(),
            "events": self.events,
            "first_ts": self.first,
            "last_ts": self.last,
            "end_position": self.end,
            "log_bytes": self.log_len,
            "archive_bytes": self.archive_len,
            "archived_bytes": self.archived(),
            "types": self.types.iter().map(|(name, n)| json!({ "type": name, "events": n }))
                .collect::<Vec<_>>(),
            "events_of_other_types": self.other_types,
            "views": views.collect::<Vec<_>>(),
            "locked": self.lock != LockState::Free,
            "holder": holder,
            "file_system": self.disk.as_ref().map(|disk| json!({
                "name": disk.file_system,
                "mounted_on": disk.mounted_on,
                "fsync_survives_power_cut": match disk.fsync {
                    Fsync::Yes => Value::Bool(true),
                    Fsync::No => Value::Bool(false),
                    Fsync::Unknown => Value::Null,
                },
                "reason": disk.reason,
            })),
        })
    }
}

fn len(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |found| found.len())
}
