//! The simulated disk as a host in JavaScript, with the store of the package over it, on Node:
//! the random simulation, and power cuts at every operation of some scripts.
//!
//! A seed or an image that fails here is run natively by `simulation.rs` and `power_cuts.rs`, where
//! the codec of programs is another one.
#![cfg(target_arch = "wasm32")]

use std::time::Duration;

use eventfold_tests::proof;
use eventfold_tests::sim::chaos::case;
use eventfold_tests::sim::check::Checker;
use eventfold_tests::sim::codec::STORED;
use eventfold_tests::sim::explore::{Depth, explore};
use eventfold_tests::sim::hosted::Hosted;
use eventfold_tests::sim::script::Script;
use eventfold_tests::sim::seen::Seen;
use wasm_bindgen_test::{console_log, wasm_bindgen_test as test};

/// Cases of the random simulation, which take some ten seconds.
const CASES: u64 = 20_000;

/// A part of what can be drawn: images take as long again.
const DEPTH: Depth = Depth {
    cuts: 20,
    seconds: 4,
    second_cuts: 4,
};

#[test]
fn whatever_fails_a_log_on_a_host_keeps_its_promises() {
    let begin = ready();
    // Seeds that the native simulation does not take in its time.
    let first = u64::MAX - CASES;
    for seed in first..u64::MAX {
        let checker = &mut Checker::new(STORED);
        if seed % 1000 == 0 {
            // Shown when a case fails, where no destructor runs.
            console_log!("seeds from {seed}");
        }
        case::<Hosted>(seed, checker, false);
    }
    report("wasm: random simulation", CASES, begin);
}

#[test]
fn whatever_a_power_cut_leaves_on_a_host_opens_with_everything_acknowledged() {
    let begin = ready();
    let seen = Seen::with_room(1_000_000);
    for script in Script::fixed() {
        console_log!("script {script}");
        explore::<Hosted>(&script, DEPTH, &seen);
    }
    report("wasm: power cuts", seen.count() as u64, begin);
}

/// Makes room: a host's arrays lie in memory that must not grow while it is called.
fn ready() -> f64 {
    drop(Vec::<u8>::with_capacity(256 << 20));
    js_sys::Date::now()
}

fn report(suite: &str, cases: u64, begin: f64) {
    let took = Duration::from_secs_f64((js_sys::Date::now() - begin) / 1000.0);
    console_log!("{suite}: {cases} cases in {:.1} s", took.as_secs_f64());
    proof::ran(suite, cases, took);
}
