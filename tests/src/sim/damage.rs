//! Files that grew without getting their bytes.

use super::cuts::{Cut, low_bits};
use super::image::{Image, TORN};
use super::random::Random;
use super::unsynced::Unsynced;

/// Up to this many sectors every subset is damaged in turn.
const ALL_SECTORS: usize = 5;

/// Sectors of a file that grew without getting its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Damage {
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

impl Damage {
    pub(super) fn brings_garbage(self) -> bool {
        self.holds != Holds::Zeros
    }

    pub(super) fn draw(random: &mut Random) -> Self {
        let holds = match random.below(4) {
            0 => Holds::Old,
            1 => Holds::Random(random.draw()),
            _ => Holds::Zeros,
        };
        Self {
            unit: if random.one_in(4) { 4096 } else { 512 },
            sectors: random.draw(),
            holds,
        }
    }
}

impl Unsynced<'_> {
    pub(super) fn add_damage(&self, cuts: &mut Vec<Cut>, random: &mut Random, more: usize) {
        let all = low_bits(self.pending.len());
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
                    if self.pending.len() > 1 {
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

    /// The sectors of `unit` bytes that unsynced appends touch, with the operation of each.
    fn sectors(&self, unit: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.pending
            .iter()
            .enumerate()
            .flat_map(move |(n, pending)| {
                let (from, to) = match pending.bytes() {
                    Some((slot, at, bytes)) if slot != TORN => (at, at + bytes.len()),
                    _ => (0, 0),
                };
                (from / unit..to.div_ceil(unit)).map(move |sector| (n, sector * unit))
            })
    }

    pub(super) fn damage(&self, cut: &Cut, damage: Damage, image: &mut Image) {
        for (bit, (n, start)) in self.sectors(damage.unit).enumerate().take(64) {
            if damage.sectors >> bit & 1 == 0 || cut.kept >> n & 1 == 0 {
                continue;
            }
            let Some((slot, at, bytes)) = self.pending[n].bytes() else {
                continue;
            };
            let to = (start + damage.unit).min(at + bytes.len());
            let Some(slot) = image.slots[slot].as_mut() else {
                continue;
            };
            // A later operation that was kept may have cut the file.
            let to = to.min(slot.len());
            let from = start.max(at).min(to);
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
