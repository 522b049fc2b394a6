//! A reader and a view that outlive what happens to their log: kills, power cuts, rotations that
//! are interrupted and undone.
//!
//! Whatever they know of the log as it was, they go on as new ones would in their place, and say
//! that what they read is gone only where it is.

use eventfold_core::{Access, Codec, Error, Fold, Line, LineHash, Scan, Source, Writer};

use super::check::Found;
use super::disk::Disk;
use super::image::{Image, LOG, mix};
use super::op::Op;
use super::random::Random;
use super::reach::{Direct, Reach};
use super::run::{Run, State};
use super::said::Said;
use super::script::Script;

/// Both, and what they see: a copy of the disk, which follows it.
pub struct Lasting<R: Reach> {
    disk: Disk,
    codec: Codec,
    /// How many of the disk's operations they see.
    seen: usize,
    scan: Scan<R::Store>,
    /// What the scan gave last, unless it is at the start.
    last: Option<Found>,
    /// What it may have read and not given yet.
    ahead: Vec<Found>,
    fold: Fold<State>,
}

/// Has both follow a run of this script, whose kills they outlive, as `seed` has it.
pub fn outlive(script: &Script, seed: u64) {
    let said = Said {
        test: "simulation whoever",
        variable: "EVENTFOLD_OUTLIVED",
        case: || format!("{script}:{seed}"),
    };
    let mut random = Random(seed);
    let mut lasting = Lasting::<Direct>::new(script.codec());
    Run::of(script).disk.history(|_, journal| {
        while lasting.seen < journal.len() {
            let most = journal.len() - lasting.seen;
            let more = 1 + random.below(most.min(12));
            lasting.follow(&journal[..lasting.seen + more], &mut random);
        }
    });
    drop(said);
}

/// Why nothing was read.
#[derive(Debug, PartialEq)]
struct Failure {
    said: String,
    /// Whether it says that what was read before is not there.
    gone: bool,
}

impl<E: core::error::Error> From<Error<E>> for Failure {
    fn from(error: Error<E>) -> Self {
        let gone = matches!(
            error,
            Error::Beyond { .. } | Error::NotABoundary { .. } | Error::Diverged { .. }
        );
        let said = error.to_string();
        Self { said, gone }
    }
}

impl<R: Reach> Lasting<R> {
    /// Those of an empty disk.
    pub fn new(codec: Codec) -> Self {
        let disk = Disk::default();
        Self {
            scan: Scan::new(R::reach(&disk), codec, 0),
            disk,
            codec,
            seen: 0,
            last: None,
            ahead: Vec::new(),
            fold: Fold::new((0, 0)),
        }
    }

    /// They see what was done to the disk, and read now and then meanwhile, and more often after it.
    pub fn follow(&mut self, journal: &[Op], random: &mut Random) {
        for op in &journal[self.seen..] {
            self.disk.change(|shown| op.apply(shown));
            if random.one_in(8) {
                self.read(random);
            }
        }
        self.seen = journal.len();
        if random.one_in(2) {
            self.read(random);
        }
    }

    /// The power went, and what was `torn` by that is `opened` next. Either they are on another
    /// machine and see it afterwards, or they began before it was repaired.
    pub fn lose_power(&mut self, torn: &Image, opened: &Image, random: &mut Random) {
        if random.one_in(2) {
            *self = Self::new(self.codec);
            self.find(torn, random);
            let disk = Disk::holding(torn.clone());
            drop(Writer::open(disk.clone(), self.codec, Access::Exclusive).unwrap());
            disk.history(|_, journal| self.follow(journal, random));
        }
        self.find(opened, random);
    }

    /// They see a disk that holds this, to which nothing was done yet.
    fn find(&mut self, image: &Image, random: &mut Random) {
        self.disk.change(|shown| shown.copy_from(image));
        self.seen = 0;
        self.read(random);
    }

    fn read(&mut self, random: &mut Random) {
        let shown = self.disk.shown(Image::clone);
        if random.one_in(4) {
            self.refresh(&shown);
        }
        if random.one_in(8) {
            self.begin_anew();
        }
        if random.one_in(4) {
            self.look(&shown);
        }
        // It mostly stops before the end, with lines that it has read and not given.
        let most = match random.below(3) {
            0 => usize::MAX,
            _ => random.below(4),
        };
        self.read_on(&shown, most);
    }

