//! Faults, kills and power cuts mixed, drawn from a seed.

use std::thread;

use eventfold_core::Scan;

use super::check::{Checker, Promised, check_kept};
use super::codec::STORED;
use super::disk::{Disk, Harm, Plan};
use super::image::{Image, TORN};
use super::known::{Known, Ledger};
use super::random::Random;
use super::run::Run;
use super::script::Script;
use super::unsynced::Unsynced;

/// Says on a panic which seed it was.
struct Said(u64);

impl Drop for Said {
    fn drop(&mut self) {
        if thread::panicking() {
            let line = format!("replay alone: EVENTFOLD_SIMULATION={}\n", self.0);
            eprint!("{line}");
        }
    }
}

/// What happened in a case.
#[derive(Debug, Clone, Copy, Default)]
pub struct Happened {
    pub steps: u64,
    pub faults: u64,
    pub kills: u64,
    pub cuts: u64,
}

/// Runs the case of this seed: a program that appends, rotates and reads while calls fail, that
/// is killed and loses its power, against a plain list of what it was promised. `tell` prints
/// all of it.
pub fn case(seed: u64, checker: &mut Checker, tell: bool) -> Happened {
    let said = Said(seed);
    let mut random = Random(seed);
    let mut happened = Happened::default();
    let mut run = Run::on(Disk::default(), Ledger::default(), 0);
    for _ in 0..1 + random.below(3) {
        let len = 1 + random.below(8);
        let mut begun = 0;
        for step in Script::random(&mut random, len).steps() {
            if random.one_in(4) {
                run.disk.plan(plan(&mut random));
                happened.faults += 1;
            }
            begun = run.disk.operations();
            if tell {
                println!("step {step:?}");
            }
            run.step(step);
            happened.steps += 1;
            if random.one_in(6) {
                run.end();
                happened.kills += 1;
            }
        }
        let at = begun + random.below(run.disk.operations() - begun + 1);
        if tell {
            run.tell();
            println!("the power goes at operation {at}");
        }
        run = cut(run, at, &mut random, checker);
        happened.cuts += 1;
    }
    drop(said);
    happened
}

fn plan(random: &mut Random) -> Plan {
    let harm = match random.below(8) {
        0 => Harm::Refuse,
        1 => Harm::Done,
        2 | 3 => Harm::GiveUp,
        _ => Harm::Part(random.below(120)),
    };
    let plan = Plan {
        writes: Some((random.below(8), harm)),
        for_good: random.one_in(3),
        reads: random.one_in(4).then(|| random.below(40)),
    };
    match harm {
        // Where more fails, what was given up cannot be cut off and appended anew.
        Harm::GiveUp => Plan {
            for_good: false,
            reads: None,
            ..plan
        },
        _ => plan,
    }
}

/// Cuts the power during operation `at`, checks what is left, and starts another program on it.
fn cut(run: Run, at: usize, random: &mut Random, checker: &mut Checker) -> Run {
    let promised = Promised::at(&run.ledger.0, at);
    let (image, garbage) = run.disk.history(|base, journal| {
        let mut unsynced = Unsynced::over(base);
        for op in &journal[..at] {
            unsynced.begin(op);
            unsynced.end(op);
        }
        if let Some(op) = journal.get(at) {
            unsynced.begin(op);
        }
        let cut = unsynced.draw(random);
        let mut image = Image::default();
        unsynced.leave(&cut, &mut image);
        (image, cut.brings_garbage())
    });
    let mut left = image.clone();
    let damaged = promised.damages(garbage);
    let recovery = checker.recover(&mut left, &promised, damaged, Image::clone);
    check_kept(&image, &recovery, left.bytes(TORN));

    let mut ledger = Ledger::default();
    let mut scan = Scan::new(&left, STORED, 0);
    while let Some(line) = scan.next_line().unwrap() {
        ledger.0.push(Known::left(line.position, line.bytes));
    }
    drop(scan);
    Run::on(Disk::holding(left), ledger, run.next)
}
