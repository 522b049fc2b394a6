//! What of the things done to a disk is durable, and what is not yet.

use super::image::Image;
use super::op::Op;

/// A page of the cache between programs and a disk.
const PAGE: usize = 4096;

/// The durable state, and what was done since that is not durable.
#[derive(Debug)]
pub struct Unsynced<'j> {
    pub(super) durable: Image,
    pub(super) pending: Vec<Pending<'j>>,
    /// Whether the last of them is not over yet.
    pub(super) under_way: bool,
    /// How many operations were begun in all.
    begun: usize,
}

/// An operation that a power cut can take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pending<'j> {
    pub(super) op: &'j Op,
    /// Its place among all operations.
    n: usize,
    /// The sync that was to cover it failed, and no later one does.
    given_up: bool,
    /// How many bytes of an append were not cut off since, durably.
    len: usize,
}

impl<'j> Pending<'j> {
    /// The slot, offset and bytes of an append.
    pub(super) fn bytes(&self) -> Option<(usize, usize, &'j [u8])> {
        match self.op {
            Op::Append { slot, at, bytes } => Some((*slot, *at, &bytes[..self.len])),
            _ => None,
        }
    }

    pub(super) fn apply(&self, image: &mut Image) {
        match self.bytes() {
            Some((slot, at, bytes)) => image.write(slot, at, bytes),
            None => self.op.apply(image),
        }
    }

    /// The first of its pages, and the one after the last.
    fn pages(&self) -> (usize, usize) {
        let (_, at, bytes) = self.bytes().unwrap_or_default();
        (at / PAGE, (at + bytes.len()).div_ceil(PAGE))
    }

    fn shares_a_page_with(&self, other: &Self) -> bool {
        let ((from, to), (other_from, other_to)) = (self.pages(), other.pages());
        self.op.slot() == other.op.slot() && from < other_to && other_from < to
    }
}

impl<'j> Unsynced<'j> {
    /// A disk that holds this, durably.
    pub fn over(durable: &Image) -> Self {
        Self {
            durable: durable.clone(),
            pending: Vec::new(),
            under_way: false,
            begun: 0,
        }
    }

    /// After one more operation, which has begun and may not be over.
    pub fn begin(&mut self, op: &'j Op) {
        self.under_way = !matches!(op, Op::Sync { .. } | Op::GiveUp { .. });
        if self.under_way {
            let len = match op {
                Op::Append { bytes, .. } => bytes.len(),
                _ => 0,
            };
            self.pending.push(Pending {
                op,
                n: self.begun,
                given_up: false,
                len,
            });
        }
        self.begun += 1;
    }

    /// The operation begun last is over.
    pub fn end(&mut self, op: &'j Op) {
        self.under_way = false;
        match op {
            Op::Sync { slot } => self.settle(*slot, self.pending.len()),
            Op::GiveUp { slot, since } => {
                for pending in &mut self.pending {
                    let is = pending.n >= *since && pending.op.slot() == *slot;
                    pending.given_up |= is && matches!(pending.op, Op::Append { .. });
                }
            }
            Op::Replace { slot, .. } => {
                // Nobody syncs a snapshot; the disk gets round to it by itself.
                let mut before = self.pending.iter().rev().enumerate().filter(
                    |(_, pending)| matches!(pending.op, Op::Replace { slot: of, .. } if of == slot),
                );
                if let Some((back, _)) = before.nth(2) {
                    self.settle(*slot, self.pending.len() - back);
                }
            }
            _ => {}
        }
    }

    /// Makes the operations on a slot durable, as far as they are among the first `to`.
    fn settle(&mut self, slot: usize, to: usize) {
        let rest = self.pending.split_off(to);
        let mut left: Vec<Pending<'j>> = Vec::with_capacity(to + rest.len());
        for mut pending in self.pending.drain(..) {
            if pending.op.slot() != slot {
                left.push(pending);
                continue;
            }
            // A block that the file system never marked as written takes with it what is
            // written to it later. Cutting it off frees it.
            let mut others = left.iter().filter(|other| other.given_up);
            pending.given_up |= others.any(|other| pending.shares_a_page_with(other));
            if pending.given_up {
                left.push(pending);
                continue;
            }
            if let Op::Truncate { len, .. } = pending.op {
                for cut in left.iter_mut().filter(|cut| cut.op.slot() == slot) {
                    let at = cut.bytes().map_or(0, |(_, at, _)| at);
                    cut.len = cut.len.min(len.saturating_sub(at));
                }
                left.retain(|cut| !cut.given_up || cut.len > 0);
            }
            pending.apply(&mut self.durable);
        }
        left.extend(rest);
        self.pending = left;
    }

    /// The slots that have a name that is not durable, by bit.
    pub(super) fn new_names(&self) -> u8 {
        let slots = self.pending.iter().map(|pending| pending.op.slot());
        slots
            .filter(|slot| self.durable.slots[*slot].is_none())
            .fold(0, |new, slot| new | 1 << slot)
    }
}
