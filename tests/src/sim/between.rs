//! Readers that see the operations of a script happen between their own.
//!
//! A reader asks several questions for one answer: how long the archive is, how long the log is,
//! what stands there. Here any of a writer's operations fall between any two of them.

use std::cell::{Cell, RefCell};

use eventfold_core::{Scan, Slot, Source};

use super::check::Found;
use super::codec::STORED;
use super::image::Image;
use super::known::Known;
use super::op::Op;
use super::run::Run;
use super::script::Script;
use crate::faulty::Failed;

/// A disk on which a writer's operations happen while it is read.
struct Moving<'j> {
    shown: RefCell<Image>,
    rest: Cell<&'j [Op]>,
    /// Reading calls until operations happen, and how many of them do.
    wait: Cell<usize>,
    then: Cell<usize>,
    /// Whether the reader made fewer calls than that.
    late: Cell<bool>,
}

impl Moving<'_> {
    fn go_on(&self, ops: usize) {
        let (now, rest) = self.rest.get().split_at(ops.min(self.rest.get().len()));
        for op in now {
            op.apply(&mut self.shown.borrow_mut());
        }
        self.rest.set(rest);
    }

    fn called(&self) {
        match self.wait.get() {
            0 => self.go_on(self.then.take()),
            wait => self.wait.set(wait - 1),
        }
    }
}

impl Source for Moving<'_> {
    type Error = Failed;

    fn len(&self, slot: Slot<'_>) -> Result<u64, Failed> {
        self.called();
        self.shown.borrow().len(slot)
    }

    fn read_at(&self, slot: Slot<'_>, offset: u64, buf: &mut [u8]) -> Result<usize, Failed> {
        self.called();
        self.shown.borrow().read_at(slot, offset, buf)
    }
}

/// Reads a script's log from each of its operations on, with up to `most` further ones at each of
/// the reader's calls, and then to its end: each event is seen once, in its place, and no error.
/// Returns how many readings there were.
///
/// The script must not kill: what a recovery cuts is no history.
pub fn read_between(script: &Script, most: usize) -> usize {
    let run = Run::of(script);
    let all: Vec<Found> = run.ledger.0.iter().map(found).collect();
    run.disk.history(|base, journal| {
        let mut shown = base.clone();
        let mut readings = 0;
        for at in 0..=journal.len() {
            // A reader from the start, and one that goes on near the end.
            let there = run.ledger.0.iter().filter(|known| known.begun < at).count();
            for from in [0, there.saturating_sub(1)] {
                for then in 1..=most.min(journal.len() - at) {
                    for wait in 0.. {
                        let moving = Moving {
                            shown: RefCell::new(shown.clone()),
                            rest: Cell::new(&journal[at..]),
                            wait: Cell::new(wait),
                            then: Cell::new(then),
                            late: Cell::new(false),
                        };
                        let context =
                            format_args!("{script}: operation {at}, {then} at call {wait}");
                        assert_eq!(read_to_end(&moving, &all[from..]), all[from..], "{context}");
                        readings += 1;
                        // No call is left to wait for.
                        if moving.late.get() {
                            break;
                        }
                    }
                }
            }
            if let Some(op) = journal.get(at) {
                op.apply(&mut shown);
            }
        }
        readings
    })
}

fn found(known: &Known) -> Found {
    Found {
        position: known.position,
        hash: known.hash,
    }
}

/// Reads what there is, lets the writer end its script, and reads on.
fn read_to_end(moving: &Moving<'_>, expected: &[Found]) -> Vec<Found> {
    let from = expected.first().map_or(0, |first| first.position);
    let mut scan = Scan::new(moving, STORED, from);
    let mut read = Vec::new();
    for ended in [false, true] {
        loop {
            match scan.next_line() {
                Ok(Some(line)) => read.push(Found {
                    position: line.position,
                    hash: line.hash(),
                }),
                Ok(None) => break,
                Err(error) => {
                    eprintln!("a reader failed: {error}");
                    return read;
                }
            }
        }
        if !ended {
            moving.late.set(moving.then.get() > 0);
            moving.then.set(0);
            moving.go_on(usize::MAX);
        }
    }
    read
}
