//! What can be said of each event, by what its program was told.

use std::fmt;
use std::rc::Rc;

use eventfold_core::{Appended, Event, LineHash};

/// An event that a script tried to append, and between which of the disk's operations what can
/// be said of it.
#[derive(Debug, Clone)]
pub struct Known {
    pub position: u64,
    pub line: Rc<[u8]>,
    pub hash: LineHash,
    /// From here on it may be in the log.
    pub begun: usize,
    /// From here on it must be.
    pub durable: usize,
    /// From here on it must not be.
    pub gone: usize,
    /// Whether it is in the log as the disk shows it; `None` where that cannot be said.
    shown: Option<bool>,
}

impl Known {
    /// What a power cut left, and is there for good.
    pub fn left(position: u64, line: &[u8]) -> Self {
        Self {
            position,
            line: line.into(),
            hash: LineHash::of(line),
            begun: 0,
            durable: 0,
            gone: usize::MAX,
            shown: Some(true),
        }
    }

    /// Where the next line starts.
    pub fn next(&self) -> u64 {
        self.position + self.line.len() as u64 + 1
    }

    fn is_pending(&self) -> bool {
        self.durable == usize::MAX && self.gone == usize::MAX
    }

    fn is_shown(&self) -> bool {
        self.shown == Some(true)
    }
}

/// As a replay tells it.
impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let begins = String::from_utf8_lossy(&self.line[..self.line.len().min(60)]);
        let (position, begun) = (self.position, self.begun);
        write!(f, "{begins} at {position}, from operation {begun}")?;
        if self.durable < usize::MAX {
            write!(f, ", durable from {}", self.durable)?;
        }
        if self.gone < usize::MAX {
            write!(f, ", gone from {}", self.gone)?;
        }
        Ok(())
    }
}

/// All events of a script, in the order in which it tried to append them.
#[derive(Debug, Clone, Default)]
pub struct Ledger(pub Vec<Known>);

impl Ledger {
    /// Events are about to be appended at `position`. Returns the number of the first.
    pub fn begin(&mut self, position: u64, events: &[Event<u64>], now: usize) -> usize {
        let (first, mut position) = (self.0.len(), position);
        for event in events {
            let line: Rc<[u8]> = serde_json::to_vec(event).unwrap().into();
            let known = Known {
                position,
                hash: LineHash::of(&line),
                line,
                begun: now,
                durable: usize::MAX,
                gone: usize::MAX,
                shown: Some(false),
            };
            position = known.next();
            self.0.push(known);
        }
        first
    }

    /// The events from the `first` on are in the log.
    pub fn acknowledge(&mut self, first: usize, appended: &[Appended]) {
        for (known, at) in self.0[first..].iter_mut().zip(appended) {
            assert_eq!(known.position, at.position, "an event stands elsewhere");
            assert_eq!(known.hash, at.hash);
            known.shown = Some(true);
        }
    }

    /// The events from the `first` on are not in the log.
    pub fn refuse(&mut self, first: usize, now: usize) {
        for known in &mut self.0[first..] {
            known.gone = now;
        }
    }

    /// Everything the log shows is durable, and what it does not show cannot come back.
    pub fn settle(&mut self, now: usize) {
        for known in &mut self.0 {
            assert!(known.shown.is_some(), "a log in doubt was not opened again");
            if known.is_shown() {
                known.durable = known.durable.min(now);
            } else {
                known.gone = known.gone.min(now);
            }
        }
    }

    /// What is not durable may be there or not, and stands at `position` or further on.
    pub fn doubt(&mut self, position: u64) {
        for known in self.0.iter_mut().filter(|known| known.is_pending()) {
            assert!(known.position >= position, "in doubt too: {known}");
            known.shown = None;
        }
    }

    /// Compares with the lines that the log shows, by position and hash, and so ends all doubt.
    pub fn look(&mut self, there: &[(u64, LineHash)]) {
        for known in self.0.iter_mut().filter(|known| known.gone == usize::MAX) {
            let shown = there.contains(&(known.position, known.hash));
            let (position, line) = (known.position, String::from_utf8_lossy(&known.line));
            match known.shown {
                Some(true) => assert!(shown, "lost without a power cut: {line} at {position}"),
                Some(false) => assert!(!shown, "it failed and is there: {line} at {position}"),
                None => {}
            }
            known.shown = Some(shown);
        }
        for (position, hash) in there {
            let is = |known: &Known| {
                known.is_shown() && known.position == *position && known.hash == *hash
            };
            assert!(
                self.0.iter().any(is),
                "nobody appended what is at position {position}, or it was refused"
            );
        }
    }

    /// A reader that had read up to `before` was given this line.
    pub fn check_read(&self, before: u64, position: u64, line: &[u8]) {
        assert!(position >= before, "read twice: position {before}");
        let may_be_read = |known: &&Known| {
            let in_doubt = known.shown != Some(true) && known.gone == usize::MAX;
            (known.is_shown() || in_doubt) && known.position == position && *known.line == *line
        };
        assert!(
            self.0.iter().any(|known| may_be_read(&known)),
            "read what nobody appended at position {position}"
        );
        let skipped = before..position;
        let is = |known: &Known| known.is_shown() && skipped.contains(&known.position);
        assert!(!self.0.iter().any(is), "skipped one of {skipped:?}");
    }

    /// The hash of the event that ends at `end`, if one does.
    pub fn last_hash(&self, end: u64) -> Option<LineHash> {
        let ends = |known: &&Known| known.is_shown() && known.next() == end;
        self.0.iter().find(ends).map(|known| known.hash)
    }
}
