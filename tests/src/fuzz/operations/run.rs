use eventfold_core::{
    Access, Appended, Durability, Error, Event, Fold, LineHash, Recovery, Scan, Storage, Writer,
};

use crate::Place;
use crate::faulty::{Failed, Fault, Faulty};
use crate::fuzz::choices::Choices;
use crate::places::Memory;
use crate::sim::codec::STORED;
use crate::sim::image::mix;
use crate::sim::run::{State, reduce};

/// An event that is in the log.
#[derive(Debug)]
pub(super) struct Known {
    event: Event<u64>,
    pub(super) position: u64,
    next_position: u64,
    hash: LineHash,
}

/// A log, what works on it, and the list of what is in it.
pub(super) struct Run {
    pub(super) place: Memory,
    pub(super) writer: Writer<Faulty<Memory>>,
    pub(super) known: Vec<Known>,
    /// A reader that goes on from where it is, whatever happens in between.
    scan: Scan<Memory>,
    /// How many of the known events it has read.
    scanned: usize,
    pub(super) fold: Fold<State>,
    pub(super) saved: Option<Fold<State>>,
    /// The number of the event made last, so that no two are the same.
    next: u64,
}

impl Default for Run {
    fn default() -> Self {
        let place = Memory::empty();
        Self {
            writer: open(whole(&place)).unwrap().0,
            known: Vec::new(),
            scan: Scan::new(place.store(), STORED, 0),
            scanned: 0,
            fold: start(),
            saved: None,
            next: 0,
            place,
        }
    }
}

/// A store that does what it is told.
pub(super) fn whole(place: &Memory) -> Faulty<Memory> {
    Faulty::new(place.store(), Fault::Once, usize::MAX, 0)
}

pub(super) fn open<S: Storage>(store: S) -> Result<(Writer<S>, Recovery), Error<S::Error>> {
    Writer::open(store, STORED, Access::Exclusive)
}

pub(super) fn start() -> Fold<State> {
    Fold::new((0, 0))
}

impl Run {
    pub(super) fn fresh(&mut self, choices: &mut Choices<'_>) -> Event<u64> {
        self.next += 1;
        let event = Event::at(self.next, "t", self.next);
        match choices.below(300) {
            0 => event,
            len => event.with_actor("x".repeat(len)),
        }
    }

    /// Where the log ends, and the hash of its last line.
    pub(super) fn end(&self) -> (u64, LineHash) {
        let last = self.known.last();
        last.map_or((0, LineHash::NONE), |last| (last.next_position, last.hash))
    }

    /// Adds events at the end of what is known.
    pub(super) fn know(&mut self, events: &[Event<u64>]) {
        for event in events {
            let line = serde_json::to_vec(event).unwrap();
            let (position, _) = self.end();
            self.known.push(Known {
                event: event.clone(),
                position,
                next_position: position + line.len() as u64 + 1,
                hash: LineHash::of(&line),
            });
        }
    }

    /// What an append of these events said.
    pub(super) fn learn(
        &mut self,
        events: &[Event<u64>],
        said: Result<Vec<Appended>, Error<Failed>>,
    ) {
        match said {
            Ok(appended) => {
                assert_eq!(appended.len(), events.len());
                let before = self.known.len();
                self.know(events);
                for (known, at) in self.known[before..].iter().zip(appended) {
                    let place = (known.position, known.next_position, known.hash);
                    assert_eq!(place, (at.position, at.next_position, at.hash));
                }
            }
            Err(error) => self.failed(&error, events),
        }
        assert_eq!(self.writer.end_position(), self.end().0);
        assert_eq!(self.writer.last_hash().unwrap(), self.end().1);
    }

    /// The store failed while these events were to be appended.
    pub(super) fn failed(&mut self, error: &Error<Failed>, events: &[Event<u64>]) {
        assert!(self.writer.store().met(), "{error}");
        match error {
            Error::DurabilityUnknown { .. } => {
                self.refuses();
                self.restart_with(events);
            }
            // Absent, whether the writer goes on or not.
            Error::Storage { .. } => match self.writer.sync() {
                Ok(()) => self.assert_all_read(),
                Err(Error::Poisoned { .. } | Error::DurabilityUnknown { .. }) => {
                    self.refuses();
                    self.read_on();
                    self.restart();
                }
                Err(error) => panic!("{error}"),
            },
            error => panic!("{error}"),
        }
    }

    /// The writer must refuse everything from now on, and write nothing.
    pub(super) fn refuses(&mut self) {
        let before = self.place.image();
        let event = Event::at(0, "refused", 0);
        let refused = self.writer.append(&event, Durability::Buffered);
        assert!(
            matches!(refused, Err(Error::Poisoned { .. })),
            "{refused:?}"
        );
        assert!(matches!(self.writer.rotate(), Err(Error::Poisoned { .. })));
        assert!(matches!(self.writer.sync(), Err(Error::Poisoned { .. })));
        assert!(self.place.image() == before, "a poisoned writer wrote");
    }

    /// Opens the log in another program, where nothing fails.
    pub(super) fn restart(&mut self) -> Recovery {
        self.restart_with(&[])
    }

    /// Where the first of these events may be in the log, or all, or none.
    pub(super) fn restart_with(&mut self, in_doubt: &[Event<u64>]) -> Recovery {
        let (writer, recovery) = open(whole(&self.place)).unwrap();
        self.writer = writer;
        for event in in_doubt {
            if self.end().0 < self.writer.end_position() {
                self.know(std::slice::from_ref(event));
            }
        }
        let (_, again) = open(self.place.store()).unwrap();
        assert!(again.is_clean(), "opening twice: {again:?}");
        self.assert_all_read();
        recovery
    }

    /// Plans a failure of one of the next calls that write, and maybe of all after it.
    pub(super) fn plan_failure(&mut self, choices: &mut Choices<'_>) {
        let store = self.writer.store_mut();
        store.at = store.calls + choices.below(8);
        store.part = choices.below(400);
        store.fault = match choices.flag() {
            true => Fault::FromThenOn,
            false => Fault::Once,
        };
    }

    fn assert_all_read(&mut self) {
        assert_eq!(self.writer.end_position(), self.end().0);
        self.assert_next(&mut Scan::new(self.place.store(), STORED, 0), 0);
        self.read_on();
    }

    /// The reader that goes on finds what came since, and nothing else.
    pub(super) fn read_on(&mut self) {
        let mut scan = std::mem::replace(&mut self.scan, Scan::new(self.place.store(), STORED, 0));
        self.assert_next(&mut scan, self.scanned);
        self.scan = scan;
        self.scanned = self.known.len();
    }

    /// The scan finds all known events but the first `from`.
    pub(super) fn assert_next(&self, scan: &mut Scan<Memory>, from: usize) {
        for known in &self.known[from..] {
            let record = scan
                .next_record::<u64>()
                .unwrap()
                .expect("an event is missing");
            assert_eq!(record.event, known.event);
            let place = (record.position, record.next_position, record.hash());
            assert_eq!(place, (known.position, known.next_position, known.hash));
        }
        let more = scan.next_record::<u64>().unwrap();
        assert!(more.is_none(), "nobody appended {more:?}");
    }

    /// The fold, further on over what came since.
    pub(super) fn refreshed(&self) -> Fold<State> {
        let further = self.fold.refreshed(self.place.store(), STORED, reduce);
        further.unwrap().unwrap_or_else(|| self.fold.clone())
    }

    /// What a fold over all that is known must be.
    pub(super) fn state(&self) -> State {
        let hashes = self.known.iter().map(|known| known.hash.0);
        (self.known.len() as u64, hashes.fold(0, mix))
    }
}
