//! What a power cut can leave of what was done to a disk.

use super::disk::Op;
use super::image::{Image, SLOTS, TORN};
use super::random::Random;

/// Up to this many unsynced operations every subset is an image of its own.
const ALL_SUBSETS: usize = 10;
/// Up to this many sectors every subset is damaged in turn.
const ALL_SECTORS: usize = 5;

/// The durable state, and what was done since that is not durable yet.
#[derive(Debug)]
pub struct Unsynced<'j> {
    durable: Image,
    ops: Vec<Pending<'j>>,
    /// Whether the last of them is not over yet.
    under_way: bool,
}

#[derive(Debug, Clone, Copy)]
struct Pending<'j> {
    op: &'j Op,
}

/// One image among those that a cut can leave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cut {
    /// Which unsynced operations reached the disk, by bit.
    kept: u64,
    /// How many bytes of the last one, if not all.
    part: Option<usize>,
    /// The slots whose new names did not reach the disk, by bit.
    unnamed: u8,
    damage: Option<Damage>,
}

/// Sectors of a file that grew without getting its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Damage {
    /// Their size in bytes: a disk's sector or a file system's page.
    unit: usize,
    /// Which of those that hold appended bytes, by bit.
    sectors: u64,
    holds: Holds,
}

/// What a sector holds that was not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    Zeros,
    /// Lines of another program's file, deleted since.
    Old,
    Random(u64),
}

impl Cut {
    /// Whether bytes that are neither written ones nor zeros may have come in.
    pub fn brings_garbage(&self) -> bool {
        self.damage
            .is_some_and(|damage| damage.holds != Holds::Zeros)
    }
}

impl<'j> Unsynced<'j> {
    /// A disk that holds this, durably.
    pub fn over(durable: &Image) -> Self {
        Self {
            durable: durable.clone(),
            ops: Vec::new(),
            under_way: false,
        }
    }

    /// After one more operation, which has begun and may not be over.
    pub fn begin(&mut self, op: &'j Op) {
        self.under_way = !matches!(op, Op::Sync { .. });
        if self.under_way {
            self.ops.push(Pending { op });
        }
    }

    /// The operation begun last is over.
    pub fn end(&mut self, op: &'j Op) {
        self.under_way = false;
        match op {
            Op::Sync { slot } => self.settle(*slot, self.ops.len()),
            Op::Replace { slot, .. } => {
                // Nobody syncs a snapshot; the disk gets round to it by itself.
                let mut before = self.ops.iter().rev().enumerate().filter(
                    |(_, pending)| matches!(pending.op, Op::Replace { slot: of, .. } if of == slot),
                );
                if let Some((back, _)) = before.nth(2) {
                    self.settle(*slot, self.ops.len() - back);
                }
            }
            _ => {}
        }
    }

    /// Makes the operations on a slot durable, as far as they are among the first `to`.
    fn settle(&mut self, slot: usize, to: usize) {
        let mut n = 0;
        let durable = &mut self.durable;
        self.ops.retain(|pending| {
            n += 1;
            if n > to || pending.op.slot() != slot {
                return true;
            }
            pending.op.apply(durable);
            false
        });
    }

    /// How many appends to a slot are not durable.
    pub fn appends_to(&self, slot: usize) -> usize {
        let appends = |pending: &&Pending<'_>| matches!(pending.op, Op::Append { slot: of, .. } if *of == slot);
        self.ops.iter().filter(appends).count()
    }

