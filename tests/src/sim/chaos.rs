//! Faults, kills and power cuts mixed, drawn from a seed.

use eventfold_core::Scan;

use super::check::{Checker, Promised, check_kept};
use super::codec::{self, STORED};
use super::disk::{Disk, Harm, Plan};
use super::image::{Image, TORN};
use super::known::{Known, Ledger};
use super::lasting::Lasting;
use super::random::Random;
use super::reach::Reach;
use super::run::Program;
use super::said::{Said, Told};
use super::script::Script;
use super::unsynced::Unsynced;

/// What happened in a case.
#[derive(Debug, Clone, Copy, Default)]
pub struct Happened {
    pub steps: u64,
    pub faults: u64,
    pub kills: u64,
    pub cuts: u64,
}

/// Runs the case of this seed: a program that appends, rotates and reads while calls fail, that
/// is killed and loses its power, against a plain list of what it was promised, and beside a
/// reader that outlives all this. `tell` prints all of it.
pub fn case<R: Reach>(seed: u64, checker: &mut Checker, tell: bool) -> Happened {
    let said = Said {
        test: "simulation whatever",
        variable: "EVENTFOLD_SIMULATION",
        case: || seed.to_string(),
    };
    let mut random = Random(seed);
    let mut happened = Happened::default();
    checker.codec = codec::draw(&mut random);
    let mut lasting = Lasting::<R>::new(checker.codec);
    let mut run = Program::<R>::empty(checker.codec);
    for _ in 0..1 + random.below(3) {
        let len = 1 + random.below(8);
        let mut begun = 0;
        let told = Told(tell.then(|| run.disk.clone()));
        for step in Script::random(&mut random, len).steps() {
            if random.one_in(4) {
                run.disk.plan(plan(&mut random));
                happened.faults += 1;
            }
            begun = run.disk.operations();
            run.disk
                .history(|_, journal| lasting.follow(journal, &mut random));
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
        drop(told);
        let at = begun + random.below(run.disk.operations() - begun + 1);
        if tell {
            run.tell();
            println!("the power goes at operation {at}");
        }
        run.disk
            .history(|_, journal| lasting.follow(&journal[..at], &mut random));
        let Left {
            torn,
            opened,
            ledger,
        } = cut(&run, at, &mut random, checker);
        lasting.lose_power(&torn, &opened, &mut random);
        let disk = Disk::holding(opened);
        run = Program::on(disk, ledger, checker.codec, run.next);
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
        reads: random.one_in(4).then(|| random.below(60)),
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

/// What a power cut left.
pub struct Left {
    pub torn: Image,
    pub opened: Image,
    /// The events in it.
    pub ledger: Ledger,
}

/// Cuts the power during operation `at` and checks what is left.
pub fn cut<R: Reach>(
    run: &Program<R>,
    at: usize,
    random: &mut Random,
    checker: &mut Checker,
) -> Left {
    let promised = Promised::at(&run.ledger.0, at);
    let (torn, garbage) = run.disk.history(|base, journal| {
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
    let mut opened = torn.clone();
    let damaged = promised.damages(garbage);
    let recovery = R::recover(checker, &mut opened, &promised, damaged);
    check_kept(&torn, &recovery, opened.bytes(TORN));

    let mut ledger = Ledger::default();
    let mut scan = Scan::new(&opened, STORED, 0);
    while let Some(line) = scan.next_line().unwrap() {
        ledger.0.push(Known::left(line.position, line.bytes));
    }
    drop(scan);
    Left {
        torn,
        opened,
        ledger,
    }
}
