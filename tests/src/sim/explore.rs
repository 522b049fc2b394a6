//! All images of a script.

use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use eventfold_core::Recovery;

use super::check::{Checker, Promised, check_kept};
use super::cuts::Cut;
use super::disk::Disk;
use super::image::{Image, SLOTS, TORN, mix};
use super::op::Op;
use super::random::Random;
use super::reach::{Direct, Reach};
use super::run::Run;
use super::said::Said;
use super::script::Script;
use super::seen::Seen;
use super::unsynced::Unsynced;

/// How much of what can be drawn is drawn.
#[derive(Debug, Clone, Copy)]
pub struct Depth {
    /// Cuts drawn at each operation, above those that are counted up.
    pub cuts: usize,
    /// Images at each operation whose recovery is cut again.
    pub seconds: usize,
    /// Cuts drawn at each operation of such a recovery.
    pub second_cuts: usize,
}

impl Depth {
    /// Fixed for each script, so that the number of an image stays the same.
    pub fn of(script: &Script) -> Self {
        let (cuts, seconds, second_cuts) = if script.is_huge() {
            (1, 1, 0)
        } else if script.is_long() {
            // There are many of these.
            (1000, 100, 50)
        } else {
            (20_000, 2000, 450)
        };
        Self {
            cuts,
            seconds,
            second_cuts,
        }
    }
}

/// One image: what replays it alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    pub script: Script,
    /// The operation that was under way at the cut, and the image among those it can leave.
    pub cut: (usize, usize),
    /// The same of a second cut, during the recovery.
    pub second: Option<(usize, usize)>,
}

impl fmt::Display for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.script, self.cut.0, self.cut.1)?;
        match self.second {
            Some((at, image)) => write!(f, ":{at}:{image}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Replay {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(':');
        let script = parts.next().unwrap_or_default().parse()?;
        let numbers: Result<Vec<usize>, _> = parts.map(str::parse).collect();
        let (cut, second) = match *numbers.map_err(|error| error.to_string())? {
            [at, image] => ((at, image), None),
            [at, image, second, of] => ((at, image), Some((second, of))),
            _ => return Err("takes a script and two or four numbers".into()),
        };
        Ok(Self {
            script,
            cut,
            second,
        })
    }
}

/// Where an exploration is.
struct Place<'s> {
    script: &'s Script,
    cut: Cell<(usize, usize)>,
    second: Cell<Option<(usize, usize)>>,
}

impl Place<'_> {
    fn replay(&self) -> Replay {
        Replay {
            script: self.script.clone(),
            cut: self.cut.get(),
            second: self.second.get(),
        }
    }
}

/// Checks every image of a script, and counts those that were not met before.
pub fn explore<R: Reach>(script: &Script, depth: Depth, seen: &Seen) {
    explore_some::<R>(script, depth, seen, None);
}

/// Checks one image, and tells how it came about.
pub fn replay(replay: &Replay) {
    Run::of(&replay.script).tell();
    println!("the power goes at operation {}", replay.cut.0);
    let (depth, seen) = (Depth::of(&replay.script), Seen::with_room(10));
    explore_some::<Direct>(&replay.script, depth, &seen, Some(replay));
}

fn explore_some<R: Reach>(script: &Script, depth: Depth, seen: &Seen, only: Option<&Replay>) {
    let place = Place {
        script,
        cut: Cell::default(),
        second: Cell::default(),
    };
    let _said = Said {
        test: "power_cuts whatever_a_power_cut",
        variable: "EVENTFOLD_CUT",
        case: || place.replay().to_string(),
    };
    let run = Run::of(script);
    run.disk.history(|base, journal| {
        let mut explorer = Explorer::<R> {
            run: &run,
            depth,
            seen,
            only,
            place: &place,
            checker: Checker::new(script.codec()),
            image: Image::default(),
            inner: Image::default(),
            shapes: HashSet::new(),
            cases: HashSet::new(),
            reach: PhantomData,
        };
        explorer.walk(base, journal);
    });
}

struct Explorer<'r, R> {
    run: &'r Run,
    depth: Depth,
    seen: &'r Seen,
    only: Option<&'r Replay>,
    place: &'r Place<'r>,
    checker: Checker,
    /// The image at hand, and one that a second cut left; kept for their memory.
    image: Image,
    inner: Image,
    /// What recoveries did, step by step, of those cut already at this operation.
    shapes: HashSet<u64>,
    /// The images checked so far, each with what was promised.
    cases: HashSet<u64>,
    reach: PhantomData<R>,
}

