//! A disk that writes down what was done to it, and can be told to fail.

use std::cell::RefCell;
use std::rc::Rc;

use eventfold_core::{Slot, Source, Storage};

use super::image::{Image, index};
use super::op::Op;
use crate::faulty::Failed;

/// What a failing call does to the disk before it says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Harm {
    /// Nothing. Of a sync: what it was about may still become durable.
    Refuse,
    /// The first bytes of an append, at most this many and never all.
    Part(usize),
    /// Everything asked for, except of a sync.
    Done,
    /// Of a sync: what it was about is shown until the next power cut, and never durable. What
    /// was appended before the log was opened is spared: there is no remedy for that.
    GiveUp,
}

/// Calls that will fail, counted from now.
#[derive(Debug, Clone, Copy, Default)]
pub struct Plan {
    /// How many writing calls still succeed, and what the one after does.
    pub writes: Option<(usize, Harm)>,
    /// How many reading calls still succeed; the one after fails.
    pub reads: Option<usize>,
    /// Whether every later call of the kind fails too.
    pub for_good: bool,
}

/// A simulated disk. Clones are stores over the same disk.
#[derive(Debug, Clone, Default)]
pub struct Disk(Rc<RefCell<State>>);

#[derive(Debug, Default)]
struct State {
    base: Image,
    shown: Image,
    journal: Vec<Op>,
    plan: Plan,
    /// How many operations were done when the log was opened.
    opened: usize,
    /// How many calls failed.
    failed: usize,
    reads: usize,
}

impl Disk {
    /// A disk that holds this, durably.
    pub fn holding(image: Image) -> Self {
        let state = State {
            shown: image.clone(),
            base: image,
            ..State::default()
        };
        Self(Rc::new(RefCell::new(state)))
    }

    /// How many operations were done so far.
    pub fn operations(&self) -> usize {
        self.0.borrow().journal.len()
    }

    /// What the disk held at first, and what was done to it since.
    pub fn history<T>(&self, read: impl FnOnce(&Image, &[Op]) -> T) -> T {
        let state = self.0.borrow();
        read(&state.base, &state.journal)
    }

    /// Prints what was done to it.
    pub fn tell(&self) {
        self.history(|_, journal| {
            for (n, op) in journal.iter().enumerate() {
                println!("{n}: {op}");
            }
        });
    }

    /// What the disk shows now.
    pub fn shown<T>(&self, read: impl FnOnce(&Image) -> T) -> T {
        read(&self.0.borrow().shown)
    }

    /// Changes what the disk shows, and writes nothing down.
    pub fn change(&self, act: impl FnOnce(&mut Image)) {
        act(&mut self.0.borrow_mut().shown);
    }

    /// Fails as planned from now on.
    pub fn plan(&self, plan: Plan) {
        self.0.borrow_mut().plan = plan;
    }

    /// The log is about to be opened.
    pub fn open(&self) {
        let mut state = self.0.borrow_mut();
        state.opened = state.journal.len();
    }

    /// How many calls failed so far.
    pub fn failed(&self) -> usize {
        self.0.borrow().failed
    }

    /// How many reading calls there were so far.
    pub fn reads(&self) -> usize {
        self.0.borrow().reads
    }

    /// Whether a slot was synced since the disk had done so many operations.
    pub fn synced_since(&self, operations: usize, slot: usize) -> bool {
        self.0.borrow().journal[operations..].contains(&Op::Sync { slot })
    }
}

impl State {
    /// Whether this reading call is to succeed.
    fn read(&mut self) -> Result<(), Failed> {
        self.reads += 1;
        match &mut self.plan.reads {
            Some(0) => {
                self.plan.reads = self.plan.for_good.then_some(0);
                self.failed += 1;
                Err(Failed)
            }
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// What this writing call is to do wrong, if anything.
    fn harm(&mut self) -> Option<Harm> {
        match &mut self.plan.writes {
            None => None,
            // Reached before, and for good.
            Some((usize::MAX, _)) => Some(Harm::Refuse),
            Some((0, harm)) => {
                let harm = *harm;
                self.plan.writes = self.plan.for_good.then_some((usize::MAX, harm));
                Some(harm)
            }
            Some((left, _)) => {
                *left -= 1;
                None
            }
        }
    }

    fn act(&mut self, op: Op) -> Result<(), Failed> {
        let harm = self.harm();
        self.failed += usize::from(harm.is_some());
        match harm {
            None => {}
            Some(Harm::Done) if !matches!(op, Op::Sync { .. }) => {}
            Some(Harm::GiveUp) => {
                if let Op::Sync { slot } = op {
                    let since = self.opened;
                    self.journal.push(Op::GiveUp { slot, since });
                }
                return Err(Failed);
            }
            Some(Harm::Part(n)) => {
                if let Op::Append { slot, at, bytes } = op {
                    let n = n.min(bytes.len().saturating_sub(1));
                    let bytes = bytes[..n].into();
                    self.record(Op::Append { slot, at, bytes });
                }
                return Err(Failed);
            }
            Some(_) => return Err(Failed),
        }
        self.record(op);
        harm.map_or(Ok(()), |_| Err(Failed))
    }

    fn record(&mut self, op: Op) {
        op.apply(&mut self.shown);
        self.journal.push(op);
    }
}

impl Source for Disk {
    type Error = Failed;

    fn len(&self, slot: Slot<'_>) -> Result<u64, Failed> {
        let mut state = self.0.borrow_mut();
        state.read()?;
        state.shown.len(slot)
    }

    fn read_at(&self, slot: Slot<'_>, offset: u64, buf: &mut [u8]) -> Result<usize, Failed> {
        let mut state = self.0.borrow_mut();
        state.read()?;
        state.shown.read_at(slot, offset, buf)
    }
}

impl Storage for Disk {
    fn append(&mut self, slot: Slot<'_>, bytes: &[u8]) -> Result<(), Failed> {
        let mut state = self.0.borrow_mut();
        let slot = index(slot);
        let at = state.shown.bytes(slot).len();
        state.act(Op::Append {
            slot,
            at,
            bytes: bytes.into(),
        })
    }

    fn truncate(&mut self, slot: Slot<'_>, len: u64) -> Result<(), Failed> {
        let (slot, len) = (index(slot), len as usize);
        self.0.borrow_mut().act(Op::Truncate { slot, len })
    }

    fn sync(&mut self, slot: Slot<'_>) -> Result<(), Failed> {
        let slot = index(slot);
        self.0.borrow_mut().act(Op::Sync { slot })
    }

    fn replace(&mut self, slot: Slot<'_>, bytes: &[u8]) -> Result<(), Failed> {
        let (slot, bytes) = (index(slot), bytes.into());
        self.0.borrow_mut().act(Op::Replace { slot, bytes })
    }

    fn remove(&mut self, slot: Slot<'_>) -> Result<(), Failed> {
        let slot = index(slot);
        self.0.borrow_mut().act(Op::Remove { slot })
    }
}
