//! Power cuts at every operation, in every way that the disk's contract allows.
//!
//! `EVENTFOLD_CUT_SECONDS=n` goes on with scripts of 20 steps for at least so long,
//! `EVENTFOLD_CUT_SCRIPT=letters` takes the one script only, and `EVENTFOLD_CUT=…`, as a failure
//! prints it, the one image.
#![cfg(not(target_arch = "wasm32"))]

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use eventfold_core::{Slot, Storage};
use eventfold_tests::places::Memory;
use eventfold_tests::sim::between::read_between;
use eventfold_tests::sim::explore::{Depth, Replay, Seen, explore};
use eventfold_tests::sim::random::Random;
use eventfold_tests::sim::script::Script;
use eventfold_tests::{Place, append};

/// What the test command has time for.
const DEPTH: Depth = Depth {
    cuts: 20_000,
    seconds: 2000,
    second_cuts: 450,
};

#[test]
fn the_fixed_scripts_hold_every_pair_of_steps() {
    let scripts = Script::fixed();
    assert_eq!(scripts.len(), 40);
    for pair in Script::pairs() {
        assert!(scripts.iter().any(|script| script.holds(&pair)), "{pair}");
    }
}

#[test]
fn whatever_a_power_cut_leaves_opens_with_everything_acknowledged() {
    if let Ok(replay) = std::env::var("EVENTFOLD_CUT") {
        let replay: Replay = replay.parse().unwrap();
        explore(&replay.script, DEPTH, &Seen::default(), Some(&replay));
        return;
    }
    if let Ok(script) = std::env::var("EVENTFOLD_CUT_SCRIPT") {
        explore(&script.parse().unwrap(), DEPTH, &Seen::default(), None);
        return;
    }
    let (begin, seen, next) = (Instant::now(), Seen::default(), AtomicUsize::new(0));
    let scripts = Script::fixed();
    let seconds = std::env::var("EVENTFOLD_CUT_SECONDS").map_or(0, |text| text.parse().unwrap());
    let longer = Duration::from_secs(seconds);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, SeqCst);
                    let script = match scripts.get(n) {
                        Some(script) => script.clone(),
                        None if begin.elapsed() < longer => {
                            Script::random(&mut Random(n as u64), 20)
                        }
                        None => break,
                    };
                    explore(&script, DEPTH, &seen, None);
                }
            });
        }
    });
    let (images, time) = (seen.count(), begin.elapsed().as_secs());
    println!("power cuts: {images} distinct images in {time} s");
    assert!(images > 2_000_000, "{images} images only");
}
#[test]
fn readers_see_each_event_once_whatever_the_writer_does_between_their_calls() {
    let mut readings = 0;
    for script in Script::fixed().iter().filter(|script| !script.kills()) {
        readings += read_between(script, 12);
    }
    println!("readers in between: {readings} readings");
    assert!(readings > 50_000, "{readings} readings only");
}

#[test]
fn a_rotation_of_several_blocks_is_recovered() {
    let depth = Depth {
        cuts: 1,
        seconds: 1,
        second_cuts: 0,
    };
    for script in ["LLsr", "LL3ro"] {
        explore(&script.parse().unwrap(), depth, &Seen::default(), None);
    }
}

/// A seal that a killed process left without a sync, and a log that then begins as the rotated one
/// did.
#[test]
fn an_unsynced_seal_is_made_durable_before_anything_is_appended() {
    for script in ["e6re", "ee6ree", "e5ree6reee"] {
        explore(&script.parse().unwrap(), DEPTH, &Seen::default(), None);
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
    for script in ["aTV", "aToV"] {
        explore(&script.parse().unwrap(), DEPTH, &Seen::default(), None);
    }
}
