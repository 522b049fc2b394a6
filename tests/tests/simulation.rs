//! Random simulation: faults, kills and power cuts mixed, beside a reader that outlives them.
//!
//! `EVENTFOLD_SIMULATION_CASES=n` runs so many cases instead of what the test command has time
//! for, and `EVENTFOLD_SIMULATION=n` or `EVENTFOLD_OUTLIVED=…`, as a failure prints it, the one
//! case.
#![cfg(not(target_arch = "wasm32"))]

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::Instant;

use eventfold_tests::proof;
use eventfold_tests::sim::chaos::case;
use eventfold_tests::sim::check::Checker;
use eventfold_tests::sim::codec::STORED;
use eventfold_tests::sim::lasting::outlive;
use eventfold_tests::sim::reach::Direct;
use eventfold_tests::sim::run::Run;
use eventfold_tests::sim::script::Script;

/// Cases that run in the test command.
const CASES: u64 = 2_000_000;

#[test]
fn whatever_fails_a_log_keeps_its_promises() {
    if let Ok(seed) = std::env::var("EVENTFOLD_SIMULATION") {
        let happened = case::<Direct>(seed.parse().unwrap(), &mut Checker::new(STORED), true);
        println!("{happened:?}");
        return;
    }
    let begin = Instant::now();
    let cases = on_each_thread(cases(), |seeds| {
        // What was checked is forgotten now and then, so that memory stays bounded.
        let mut checker = Checker::new(STORED);
        for seed in seeds {
            case::<Direct>(seed, &mut checker, false);
        }
    });
    let took = begin.elapsed();
    println!("simulation: {cases} cases in {} s", took.as_secs());
    proof::ran("random simulation", cases, took);
}

#[test]
fn whoever_outlives_kills_reads_on_as_who_begins_then() {
    if let Ok(case) = std::env::var("EVENTFOLD_OUTLIVED") {
        let (script, seed) = case.split_once(':').unwrap();
        let script = script.parse().unwrap();
        Run::of(&script).tell();
        return outlive(&script, seed.parse().unwrap());
    }
    let (begin, fixed) = (Instant::now(), Script::fixed());
    // Half of them are the fixed ones, again and again.
    let cases = on_each_thread(cases() / 20, |seeds| {
        for seed in seeds {
            match fixed.get(seed as usize % (2 * fixed.len())) {
                Some(script) => outlive(script, seed),
                None => outlive(&Script::any(seed), seed),
            }
        }
    });
    let took = begin.elapsed();
    println!("outlived kills: {cases} cases in {} s", took.as_secs());
    proof::ran("outlived kills", cases, took);
}

/// How many cases of the random simulation are to run.
fn cases() -> u64 {
    match std::env::var("EVENTFOLD_SIMULATION_CASES") {
        Ok(text) => text.parse().unwrap(),
        Err(_) => CASES,
    }
}

/// Runs so many cases, a thousand at a time, and returns how many they were.
fn on_each_thread(cases: u64, run: impl Fn(Range<u64>) + Sync) -> u64 {
    let next = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let from = next.fetch_add(1000, SeqCst);
                    if from >= cases {
                        return;
                    }
                    run(from..cases.min(from + 1000));
                }
            });
        }
    });
    cases
}
