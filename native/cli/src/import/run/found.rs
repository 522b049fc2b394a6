//! What of a source is in the log already, whatever ended the run that appended it.

use eventfold::{Error, Event};
use serde_json::Value;

use super::{Data, Item, Run};
use crate::failure::{Failure, Outcome};

impl Run<'_> {
    /// The first event of the source that is not in the log from the record's position on.
    ///
    /// One that is missing where the log has blank lines of its length was there and damaged, and a
    /// repair left them. It is passed over: appended again, it and what follows would come twice or
    /// in another order.
    pub(super) fn first_missing(&mut self) -> Outcome<Option<Item>> {
        let mut position = self.record.position;
        let mut there = self.log.read_from(position)?.peekable();
        if let Some(Err(error)) = there.peek() {
            return Err(self.lost(error));
        }
        if self.record.is_done {
            return Ok(self.next_event()?.map(|(item, _)| item));
        }
        let mut passed_over = false;
        while let Some((item, event)) = self.next_event()? {
            let record = match there.peek() {
                None => return Ok(Some(item)),
                Some(Err(error)) => return Err(self.lost(error)),
                Some(Ok(record)) => record,
            };
            // What the log refuses is not in it.
            let Some(wanted) = parsed(&event) else {
                return Ok(Some(item));
            };
            if record.event == wanted {
                (position, passed_over) = (record.next_position, false);
                there.next();
                self.found += 1;
                self.record.events += 1;
                self.progress.show(self.found, self.source.share());
                continue;
            }
            let (blank, len) = (record.position - position, line_len(&event)?);
            if len <= blank {
                self.blank.push(item.number);
                (position, passed_over) = (position + len, true);
            } else if passed_over && blank > 0 {
                return Err(self.unclear(position));
            } else {
                return Ok(Some(item));
            }
        }
        match there.peek() {
            Some(Ok(record)) if passed_over && position < record.position => {
                Err(self.unclear(position))
            }
            _ => Ok(None),
        }
    }

    fn unclear(&self, position: u64) -> Failure {
        Failure::new(format!(
            "{}: there are blank lines at position {position}, as a repair leaves them, and it is not \
             clear which lines of {} were there: import it into a new log, or here once more with \
             --again",
            self.options.dir.display(),
            self.source.name,
        ))
    }

    fn lost(&self, error: &std::io::Error) -> Failure {
        match Error::of(error) {
            Some(Error::Beyond { .. } | Error::NotABoundary { .. }) => Failure::new(format!(
                "{} was imported up to a place that the log does not have ({error}): events are \
                 missing, or the log was made anew. Take the directory from a backup; into a log \
                 that was made anew, import from the first line with --again",
                self.source.name
            )),
            _ => Failure::waited(error, 0),
        }
    }
}

/// How long its line is, with its newline.
fn line_len(event: &Event<Data>) -> Outcome<u64> {
    let line = serde_json::to_vec(event).map_err(|error| Failure::new(error.to_string()))?;
    Ok(line.len() as u64 + 1)
}

/// As it will be read, if it can be.
fn parsed(event: &Event<Data>) -> Option<Event<Value>> {
    Some(Event {
        event_type: event.event_type.clone(),
        data: serde_json::from_str(event.data.get()).ok()?,
        ts: event.ts,
        id: event.id.clone(),
        actor: event.actor.clone(),
        meta: event.meta.clone(),
    })
}
