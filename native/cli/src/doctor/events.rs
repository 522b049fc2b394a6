//! Every event is read and parsed, and with it every seal and block of the archive.

use std::io;

use eventfold::{Error, EventReader, InterruptedRotation, LockState, Recovery};

use super::{Kind, Report};
use crate::failure::Outcome;
use crate::files::{ARCHIVE, LOG};
use crate::progress::Progress;

impl Report {
    pub(super) fn read(&mut self, reader: &EventReader, lock: &LockState) -> Outcome {
        let is_written = *lock != LockState::Free;
        let end = match reader.read_last(0) {
            Ok(end) => end.position(),
            Err(error) => return self.unreadable(reader, error, true),
        };
        let Some(read_to) = self.read_to(reader, end)? else {
            return Ok(());
        };
        if is_written {
            self.under_way = reader.lag(read_to).is_ok_and(|rest| rest > 0);
            return self.archive(reader, None, &Recovery::default());
        }
        let rest = match reader.lag(read_to) {
            Ok(rest) => rest,
            Err(error) => return self.unreadable(reader, error, true),
        };
        match reader.pending_recovery() {
            Ok(recovery) => {
                self.unfinished(&recovery, read_to);
                self.archive(reader, Some(read_to + rest), &recovery)
            }
            // What it stumbles over was named by reading.
            Err(error) if matches!(Error::of(&error), Some(Error::Corrupt { .. })) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// What a crash left, which a writer puts right as it opens the log.
    fn unfinished(&mut self, recovery: &Recovery, read_to: u64) {
        let mut add = |what: String, meaning: &str| self.add(Kind::Unfinished, what, meaning);
        let (log, archive) = (recovery.torn_log_bytes, recovery.torn_archive_bytes);
        if log > 0 {
            add(
                format!("app.jsonl: {log} bytes of an unfinished line at position {read_to}"),
                "an append was not finished, and not acknowledged; the next writer cuts it off and \
                 keeps it in torn.bin",
            );
        }
        if recovery.completed_line {
            add(
                "app.jsonl: the last event has no newline".to_owned(),
                "nothing is lost: the next writer ends its line",
            );
        }
        if archive > 0 {
            add(
                format!("archive.jsonl.zst: {archive} bytes at its end are no whole frame"),
                "a crash came into a rotation, and app.jsonl begins with what these bytes were to \
                 hold; where it does not, the archive was cut or damaged, and events are lost: \
                 take the directory from a backup then. The next writer cuts the bytes off and \
                 keeps them in torn.bin",
            );
        }
        match recovery.rotation {
            None => {}
            Some(InterruptedRotation::Kept) => self.add(
                Kind::Lost,
                "archive.jsonl.zst: a rotation has no end, and app.jsonl is not what it was to move",
                "no crash leaves it so: the archive was cut, or its end is damaged. Events between \
                 it and app.jsonl are lost, and the positions of those in app.jsonl are lower than \
                 they were. Take the directory from a backup; a writer that opens this one goes on \
                 with what is left",
            ),
            Some(_) => self.add(
                Kind::Unfinished,
                "archive.jsonl.zst: a rotation was not finished",
                "nothing is lost: the next writer finishes it or takes it back",
            ),
        }
        let adopted = recovery.adopted_bytes;
        if adopted > 0 {
            self.add(
                Kind::Remark,
                format!("archive.jsonl.zst: another program archived {adopted} bytes of history"),
                "the next writer makes an index of them; until then reading them takes longer",
            );
        }
    }

    /// Reads to `end`, and says how far that was; `None` when what lies there hides the rest.
    fn read_to(&mut self, reader: &EventReader, end: u64) -> Outcome<Option<u64>> {
        let (mut latest, mut back, mut first_back) = (0, 0, 0);
        let mut progress = Progress::new();
        let mut events = reader.read_full()?;
        let mut hidden = false;
        while events.position() < end {
            let before = events.position();
            match events.next() {
                None => break,
                Some(Ok(record)) => {
                    self.events += 1;
                    if record.event.ts < latest {
                        if back == 0 {
                            first_back = record.position;
                        }
                        back += 1;
                    }
                    latest = latest.max(record.event.ts);
                    if self.events.is_multiple_of(1024) {
                        let share = record.position as f64 / end as f64;
                        progress.show(self.events, Some(share));
                    }
                }
                Some(Err(error)) => {
                    progress.clear();
                    hidden = events.position() == before;
                    self.unreadable(reader, error, hidden)?;
                    if hidden {
                        break;
                    }
                }
            }
        }
        progress.clear();
        self.clock(back, first_back);
        Ok((!hidden).then(|| events.position()))
    }

    /// `hides_rest`: nobody can say where the events behind it begin.
    ///
    /// # Errors
    /// What is no damage.
    fn unreadable(&mut self, reader: &EventReader, error: io::Error, hides_rest: bool) -> Outcome {
        let dir = reader.dir().display();
        let (kind, meaning) = match Error::of(&error) {
            Some(Error::Corrupt { path, offset, .. }) if path.ends_with(LOG) => (
                Kind::Line(*offset),
                "it is no event; reading passes it, a view stops at it. A repair puts blank lines \
                 in its place, so that no position changes"
                    .to_owned(),
            ),
            Some(Error::Corrupt { .. }) if hides_rest => (
                Kind::Damage,
                format!(
                    "nobody can say where the events behind it begin: reading ends before it, and no \
                     writer opens the log. Take the directory from a backup; or begin another one \
                     with what is left, which zstd -dc {dir}/{ARCHIVE} prints up to the damage, and \
                     which lies in {dir}/{LOG}: eventfold import takes both"
                ),
            ),
            Some(Error::Corrupt { .. }) => (
                Kind::Damage,
                format!(
                    "what lies there is lost; reading passes it, a view stops at it. Take the \
                     directory from a backup, or save what can be read: eventfold cat {dir} > FILE"
                ),
            ),
            _ => return Err(error.into()),
        };
        self.damage(kind, error.to_string(), meaning);
        Ok(())
    }
}
