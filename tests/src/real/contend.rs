//! One of several processes that want the lock: opens again and again, and with the lock appends
//! the number after the last one. It lets go, dies, or replaces the log under its own hands.
//!
//! | says | |
//! |---|---|
//! | `refused SINCE PID` | an open begun at this time (nanoseconds since 1970) was refused, and named this holder (`-`: none) |
//! | `opened` | it has the lock |
//! | `appended NUMBER POSITION BY` | BY is another one at each try |
//! | `replaced`, `removed` | it did that to the log, and was refused the next append |
//! | `restored` | it put back a log that another one had moved away when it was killed |
//! | `dies` | it ends now, with the lock |

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use eventfold::{Durability, Error, Event, EventReader, EventWriter};
use serde_json::json;

use super::say;
use crate::sim::random::Random;

/// Where a log lies while its holder has moved it away.
pub fn aside(dir: &Path) -> PathBuf {
    dir.join("aside")
}

/// What is appended under this number by this try of a process.
pub fn event(number: u64, by: &str) -> Event {
    Event::at(number, "held", json!({ "by": by }))
}

/// Nanoseconds since 1970.
pub fn now() -> u128 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_nanos()
}

/// Where the numbers come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbers {
    /// The log itself: each is the one after the last.
    Log,
    /// The length of a file beside the log's directory, so that others may move the log away.
    Counter,
}

/// Opens and holds until it dies or is killed.
///
/// # Errors
/// A refusal that is not as it should be, and whatever else went wrong.
pub fn contend(dir: &Path, seed: u64, numbers: Numbers) -> io::Result<()> {
    let mut contender = Contender {
        dir,
        log: dir.join("app.jsonl"),
        random: Random(seed),
        reader: EventReader::new(dir),
        next: 0,
        position: 0,
        tries: 0,
    };
    loop {
        let since = now();
        match EventWriter::open(dir) {
            Ok(writer) => {
                say("opened")?;
                match numbers {
                    Numbers::Log => contender.hold(writer)?,
                    Numbers::Counter => contender.count(writer)?,
                }
            }
            Err(error) => match holder(&error, &contender.log) {
                Ok(holder) => say(format_args!("refused {since} {holder}"))?,
                Err(_) if moved_away(&error, numbers) => {}
                Err(reason) => return Err(io::Error::other(format!("{reason}: {error:?}"))),
            },
        }
        contender.pause();
    }
}

/// An open gives up when others move the log away again and again, or under its first sync.
fn moved_away(error: &io::Error, numbers: Numbers) -> bool {
    numbers == Numbers::Counter && error.to_string().contains("was replaced or removed")
}

/// The holder that a refused open names, `-` where it names none.
fn holder(error: &io::Error, log: &Path) -> Result<String, &'static str> {
    if error.kind() != io::ErrorKind::AlreadyExists {
        return Err("not the kind of a lock that is held");
    }
    let Some(Error::Locked { path, holder }) = Error::of(error) else {
        return Err("not the error of a lock that is held");
    };
    let message = error.to_string();
    let place = format!("another writer holds the lock on {}", log.display());
    if path != log || !message.contains(&place) {
        return Err("names another place");
    }
    match holder {
        None => Ok(String::from("-")),
        Some(holder) if holder.pid == 0 => Err("names no process"),
        Some(holder) if !message.contains(&format!("pid {})", holder.pid)) => {
            Err("does not say who")
        }
        Some(holder) => Ok(holder.pid.to_string()),
    }
}

struct Contender<'d> {
    dir: &'d Path,
    log: PathBuf,
    random: Random,
    reader: EventReader,
    /// The number after the last that was read.
    next: u64,
    position: u64,
    tries: u64,
}

