//! Random simulation: faults, kills and power cuts mixed.
#![cfg(not(target_arch = "wasm32"))]

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::Instant;

use eventfold_tests::sim::chaos::case;
use eventfold_tests::sim::check::Checker;

/// Cases that run in the test command.
const CASES: u64 = 2_000_000;

#[test]
fn whatever_fails_a_log_keeps_its_promises() {
    if let Ok(seed) = std::env::var("EVENTFOLD_SIMULATION") {
        let happened = case(seed.parse().unwrap(), &mut Checker::default(), true);
        println!("{happened:?}");
        return;
    }
    let cases = match std::env::var("EVENTFOLD_SIMULATION_CASES") {
        Ok(text) => text.parse().unwrap(),
        Err(_) => CASES,
    };
    let (begin, next) = (Instant::now(), AtomicU64::new(0));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    // What was checked is forgotten now and then, so that memory stays bounded.
                    let mut checker = Checker::default();
                    let from = next.fetch_add(1000, SeqCst);
                    if from >= cases {
                        return;
                    }
                    for seed in from..from + 1000 {
                        case(seed, &mut checker, false);
                    }
                }
            });
        }
    });
    let (ran, time) = (next.load(SeqCst) - 2000, begin.elapsed().as_secs());
    println!("simulation: {ran} cases in {time} s");
}