const ALL: [usize; SLOTS] = [0, 1, 2, 3];

impl<R: Reach> Explorer<'_, R> {
    fn walk(&mut self, base: &Image, journal: &[Op]) {
        let mut unsynced = Unsynced::over(base);
        for at in 0..=journal.len() {
            let op = journal.get(at);
            if let Some(op) = op {
                unsynced.begin(op);
            }
            if self.only.is_none_or(|only| only.cut.0 == at) {
                self.cut(at, &unsynced);
            }
            if let Some(op) = op {
                unsynced.end(op);
            }
        }
    }

    fn cut(&mut self, at: usize, unsynced: &Unsynced<'_>) {
        let promised = Promised::at(&self.run.ledger.0, at);
        let cuts = unsynced.cuts(&mut Random(at as u64), self.depth.cuts);
        // Those whose recoveries are cut again are spread over all.
        let stride = cuts.len() / self.depth.seconds.max(1) + 1;
        self.shapes.clear();
        for (n, cut) in cuts.iter().enumerate() {
            self.place.cut.set((at, n));
            if self.only.is_some_and(|only| only.cut.1 != n) {
                continue;
            }
            unsynced.leave(cut, &mut self.image);
            let image = self.image.hash(&ALL);
            self.seen.is_new(image);
            if self.cases.insert(mix(image, promised.key)) || self.only.is_some() {
                self.check(cut, &promised, n % stride == 0);
            }
        }
    }

    fn check(&mut self, cut: &Cut, promised: &Promised<'_>, chosen: bool) {
        let damaged = promised.damages(cut.brings_garbage());
        let checker = &mut self.checker;
        if self.only.is_none() {
            self.inner.copy_from(&self.image);
            let recovery = R::recover(checker, &mut self.inner, promised, damaged);
            check_kept(&self.image, &recovery, self.inner.bytes(TORN));
            let shape = recovery_shape(&recovery);
            if recovery.is_clean() || !(chosen || self.shapes.insert(shape)) {
                return;
            }
        }
        if self.only.is_some() {
            println!("what is left:\n{}", self.image);
        }
        let mut disk = Disk::holding(self.image.clone());
        let recovery = checker.recover(&mut disk, promised, damaged, |disk| {
            disk.shown(Image::clone)
        });
        disk.shown(|shown| check_kept(&self.image, &recovery, shown.bytes(TORN)));
        self.cut_again(&disk, promised, damaged, &recovery);
    }

    /// Cuts the recovery at each of its operations.
    fn cut_again(&mut self, disk: &Disk, promised: &Promised<'_>, damaged: bool, first: &Recovery) {
        let only = self.only.and_then(|only| only.second);
        if self.only.is_some() && only.is_none() {
            return;
        }
        disk.history(|base, journal| {
            let mut unsynced = Unsynced::over(base);
            for (at, op) in journal.iter().enumerate() {
                unsynced.begin(op);
                let cuts = unsynced.cuts(&mut Random(at as u64), self.depth.second_cuts);
                for (n, cut) in cuts.iter().enumerate() {
                    if only.is_some_and(|only| only != (at, n)) {
                        continue;
                    }
                    self.place.second.set(Some((at, n)));
                    unsynced.leave(cut, &mut self.inner);
                    let image = self.inner.hash(&ALL);
                    self.seen.is_new(image);
                    if !self.cases.insert(mix(image, promised.key)) && only.is_none() {
                        continue;
                    }
                    if only.is_some() {
                        println!("cut again during {op}, which leaves:\n{}", self.inner);
                    }
                    let damaged = damaged || promised.damages(cut.brings_garbage());
                    R::recover(&mut self.checker, &mut self.inner, promised, damaged);
                    check_kept(base, first, self.inner.bytes(TORN));
                }
                unsynced.end(op);
            }
        });
        self.place.second.set(None);
    }
}

/// What a recovery did, without how much of it.
fn recovery_shape(recovery: &Recovery) -> u64 {
    let rotation = recovery.rotation.map_or(0, |rotation| rotation as u64 + 1);
    let steps = [
        recovery.torn_log_bytes > 0,
        recovery.torn_archive_bytes > 0,
        recovery.completed_line,
        recovery.adopted_bytes > 0,
    ];
    steps
        .iter()
        .fold(rotation, |shape, &step| shape * 2 + u64::from(step))
}
