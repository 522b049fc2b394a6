//! The import of one source into a log: what is missing is found, appended and written down.

mod found;

use std::path::Path;
use std::time::{Duration, Instant};

use eventfold::{Error, Event, EventLog};
use serde_json::value::RawValue;

use super::{Item, Mapping, Mark, Record, Source};
use crate::failure::{Failure, Outcome};
use crate::output::{self, count, counted};
use crate::progress::Progress;
use crate::times;

/// How much is appended at once: one write and one sync.
const BATCH: usize = 1 << 20;
/// How much of a source a run that was killed has to be compared with the log, and how long an event
/// of a slow stream waits for the next ones.
const SAVE_EVERY: Duration = Duration::from_secs(1);

/// More lines that are passed over are counted only.
const NAMED: u64 = 10;

type Data = Box<RawValue>;

/// What the command line says of every source.
#[derive(Clone, Copy)]
pub(crate) struct Options<'a> {
    pub(crate) dir: &'a Path,
    pub(crate) mapping: &'a Mapping,
    pub(crate) skip_bad: bool,
    pub(crate) again: bool,
}

/// The import of one source.
pub(crate) struct Run<'a> {
    options: Options<'a>,
    source: Source,
    log: &'a mut EventLog,
    record: Record,
    progress: Progress,
    batch: Vec<(Item, Event<Data>)>,
    batch_len: usize,
    saved: Instant,
    /// Events that the log held before.
    found: u64,
    appended: u64,
    /// Where the log ended before.
    began_at: u64,
    bad: u64,
    /// Numbers of lines whose events were in the log, and are blank there since a repair.
    blank: Vec<u64>,
    /// Where a last line starts that may not be whole yet, and is left to the next run.
    unfinished: Option<Mark>,
}

impl<'a> Run<'a> {
    pub(crate) fn new(
        options: Options<'a>,
        source: Source,
        log: &'a mut EventLog,
    ) -> Outcome<Self> {
        let Options { dir, mapping, .. } = options;
        let began = times::now();
        let fresh = Record {
            source: source.key.clone(),
            mapping: mapping.clone(),
            bytes: 0,
            hash: source.mark().hash(),
            events: 0,
            position: log.end_position(),
            began,
            is_done: false,
        };
        let known = match options.again {
            true => None,
            false => Record::load(dir, &source.key)?,
        };
        if let Some(known) = &known
            && known.mapping != *mapping
        {
            return Err(Failure::new(format!(
                "{}: its import was begun with other fields ({}); give the same again, or import \
                 it from its first line once more with --again",
                source.name,
                known.mapping.options(),
            )));
        }
        let mut run = Self {
            options,
            source,
            began_at: log.end_position(),
            log,
            record: known.clone().unwrap_or(fresh),
            progress: Progress::new(),
            batch: Vec::new(),
            batch_len: 0,
            saved: Instant::now(),
            found: 0,
            appended: 0,
            bad: 0,
            blank: Vec::new(),
            unfinished: None,
        };
        if known.is_some() {
            run.pass_over_what_is_recorded()?;
        }
        Ok(run)
    }

    fn pass_over_what_is_recorded(&mut self) -> Outcome {
        let record = &self.record;
        let is_there = self.source.skip(record.bytes)?;
        if !is_there || self.source.mark().hash() != record.hash {
            let way_out = match self.source.is_stream {
                true => "pipe the same stream again to go on",
                false => "put it back to go on",
            };
            return Err(Failure::new(format!(
                "{} is not what it was when its first {} were imported; {way_out}, or import it \
                 from its first line with --again",
                self.source.name,
                counted(record.events, "event"),
            )));
        }
        self.found = record.events;
        Ok(())
    }

    /// Imports what is missing, and says how much that was.
    pub(crate) fn import(&mut self) -> Outcome {
        let done = self.append_missing();
        self.progress.clear();
        // Also before an error: so much is in the log.
        let said = self.say();
        done.and(said)?;
        self.tell_blank()?;
        // Before, it may have to be piped again.
        match self.source.is_stream {
            true => Record::remove(self.options.dir, &self.source.key),
            false => Ok(()),
        }
    }

    fn tell_blank(&self) -> Outcome {
        let (source, log) = (&self.source.name, self.options.dir.display());
        match self.blank.as_slice() {
            [] => Ok(()),
            [first, more @ ..] => Err(Failure::new(format!(
                "{source}: what was imported from line {first}{} was damaged in {log}, and is blank \
                 since a repair; it is not imported again, since it would come behind the rest",
                match more.len() as u64 {
                    0 => String::new(),
                    more => format!(" and {}", counted(more, "more line")),
                }
            ))),
        }
    }

    fn append_missing(&mut self) -> Outcome {
        let mut next = match self.first_missing()? {
            None => None,
            Some(item) => Some(self.begin_with(item)?),
        };
        while let Some((item, event)) = next {
            self.batch_len += item.bytes.len();
            self.batch.push((item, event));
            if self.batch_len >= BATCH || self.is_due() || self.source.pauses() {
                self.append()?;
            }
            next = match self.next_event() {
                Ok(next) => next,
                Err(failure) => {
                    self.append()?;
                    self.done()?;
                    return Err(failure);
                }
            };
        }
        self.append()?;
        let end = self.unfinished.as_ref();
        let end = end.unwrap_or_else(|| self.source.mark());
        self.record.advance(end, 0, self.log.end_position());
        self.done()
    }

    /// Writes down that what comes behind this in the log is none of the source's.
    fn done(&mut self) -> Outcome {
        self.record.is_done = true;
        self.record.save(self.options.dir)
    }

