//! Scripts: what a program does with a log, one letter a step.

use std::fmt;
use std::str::FromStr;

use eventfold_core::{Codec, LineHash};

use super::codec::{REAL, ROUNDED, STORED};
use super::random::Random;

/// One thing that a program does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// `a` `b`: appends a short event, synced or buffered.
    Short { synced: bool },
    /// `A` `B`: appends an event of several sectors.
    Long { synced: bool },
    /// `L`: appends an event longer than a block of the archive, buffered.
    Huge,
    /// `e`: appends the event that this step always appends, synced: its lines are all the same.
    Same,
    /// `t` `T`: appends a batch of three, synced or buffered.
    Batch { synced: bool },
    /// `c`: appends on the condition that holds, synced.
    Condition,
    /// `x`: appends on a condition that does not hold.
    Refused,
    /// `r`: rotates.
    Rotate,
    /// `p`: prepares a rotation, of all that the log holds.
    Prepare,
    /// `s`: syncs.
    Sync,
    /// `v` `V`: refreshes the view and saves its snapshot, after a sync or without one.
    Save { synced: bool },
    /// `o`: ends the process and opens the log again.
    Reopen,
    /// `w`: reads on, with a scan as old as the script.
    Read,
    /// `0` to `9`: kills the process in the next step, before its n-th writing call from 0.
    Kill(u8),
}

/// The steps that scripts are made of by chance, besides kills.
pub const LETTERS: &str = "aAbBetTcxrsvVow";

impl Step {
    fn of(letter: char) -> Option<Self> {
        Some(match letter {
            'a' | 'b' => Self::Short {
                synced: letter == 'a',
            },
            'A' | 'B' => Self::Long {
                synced: letter == 'A',
            },
            'L' => Self::Huge,
            'e' => Self::Same,
            't' | 'T' => Self::Batch {
                synced: letter == 't',
            },
            'c' => Self::Condition,
            'x' => Self::Refused,
            'r' => Self::Rotate,
            'p' => Self::Prepare,
            's' => Self::Sync,
            'v' | 'V' => Self::Save {
                synced: letter == 'v',
            },
            'o' => Self::Reopen,
            'w' => Self::Read,
            '0'..='9' => Self::Kill(letter as u8 - b'0'),
            _ => return None,
        })
    }
}

/// How many steps a long script has, besides kills.
const LONG: usize = 20;

/// Steps in a row. Its text is its letters, with one before them where it rotates with another
/// codec: `Z` with that of programs, `z` with the one whose frames are as long as others.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Script(String);

impl Script {
    pub fn steps(&self) -> impl Iterator<Item = Step> + '_ {
        self.0.chars().filter_map(Step::of)
    }

    /// What it rotates with.
    pub fn codec(&self) -> Codec {
        match self.0.as_bytes().first() {
            Some(b'Z') => REAL,
            Some(b'z') => ROUNDED,
            _ => STORED,
        }
    }

    /// A script of `len` steps.
    pub fn random(random: &mut Random, len: usize) -> Self {
        let letters = LETTERS.as_bytes();
        let mut text = String::new();
        for _ in 0..len {
            if random.one_in(8) {
                text.push(char::from(b'0' + random.below(10) as u8));
            }
            // Rotations are where most can go wrong.
            let letter = match random.below(6) {
                0 => b'r',
                _ => letters[random.below(letters.len())],
            };
            text.push(char::from(letter));
        }
        Self(text)
    }

    /// A script of this number, which rotates with any codec.
    pub fn any(n: u64) -> Self {
        let random = &mut Random(n);
        let codec = ["", "z", "z", "Z"][random.below(4)];
        let Self(steps) = Self::random(random, 12);
        Self(codec.to_owned() + &steps)
    }

    /// Fifty-two scripts in which every step follows every other one, every kill meets a rotation,
    /// an append and a reopening, and a rotation is prepared before and after every step.
    pub fn fixed() -> Vec<Self> {
        let mut random = Random(40);
        let mut missing = Self::pairs();
        let mut scripts = Vec::new();
        for n in 0..36 {
            let mut text = String::from(if n % 4 == 0 { "b" } else { "a" });
            for _ in 0..8 {
                if missing.is_empty() {
                    missing = Self::pairs();
                }
                let last = text.as_bytes()[text.len() - 1];
                let fresh: Vec<usize> = (0..missing.len())
                    .filter(|&at| missing[at].as_bytes()[0] == last)
                    .collect();
                let next = match fresh.len() {
                    // On to where the most is missing.
                    0 => most_common_first(&missing),
                    len => missing.remove(fresh[random.below(len)]).as_bytes()[1],
                };
                text.push(char::from(next));
            }
            scripts.push(Self(text));
        }
        let kills = [
            "a0ra1ra2ra3rA4row",
            "A5rav6ra8r1aw0b7o",
            "erere6reee2re5re",
            "b0abB1ar7rt2tA1o3o",
        ];
        let prepared = [
            "bparBpprow",
            "tpxTprwapr",
            "Apcpsprvbp",
            "bpoarBpoBr",
            "axpArpbvpBVpt",
            "bopTwpvrpVpwr",
            "b0par1Bp2rwA1pr4r",
            "erep0rebp3rBpe5row",
        ];
        let codecs = ["zab3reb4rwb", "zerebrpAerwV", "Zee3re4reerb", "ZBrtparerwA"];
        let by_hand = kills.into_iter().chain(prepared).chain(codecs);
        scripts.extend(by_hand.map(|text| Self(text.into())));
        scripts
    }

    /// One of the scripts of twenty steps for those who have more time.
    pub fn long(n: usize) -> Self {
        Self::random(&mut Random(n as u64), LONG)
    }

    pub fn is_long(&self) -> bool {
        self.0.len() >= LONG
    }

    /// Whether it appends events that are longer than a block of the archive.
    pub fn is_huge(&self) -> bool {
        self.steps().any(|step| step == Step::Huge)
    }

    /// The number of its first event, so that different scripts leave different images.
    pub fn first_event(&self) -> u64 {
        LineHash::of(self.0.as_bytes()).0 % 1_000_000
    }

    /// Every two letters.
    pub fn pairs() -> Vec<String> {
        let pairs = |first| {
            LETTERS
                .chars()
                .map(move |second| String::from_iter([first, second]))
        };
        LETTERS.chars().flat_map(pairs).collect()
    }

    /// Whether a process is killed in it.
    pub fn kills(&self) -> bool {
        self.steps().any(|step| matches!(step, Step::Kill(_)))
    }

    pub fn holds(&self, pair: &str) -> bool {
        self.0.contains(pair)
    }
}

fn most_common_first(pairs: &[String]) -> u8 {
    let count = |letter: &u8| {
        pairs
            .iter()
            .filter(|pair| pair.as_bytes()[0] == *letter)
            .count()
    };
    LETTERS.bytes().max_by_key(count).unwrap_or(b'r')
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Script {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let steps = text.trim_start_matches(['Z', 'z']);
        match steps.chars().find(|letter| Step::of(*letter).is_none()) {
            Some(letter) => Err(format!("no step is called {letter:?}")),
            None => Ok(Self(text.into())),
        }
    }
}
