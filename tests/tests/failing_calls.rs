//! Every call of a script to its disk fails in turn, in every way that it can, once or from then
//! on, and what the program goes on with and what a power cut leaves of it is checked.
//!
//! `EVENTFOLD_FAILING_SCRIPTS=n` takes so many scripts of 20 steps more, and `EVENTFOLD_FAILING=…`, as a failure prints it, the one
//! case.
#![cfg(not(target_arch = "wasm32"))]

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Instant;

use eventfold_tests::proof;
use eventfold_tests::sim::failing::{Failing, fail_each_call, panic_at_each_event};
use eventfold_tests::sim::script::Script;
use eventfold_tests::sim::shaky::read_with_mishaps;

fn scripts() -> Vec<Script> {
    let scripts = Script::fixed().into_iter();
    scripts.filter(|script| !script.kills()).collect()
}

#[test]
fn whatever_call_fails_no_promise_is_broken() {
    if let Ok(case) = std::env::var("EVENTFOLD_FAILING") {
        let Failing { script, case } = case.parse().unwrap();
        fail_each_call(&script, Some(case));
        return;
    }
    let more = std::env::var("EVENTFOLD_FAILING_SCRIPTS").map_or(0, |text| text.parse().unwrap());
    let (begin, fixed) = (Instant::now(), scripts());
    let (next, cases) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, SeqCst);
                    let script = match fixed.get(n) {
                        Some(script) => script.clone(),
                        None if n < fixed.len() + more => Script::long(n),
                        None => break,
                    };
                    let ran = fail_each_call(&script, None);
                    cases.fetch_add(ran, SeqCst);
                }
            });
        }
    });
    let (cases, took) = (cases.into_inner() as u64, begin.elapsed());
    println!(
        "failing calls: {cases} cases in {:.1} s",
        took.as_secs_f64()
    );
    proof::ran("failing calls", cases, took);
}

#[test]
fn whatever_happens_to_a_file_that_is_read_no_line_comes_twice_or_wrong() {
    let begin = Instant::now();
    let readings: usize = scripts().iter().map(read_with_mishaps).sum();
    println!(
        "shaky files: {readings} readings in {:.1} s",
        begin.elapsed().as_secs_f64()
    );
    proof::ran("shaky files", readings as u64, begin.elapsed());
}

#[test]
fn a_reducer_that_panics_at_any_event_leaves_its_fold_as_it_was() {
    let panics: usize = scripts().iter().map(panic_at_each_event).sum();
    assert!(panics > 100, "{panics} panics only");
}