    /// What the scan says without reading on.
    fn look(&mut self, shown: &Image) {
        let hash = self.last.map_or(LineHash::NONE, |last| last.hash);
        let mut new = Scan::new(shown, self.codec, self.scan.position());
        let (was, is) = (self.scan.bytes_ahead(), new.bytes_ahead());
        assert_eq!(was.map_err(Failure::from), is.map_err(Failure::from));
        let (was, is) = (self.scan.check_before(hash), new.check_before(hash));
        assert_eq!(was.map_err(Failure::from), is.map_err(Failure::from));
        let (was, is) = (self.scan.check_last(hash), new.check_last(hash));
        assert_eq!(was.map_err(Failure::from), is.map_err(Failure::from));
    }

    /// The scan gives up to so many lines.
    fn read_on(&mut self, shown: &Image, most: usize) {
        let mut new = Scan::new(shown, self.codec, self.scan.position());
        for _ in 0..most {
            let (was, is) = (next(&mut self.scan), next(&mut new));
            match was {
                Ok(Some(line)) => {
                    if is != Ok(Some(line)) {
                        let held = self.ahead.contains(&line);
                        assert!(held, "a scan read {line:?}, a new one {is:?}");
                        new = Scan::new(shown, self.codec, self.scan.position());
                    }
                    self.last = Some(line);
                }
                Ok(None) | Err(_) => {
                    assert_eq!(was, is, "a new scan does otherwise");
                    self.ahead.clear();
                    if was.is_err_and(|failure| failure.gone) {
                        let lines = lines(&mut Scan::new(shown, self.codec, 0));
                        let last = self.last.filter(|last| lines.contains(last));
                        assert_eq!(last, None, "it is not gone");
                        self.begin_anew();
                    }
                    return;
                }
            }
        }
        self.ahead.extend(lines(&mut new));
    }

    fn begin_anew(&mut self) {
        self.scan.seek(0);
        self.last = None;
        self.ahead.clear();
    }

    /// The view goes on as one that begins now, if that folds what it has folded.
    fn refresh(&mut self, shown: &Image) {
        let (position, hash) = (self.fold.position(), self.fold.hash());
        let none = Fold::new((0, 0));
        let before = none.refreshed_to(shown, self.codec, position, count);
        let is_there = before.is_ok_and(|before| before == self.fold);
        let new = none.refreshed(shown, self.codec, count);
        let new = new.map(|new| new.unwrap_or(none.clone()));
        let store = R::reach(&self.disk);
        match (self.fold.refreshed(store, self.codec, count), new) {
            (Ok(further), Ok(new)) if is_there => {
                let fold = further.unwrap_or_else(|| self.fold.clone());
                assert_eq!(fold, new, "refreshed otherwise");
                self.fold = fold;
            }
            // What it has folded is known by its last line only, and not looked for in the archive
            // until there is something to fold.
            (Ok(further), Ok(_)) => {
                let mut scan = Scan::new(shown, self.codec, position);
                let same = scan.check_before(hash).is_ok();
                let mut archived = shown.clone();
                archived.slots[LOG] = None;
                let mut archived = Scan::new(&archived, self.codec, position);
                let unseen = further.is_none() && archived.bytes_ahead().is_ok();
                assert!(same || unseen, "folded on what is gone");
                if same {
                    self.fold = none;
                }
            }
            (Err(was), new) => {
                let was = Failure::from(was);
                let is = new.map_err(Failure::from).err();
                assert!(
                    was.gone && !is_there || Some(&was) == is.as_ref(),
                    "{was:?}"
                );
                if was.gone {
                    self.fold = none;
                }
            }
            (Ok(_), Err(error)) => panic!("a view goes on where a new one fails: {error}"),
        }
    }
}

fn next<S: Source>(scan: &mut Scan<S>) -> Result<Option<Found>, Failure> {
    let line = scan.next_line()?;
    Ok(line.map(|line| Found {
        position: line.position,
        hash: line.hash(),
    }))
}

fn lines<S: Source>(scan: &mut Scan<S>) -> Vec<Found> {
    std::iter::from_fn(|| next(scan).ok()?).collect()
}

fn count<E: core::error::Error>((n, hash): State, line: &Line<'_>) -> Result<State, Error<E>> {
    Ok((n + 1, mix(hash, line.hash().0)))
}