    /// Writes down where the import goes on, before anything is appended: else a run that came
    /// after it could append it again.
    fn begin_with(&mut self, item: Item) -> Outcome<(Item, Event<Data>)> {
        self.record.advance(&item.start, 0, self.log.end_position());
        self.record.began = times::now();
        self.record.is_done = false;
        self.record.save(self.options.dir)?;
        // With the time of this run, where it has none of its own.
        let event = self.event(&item).map_err(Failure::new)?;
        Ok((item, event))
    }

    /// The next line that is an event.
    fn next_event(&mut self) -> Outcome<Option<(Item, Event<Data>)>> {
        while let Some(item) = self.next_item()? {
            match self.event(&item) {
                Ok(event) => return Ok(Some((item, event))),
                Err(_) if self.options.skip_bad && !item.has_end && !self.source.is_stream => {
                    self.unfinished = Some(item.start);
                    return Ok(None);
                }
                Err(reason) => self.refuse(&item, &reason)?,
            }
        }
        Ok(None)
    }

    fn next_item(&mut self) -> Outcome<Option<Item>> {
        let next = self.source.next();
        if !self.source.is_compressed {
            return next;
        }
        // A stream's end alone tells that what was taken of it is as it was written.
        next.map_err(|failure| {
            let (log, position) = (self.options.dir.display(), self.began_at);
            failure.after(&format!(
                "the lines before are in the log from position {position} on, and may be altered. \
                 Get it whole and run this again, which goes on if they are not; else have the log \
                 without them: eventfold restore {log} NEW --at {position}"
            ))
        })
    }

    fn event(&self, item: &Item) -> Result<Event<Data>, String> {
        if item.is_too_long {
            return Err("it is longer than any event, 64 MiB".into());
        }
        let event = self.options.mapping.event(&item.bytes, self.record.began);
        event.map_err(|reason| match item.has_end {
            true => reason,
            false => {
                format!("{reason}; it is the last and has no newline: it may not be whole yet")
            }
        })
    }

    /// Ends the import at this line, or counts it.
    fn refuse(&mut self, item: &Item, reason: &str) -> Outcome {
        let start: String = String::from_utf8_lossy(&item.bytes)
            .trim_end()
            .chars()
            .take(60)
            .collect();
        let line = format!(
            "{}: line {}: {reason}\n  {}",
            self.source.name,
            item.number,
            output::safe_line(&start),
        );
        if self.options.skip_bad {
            self.bad += 1;
            if self.bad <= NAMED {
                self.progress.clear();
                output::note(&line);
            }
            return Ok(());
        }
        let way_out = match self.source.is_stream && self.source.is_compressed {
            true => {
                "it comes compressed through a pipe, and is not known to be whole before its end: \
                 import the file itself, or mend it and run this again"
            }
            false => "mend it and run this again, or pass over such lines with --skip-bad",
        };
        Err(Failure::new(format!("{line}\n{way_out}")))
    }

    fn append(&mut self) -> Outcome {
        let Some((last, _)) = self.batch.last() else {
            return Ok(());
        };
        match self
            .log
            .append_batch(self.batch.iter().map(|(_, event)| event))
        {
            Ok(_) => {
                let events = self.batch.len() as u64;
                self.record
                    .advance(&last.end, events, self.log.end_position());
                self.appended += events;
                self.batch.clear();
                self.batch_len = 0;
            }
            // Nothing of it was written. Which event it is, tells only each by itself.
            Err(error) if is_refused(&error) => self.append_each()?,
            Err(error) => return Err(Failure::waited(&error, 0).of_import(&error)),
        }
        if self.is_due() {
            self.saved = Instant::now();
            self.record.save(self.options.dir)?;
        }
        let done = self.found + self.appended;
        self.progress.show(done, self.source.share());
        Ok(())
    }

    fn is_due(&self) -> bool {
        self.saved.elapsed() >= SAVE_EVERY
    }

    fn append_each(&mut self) -> Outcome {
        self.batch_len = 0;
        for (item, event) in std::mem::take(&mut self.batch) {
            let events = match self.log.append(&event) {
                Ok(_) => 1,
                Err(error) if is_refused(&error) => {
                    self.refuse(&item, &error.to_string())?;
                    0
                }
                Err(error) => return Err(Failure::waited(&error, 0).of_import(&error)),
            };
            self.appended += events;
            self.record
                .advance(&item.end, events, self.log.end_position());
            if events == 0 {
                // No event of the log will be the same as it.
                self.record.save(self.options.dir)?;
            }
        }
        Ok(())
    }

    fn say(&self) -> Outcome {
        let mut text = format!(
            "{}: imported {}",
            self.source.name,
            counted(self.appended, "event")
        );
        if self.found > 0 {
            let found = counted(self.found, "event");
            text.push_str(&format!(", {found} in the log before"));
        }
        if self.bad > 0 {
            let bad = counted(self.bad, "bad line");
            text.push_str(&format!(", passed over {bad}"));
            if self.bad > NAMED {
                output::note(&format!("and {} more", count(self.bad - NAMED)));
            }
        }
        if self.unfinished.is_some() {
            text.push_str(", left its last line, which has no end yet");
        }
        let done = "what was imported is in the log: run it again to go on";
        output::line(&output::safe(&text)).map_err(|failure| failure.after(done))
    }
}

fn is_refused(error: &std::io::Error) -> bool {
    matches!(
        Error::of(error),
        Some(Error::Unreadable { .. } | Error::TooLarge { .. })
    )
}
