//! The images that a power cut can leave.

use super::damage::Damage;
use super::image::{Image, SLOTS, TORN};
use super::op::Op;
use super::random::Random;
use super::unsynced::{Pending, Unsynced};

/// Up to this many unsynced operations every subset is an image of its own.
const ALL_SUBSETS: usize = 10;

/// One image among those that a cut can leave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cut {
    /// Which unsynced operations reached the disk, by bit.
    pub(super) kept: u64,
    /// How many bytes of the last one, if not all.
    pub(super) part: Option<usize>,
    /// The slots whose new names did not reach the disk, by bit.
    pub(super) unnamed: u8,
    pub(super) damage: Option<Damage>,
}

impl Cut {
    /// Whether bytes that are neither written ones nor zeros may have come in.
    pub fn brings_garbage(&self) -> bool {
        self.damage.is_some_and(Damage::brings_garbage)
    }
}

impl Unsynced<'_> {
    /// The images that a cut leaves now. `more` bounds those that are drawn instead of counted up.
    pub fn cuts(&self, random: &mut Random, more: usize) -> Vec<Cut> {
        let n = self.pending.len();
        let all = low_bits(n);
        let mut cuts = vec![Cut {
            kept: all,
            ..Cut::default()
        }];
        let parts = self.parts();
        cuts.extend(parts.iter().map(|&part| Cut {
            kept: all,
            part: Some(part),
            ..Cut::default()
        }));
        if n <= ALL_SUBSETS {
            cuts.extend((0..all).map(|kept| Cut {
                kept,
                ..Cut::default()
            }));
        }
        for _ in 0..if n > ALL_SUBSETS { 4 * more } else { 0 } {
            let kept = random.draw() & all;
            cuts.push(Cut {
                kept,
                ..Cut::default()
            });
        }
        if n > 1 && !parts.is_empty() {
            let last = 1 << (n - 1);
            let every = (last as usize - 1).saturating_mul(parts.len());
            if n <= ALL_SUBSETS && every <= more {
                for kept in 0..last - 1 {
                    cuts.extend(parts.iter().map(|&part| Cut {
                        kept: kept | last,
                        part: Some(part),
                        ..Cut::default()
                    }));
                }
            } else {
                cuts.extend((0..more).map(|_| Cut {
                    kept: random.draw() & all | last,
                    part: Some(parts[random.below(parts.len())]),
                    ..Cut::default()
                }));
            }
        }
        self.add_damage(&mut cuts, random, more);
        self.add_lost_names(&mut cuts, random, more);
        cuts
    }

    /// One image among all that a cut can leave now.
    pub fn draw(&self, random: &mut Random) -> Cut {
        let all = low_bits(self.pending.len());
        let parts = self.parts();
        let mut cut = Cut {
            kept: match random.below(4) {
                0 => 0,
                1 => all,
                _ => random.draw() & all,
            },
            ..Cut::default()
        };
        if !parts.is_empty() && random.one_in(2) {
            cut.part = Some(parts[random.below(parts.len())]);
        }
        if random.one_in(4) {
            cut.damage = Some(Damage::draw(random));
            cut.part = None;
        }
        if random.one_in(8) {
            cut.unnamed = random.draw() as u8 & self.new_names();
        }
        cut
    }

    /// How many bytes of an append under way can have been written.
    fn parts(&self) -> Vec<usize> {
        match self.pending.last().filter(|_| self.under_way) {
            Some(Pending {
                op: Op::Append { slot, bytes, .. },
                ..
            }) => match bytes.len() {
                // No recovery reads these.
                len if *slot == TORN => vec![0, 1.min(len), len / 2],
                len if len > 8192 => (0..len).step_by(len / 6).collect(),
                len => (0..len).collect(),
            },
            _ => Vec::new(),
        }
    }

    fn add_lost_names(&self, cuts: &mut Vec<Cut>, random: &mut Random, more: usize) {
        let new = self.new_names();
        if new == 0 {
            return;
        }
        let whole = cuts.len();
        for unnamed in (1..1 << SLOTS).filter(|unnamed| unnamed & !new == 0) {
            let kept = low_bits(self.pending.len());
            cuts.push(Cut {
                kept,
                unnamed,
                ..Cut::default()
            });
            for _ in 0..more / 8 {
                let mut cut = cuts[random.below(whole)].clone();
                cut.unnamed = unnamed;
                cuts.push(cut);
            }
        }
    }

    /// Makes `image` the one that this cut leaves.
    pub fn leave(&self, cut: &Cut, image: &mut Image) {
        image.copy_from(&self.durable);
        let last = self.pending.len().wrapping_sub(1);
        for (n, pending) in self.pending.iter().enumerate() {
            if n < 64 && cut.kept >> n & 1 == 0 {
                continue;
            }
            match (pending.bytes(), cut.part) {
                (Some((slot, at, bytes)), Some(part)) if n == last => {
                    image.write(slot, at, &bytes[..part]);
                }
                _ => pending.apply(image),
            }
        }
        if let Some(damage) = cut.damage {
            self.damage(cut, damage, image);
        }
        for slot in 0..SLOTS {
            if cut.unnamed >> slot & 1 == 1 {
                image.slots[slot] = None;
            }
        }
    }
}

pub(super) fn low_bits(n: usize) -> u64 {
    if n >= 64 { u64::MAX } else { (1 << n) - 1 }
}
