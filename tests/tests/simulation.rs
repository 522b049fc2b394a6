//! Random simulation: faults, kills and power cuts mixed.
//!
//! `EVENTFOLD_SIMULATION_CASES=n` runs so many cases instead of what the test command has time
//! for, and `EVENTFOLD_SIMULATION=n`, as a failure prints it, the one case.
#![cfg(not(target_arch = "wasm32"))]

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::Instant;

use eventfold_tests::proof;
use eventfold_tests::sim::chaos::case;
use eventfold_tests::sim::check::Checker;
use eventfold_tests::sim::reach::Direct;

/// Cases that run in the test command.
const CASES: u64 = 2_000_000;

#[test]
fn whatever_fails_a_log_keeps_its_promises() {
    if let Ok(seed) = std::env::var("EVENTFOLD_SIMULATION") {
        let happened = case::<Direct>(seed.parse().unwrap(), &mut Checker::default(), true);
        println!("{happened:?}");
        return;
    }
    let cases = match std::env::var("EVENTFOLD_SIMULATION_CASES") {
        Ok(text) => text.parse().unwrap(),
        Err(_) => CASES,
    };
    let (begin, next) = (Instant::now(), AtomicU64::new(0));
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    // What was checked is forgotten now and then, so that memory stays bounded.
                    let mut checker = Checker::default();
                    let from = next.fetch_add(1000, SeqCst);
                    if from >= cases {
                        return;
                    }
                    for seed in from..cases.min(from + 1000) {
                        case::<Direct>(seed, &mut checker, false);
                    }
                }
            });
        }
    });
    let took = begin.elapsed();
    println!("simulation: {cases} cases in {} s", took.as_secs());
    proof::ran("random simulation", cases, took);
}