impl Contender<'_> {
    /// The name of the next try.
    fn by(&mut self) -> String {
        self.tries += 1;
        format!("{}.{}", process::id(), self.tries)
    }

    fn pause(&mut self) {
        let micros = self.random.below(400) as u64;
        thread::sleep(Duration::from_micros(micros));
    }

    fn hold(&mut self, mut writer: EventWriter) -> io::Result<()> {
        let aside = aside(self.dir);
        if aside.exists() {
            // Its owner was killed. What this writer made in its place is empty.
            fs::rename(aside, &self.log)?;
            return say("restored");
        }
        self.read_on()?;
        for _ in 0..1 + self.random.below(3) {
            self.append(&mut writer)?;
        }
        match self.random.below(30) {
            0 => {
                say("dies")?;
                process::abort();
            }
            1 => {
                writer.append(&event(self.next, &self.by()))?;
                say("dies")?;
                process::abort();
            }
            2 => {
                let copy = self.dir.join(format!("copy.{}", process::id()));
                fs::copy(&self.log, &copy)?;
                fs::rename(&copy, &self.log)?;
                self.is_kept_out(&mut writer)?;
                say("replaced")
            }
            3 => {
                fs::rename(&self.log, &aside)?;
                self.is_kept_out(&mut writer)?;
                fs::rename(&aside, &self.log)?;
                say("removed")
            }
            4 => writer.rotate().map(drop),
            _ => Ok(()),
        }
    }

    /// Appends the next number, and says so.
    fn append(&mut self, writer: &mut EventWriter) -> io::Result<()> {
        let durability = match self.random.one_in(2) {
            true => Durability::Synced,
            false => Durability::Buffered,
        };
        let by = self.by();
        let appended = writer.append_with(&event(self.next, &by), durability)?;
        let (number, position) = (self.next, appended.position);
        say(format_args!("appended {number} {position} {by}"))?;
        (self.next, self.position) = (self.next + 1, appended.next_position);
        Ok(())
    }

    /// Reads the numbers that others appended since.
    fn read_on(&mut self) -> io::Result<()> {
        for record in self.reader.read_from(self.position)? {
            let record = record?;
            if record.event.ts != self.next {
                let (next, found) = (self.next, record.event.ts);
                return Err(io::Error::other(format!("{found} instead of {next}")));
            }
            (self.next, self.position) = (self.next + 1, record.next_position);
        }
        Ok(())
    }

    /// With the log gone from under it, this writer acknowledges nothing, and still nobody else
    /// gets in.
    fn is_kept_out(&mut self, writer: &mut EventWriter) -> io::Result<()> {
        self.pause();
        let refused = match EventWriter::open(self.dir) {
            Ok(_) => Err("got in"),
            Err(error) => holder(&error, &self.log),
        };
        refused.map_err(|reason| io::Error::other(format!("a second writer {reason}")))?;
        match writer.append(&event(self.next, &self.by())) {
            Ok(_) => Err(io::Error::other("an append to a log that is gone succeeds")),
            Err(error) => match Error::of(&error) {
                Some(Error::DurabilityUnknown { .. }) => Ok(()),
                _ => Err(error),
            },
        }
    }

    /// Appends the number that the counter holds, and counts it.
    fn count(&mut self, mut writer: EventWriter) -> io::Result<()> {
        let counter = self.dir.with_extension("counter");
        let number = fs::metadata(&counter).map_or(0, |counter| counter.len());
        let by = self.by();
        match writer.append(&event(number, &by)) {
            Ok(appended) => {
                let mut counter = fs::OpenOptions::new()
                    .create(true)
                    .append(true)
                    .open(counter)?;
                io::Write::write_all(&mut counter, b".")?;
                say(format_args!("appended {number} {} {by}", appended.position))?;
            }
            Err(error) => match Error::of(&error) {
                Some(Error::DurabilityUnknown { .. }) => say("removed")?,
                _ => return Err(error),
            },
        }
        if self.random.one_in(30) {
            say("dies")?;
            process::abort();
        }
        Ok(())
    }
}
