//! Power cuts at every operation, in every way that the disk's contract allows.
//!
//! `EVENTFOLD_CUT_IMAGES=n` goes on with scripts of 20 steps until there are so many images, and
//! takes eleven bytes of memory for each; `EVENTFOLD_CUT_SCRIPT=letters` takes the one script
//! only, and `EVENTFOLD_CUT=…`, as a failure prints it, the one image.
#![cfg(not(target_arch = "wasm32"))]

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Instant;

use eventfold_core::{Slot, Storage};
use eventfold_tests::places::Memory;
use eventfold_tests::sim::between::read_between;
use eventfold_tests::sim::explore::{Depth, explore, replay};
use eventfold_tests::sim::reach::Direct;
use eventfold_tests::sim::script::{LETTERS, Script};
use eventfold_tests::sim::seen::Seen;
use eventfold_tests::{Place, append, proof};

/// How many images there are in the test command at least.
const IMAGES: usize = 2_000_000;

/// More than one script leaves.
const OVER: usize = 3_000_000;

#[test]
fn the_fixed_scripts_hold_every_pair_of_steps() {
    let scripts = Script::fixed();
    assert_eq!(scripts.len(), 52);
    let prepared = |step| [format!("p{step}"), format!("{step}p")];
    let prepared = LETTERS.chars().flat_map(prepared);
    for pair in Script::pairs().into_iter().chain(prepared) {
        assert!(scripts.iter().any(|script| script.holds(&pair)), "{pair}");
    }
}

#[test]
fn whatever_a_power_cut_leaves_opens_with_everything_acknowledged() {
    if let Ok(image) = std::env::var("EVENTFOLD_CUT") {
        return replay(&image.parse().unwrap());
    }
    if let Ok(script) = std::env::var("EVENTFOLD_CUT_SCRIPT") {
        return explore_alone(&script);
    }
    let images = std::env::var("EVENTFOLD_CUT_IMAGES").map_or(0, |text| text.parse().unwrap());
    let (begin, fixed) = (Instant::now(), Script::fixed());
    let (seen, next) = (Seen::with_room(images + OVER), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, SeqCst);
                    let script = match fixed.get(n) {
                        Some(script) => script.clone(),
                        None if seen.count() < images => Script::long(n),
                        None => break,
                    };
                    explore::<Direct>(&script, Depth::of(&script), &seen);
                    if script.is_long() && n % 200 == 0 {
                        let seconds = begin.elapsed().as_secs();
                        println!("{} images, {n} scripts, {seconds} s", seen.count());
                    }
                }
            });
        }
    });
    let (images, took) = (seen.count(), begin.elapsed());
    println!(
        "power cuts: {images} distinct images in {} s",
        took.as_secs()
    );
    assert!(images > IMAGES, "{images} images only");
    proof::ran("power cuts", images as u64, took);
}

fn explore_alone(script: &str) {
    let script = script.parse().unwrap();
    explore::<Direct>(&script, Depth::of(&script), &Seen::with_room(OVER));
}

#[test]
fn readers_see_each_event_once_whatever_the_writer_does_between_their_calls() {
    let (mut readings, begin) = (0, Instant::now());
    for script in Script::fixed().iter().filter(|script| !script.kills()) {
        readings += read_between(script, 12);
    }
    println!("readers in between: {readings} readings");
    assert!(readings > 50_000, "{readings} readings only");
    proof::ran("readers in between", readings as u64, begin.elapsed());
}

#[test]
fn a_rotation_of_several_blocks_is_recovered() {
    for script in ["LLsr", "LL3ro"] {
        explore_alone(script);
    }
}

/// A seal that a killed process left without a sync, and a log that then begins as the rotated one
/// did.
#[test]
fn an_unsynced_seal_is_made_durable_before_anything_is_appended() {
    for script in ["e6re", "ee6ree", "e5ree6reee"] {
        explore_alone(script);
    }
}

/// Readers pass over blank lines, and so hide what recovery did not cut, until the next append.
#[test]
fn blank_lines_behind_nuls_are_cut_with_them() {
    let place = Memory::empty();
    append(&mut place.open(), 0);
    let nuls = b"\0\0\n\r\n\n";
    place.store().append(Slot::Log, nuls).unwrap();
    assert_eq!(place.open_reporting().1.torn_log_bytes, nuls.len() as u64);
    place.assert_sound(&[0]);
}

#[test]
fn a_snapshot_of_events_that_are_not_durable_is_not_believed() {
    // The last of them in another sector than those before, of the same process or of one that
    // ended.
    for script in ["abBV", "aTV", "aToV"] {
        explore_alone(script);
    }
}
