//! Every call of a script fails, in every way that it can.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::str::FromStr;

use eventfold_core::Fold;

use super::chaos::cut;
use super::check::Checker;
use super::codec::STORED;
use super::disk::{Harm, Plan};
use super::image::Image;
use super::op::Op;
use super::random::Random;
use super::run::{Run, reduce};
use super::said::{Said, Told};
use super::script::Script;

/// Up to this length an append leaves each number of bytes in turn, by itself.
const EACH_BYTE: usize = 8192;
/// Power cuts after each failure.
const CUTS: usize = 3;

/// One case, as a failure prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failing {
    pub script: Script,
    /// Its number among those of the script.
    pub case: usize,
}

impl FromStr for Failing {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (script, case) = text.split_once(':').ok_or("takes a script and a number")?;
        Ok(Self {
            script: script.parse()?,
            case: case.parse().map_err(|_| "the case is no number")?,
        })
    }
}

/// Runs a script with each of its calls failing in turn, and lets it go on as a program would;
/// then cuts the power and checks what is left. Returns how many cases there were.
///
/// The script must not kill: its kills are failing calls themselves.
pub fn fail_each_call(script: &Script, only: Option<usize>) -> usize {
    let whole = Run::of(script);
    let mut checker = Checker::new(script.codec());
    let plans = plans(script, &whole);
    for (n, plan) in plans.iter().enumerate() {
        if only.is_some_and(|only| only != n) {
            continue;
        }
        let said = Said {
            test: "failing_calls whatever_call",
            variable: "EVENTFOLD_FAILING",
            case: || format!("{script}:{n}"),
        };
        if only.is_some() {
            println!("{plan:?}");
        }
        fail(script, *plan, n, &mut checker, only.is_some());
        drop(said);
    }
    plans.len()
}

fn fail(script: &Script, plan: Plan, n: usize, checker: &mut Checker, tell: bool) {
    let mut run = Run::before(script);
    run.disk.plan(plan);
    let told = Told(tell.then(|| run.disk.clone()));
    let mut failed_at = None;
    for step in script.steps() {
        let before = run.disk.operations();
        run.step(step);
        if run.disk.failed() > 0 {
            failed_at.get_or_insert(before);
        }
    }
    let Some(failed_at) = failed_at else {
        panic!("the call was not made");
    };
    run.open();
    drop(told);
    if tell {
        run.tell();
    }
    let mut random = Random(n as u64);
    for n in 0..CUTS {
        // After everything once, and anywhere from the failure on.
        let ahead = run.disk.operations() - failed_at;
        let at = match n {
            0 => failed_at + ahead,
            _ => failed_at + random.below(ahead + 1),
        };
        if tell {
            println!("the power goes at operation {at}");
        }
        cut(&run, at, &mut random, checker);
    }
}

/// Every way in which one call of this run can fail.
fn plans(script: &Script, whole: &Run) -> Vec<Plan> {
    let mut plans = Vec::new();
    whole.disk.history(|_, journal| {
        for (n, op) in journal.iter().enumerate() {
            for harm in harms(op) {
                for for_good in [false, true] {
                    // For a disk that gives up, and cannot be cut either, there is no remedy.
                    if !(for_good && harm == Harm::GiveUp) {
                        plans.push(Plan {
                            writes: Some((n, harm)),
                            for_good,
                            ..Plan::default()
                        });
                    }
                }
            }
        }
    });
    // A program reads before it is told to fail.
    let reads = whole.disk.reads() - Run::before(script).disk.reads();
    for n in 0..reads {
        plans.extend([false, true].map(|for_good| Plan {
            reads: Some(n),
            for_good,
            ..Plan::default()
        }));
    }
    plans
}

fn harms(op: &Op) -> Vec<Harm> {
    match op {
        Op::Append { bytes, .. } => {
            let len = bytes.len();
            let parts: Vec<usize> = match len {
                0..=EACH_BYTE => (1..len).collect(),
                len => (1..len).step_by(len / 6).chain([len - 1]).collect(),
            };
            let parts = parts.into_iter().map(Harm::Part);
            [Harm::Refuse, Harm::Done]
                .into_iter()
                .chain(parts)
                .collect()
        }
        Op::Truncate { .. } | Op::Remove { .. } => vec![Harm::Refuse, Harm::Done],
        Op::Replace { .. } => vec![Harm::Refuse],
        Op::Sync { .. } | Op::GiveUp { .. } => vec![Harm::Refuse, Harm::GiveUp],
    }
}

/// Folds the events of a script with a reducer that panics at each of them in turn: the fold stays
/// as it was, and goes on when the reducer does. Returns how many panics there were.
pub fn panic_at_each_event(script: &Script) -> usize {
    let run = Run::of(script);
    let shown = run.disk.shown(Image::clone);
    let nothing = Fold::new((0, 0));
    let all = nothing.refreshed(&shown, STORED, reduce).unwrap();
    let Some(all) = all else {
        return 0;
    };
    let events = all.state().0;
    for panics in 0..events {
        let fold = nothing.clone();
        let refreshed = catch_unwind(AssertUnwindSafe(|| {
            fold.refreshed(&shown, STORED, |state, line| {
                if state.0 == panics {
                    // Without a word, unlike a panic that nobody expects.
                    resume_unwind(Box::new(()));
                }
                reduce(state, line)
            })
        }));
        assert!(refreshed.is_err());
        assert_eq!(fold, nothing);
        assert_eq!(
            fold.refreshed(&shown, STORED, reduce).unwrap().as_ref(),
            Some(&all)
        );
    }
    events as usize
}