    /// The images that a cut leaves now. `more` bounds those that are drawn instead of counted up.
    pub fn cuts(&self, random: &mut Random, more: usize) -> Vec<Cut> {
        let n = self.ops.len();
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
        let all = low_bits(self.ops.len());
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
            let holds = match random.below(4) {
                0 => Holds::Old,
                1 => Holds::Random(random.draw()),
                _ => Holds::Zeros,
            };
            cut.damage = Some(Damage {
                unit: 512,
                sectors: random.draw(),
                holds,
            });
            cut.part = None;
        }
        if random.one_in(8) {
            cut.unnamed = random.draw() as u8 & self.new_names();
        }
        cut
    }

    /// How many bytes of an append under way can have been written.
    fn parts(&self) -> Vec<usize> {
        match self.ops.last().filter(|_| self.under_way) {
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

    fn add_damage(&self, cuts: &mut Vec<Cut>, random: &mut Random, more: usize) {
        let all = low_bits(self.ops.len());
        for unit in [512, 4096] {
            let count = self.sectors(unit).count().min(64);
            if count == 0 {
                continue;
            }
            let every = low_bits(count);
            let mut masks: Vec<u64> = match count {
                1..=ALL_SECTORS => (1..=every).collect(),
                _ => (0..count)
                    .flat_map(|n| [1 << n, every & !(1 << n)])
                    .take(more)
                    .collect(),
            };
            if count > ALL_SECTORS {
                masks.push(every);
                masks.extend((0..more / 16).map(|_| random.draw() & every));
            }
            for sectors in masks {
                for holds in [Holds::Zeros, Holds::Old, Holds::Random(random.draw())] {
                    let damage = Some(Damage {
                        unit,
                        sectors,
                        holds,
                    });
                    cuts.push(Cut {
                        kept: all,
                        damage,
                        ..Cut::default()
                    });
                    if self.ops.len() > 1 {
                        cuts.push(Cut {
                            kept: random.draw() & all,
                            damage,
                            ..Cut::default()
                        });
                    }
                }
            }
        }
    }

    fn add_lost_names(&self, cuts: &mut Vec<Cut>, random: &mut Random, more: usize) {
        let new = self.new_names();
        if new == 0 {
            return;
        }
        let whole = cuts.len();
        for unnamed in (1..1 << SLOTS).filter(|unnamed| unnamed & !new == 0) {
            let kept = low_bits(self.ops.len());
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

    /// The slots that have a name that is not durable, by bit.
    fn new_names(&self) -> u8 {
        let slots = self.ops.iter().map(|pending| pending.op.slot());
        slots
            .filter(|slot| self.durable.slots[*slot].is_none())
            .fold(0, |new, slot| new | 1 << slot)
    }

    /// The sectors of `unit` bytes that unsynced appends touch, with the operation of each.
    fn sectors(&self, unit: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.ops.iter().enumerate().flat_map(move |(n, pending)| {
            let (from, to) = match pending.op {
                Op::Append { at, bytes, slot } if *slot != TORN => (*at, at + bytes.len()),
                _ => (0, 0),
            };
            (from / unit..to.div_ceil(unit)).map(move |sector| (n, sector * unit))
        })
    }

    /// Makes `image` the one that this cut leaves.
    pub fn leave(&self, cut: &Cut, image: &mut Image) {
        image.copy_from(&self.durable);
        let last = self.ops.len().wrapping_sub(1);
        for (n, pending) in self.ops.iter().enumerate() {
            if n < 64 && cut.kept >> n & 1 == 0 {
                continue;
            }
            match (pending.op, cut.part) {
                (Op::Append { slot, at, bytes }, Some(part)) if n == last => {
                    image.write(*slot, *at, &bytes[..part]);
                }
                (op, _) => op.apply(image),
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

    fn damage(&self, cut: &Cut, damage: Damage, image: &mut Image) {
        for (bit, (n, start)) in self.sectors(damage.unit).enumerate().take(64) {
            if damage.sectors >> bit & 1 == 0 || cut.kept >> n & 1 == 0 {
                continue;
            }
            let Op::Append { slot, at, bytes } = self.ops[n].op else {
                continue;
            };
            let to = (start + damage.unit).min(at + bytes.len());
            let Some(slot) = image.slots[*slot].as_mut() else {
                continue;
            };
            // A later operation that was kept may have cut the file.
            let to = to.min(slot.len());
            let from = start.max(*at).min(to);
            damage.holds.fill(&mut slot[from..to], start as u64);
        }
    }
}

impl Holds {
    fn fill(self, bytes: &mut [u8], salt: u64) {
        match self {
            Self::Zeros => bytes.fill(0),
            Self::Old => {
                let old = b"colour = blue\n[section]\nname = \"x\"\n".iter().cycle();
                for (to, from) in bytes.iter_mut().zip(old) {
                    *to = *from;
                }
            }
            Self::Random(seed) => {
                let mut random = Random(seed ^ salt);
                for bytes in bytes.chunks_mut(8) {
                    let n = bytes.len();
                    bytes.copy_from_slice(&random.draw().to_le_bytes()[..n]);
                }
            }
        }
    }
}

fn low_bits(n: usize) -> u64 {
    if n >= 64 { u64::MAX } else { (1 << n) - 1 }
}
