//! Every bit of small archives, logs and snapshots flipped, one at a time: in files on a real file
//! system, with all that a program does afterwards.
//!
//! | flipped in | what holds |
//! |---|---|
//! | an archive of ours | each event comes back as it was, in its place, or an error or the recovery tells of it; what is in the log is whole |
//! | an archive of 0.2.0, which has no checksums | it ends, in events or in an error that changes nothing; what is in the log is whole |
//! | a log | every line but the damaged one (two, when the bit lies in a newline) is read as it was, in its place |
//! | a snapshot | the view is right |
//!
//! And always: nothing panics, an append after it is there and stays there, and opening twice
//! finds nothing more to do.
//!
//! `EVENTFOLD_FLIPS=10000000` flips so many instead of what the test command has time for.
#![cfg(not(target_arch = "wasm32"))]

#[path = "bit_flips/flipped.rs"]
mod flipped;
#[path = "bit_flips/subjects.rs"]
mod subjects;
mod support;

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::Instant;

use eventfold_tests::proof;
use eventfold_tests::sim::random::Random;
use flipped::Subject;
use support::{Context, amount, in_memory};

const FLIPS: u64 = 50_000;

const LOG: &str = "app.jsonl";
const ARCHIVE: &str = "archive.jsonl.zst";
const SNAPSHOT: &str = "views/sum.snapshot.json";

/// Makes a subject of so many kinds, out of events drawn from a seed.
const KINDS: [fn(&mut Random) -> Subject; 8] = [
    subjects::sealed_archive,
    subjects::archive_without_its_seal,
    subjects::archive_with_a_copy_of_the_log,
    subjects::log,
    subjects::snapshot,
    subjects::archive_of_0_2,
    subjects::archive_of_0_2_sealed,
    subjects::snapshot_of_0_2,
];

#[test]
fn whatever_bit_is_flipped_nothing_wrong_is_read_and_nothing_else_is_lost() {
    let (flips, begin) = (amount("EVENTFOLD_FLIPS", FLIPS), Instant::now());
    let (next, flipped) = (AtomicU64::new(0), AtomicU64::new(0));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let bench = in_memory();
                while flipped.load(SeqCst) < flips {
                    let seed = next.fetch_add(1, SeqCst);
                    let make = KINDS[(seed % KINDS.len() as u64) as usize];
                    let subject = make(&mut Random(seed));
                    for bit in 0..subject.damaged().len() * 8 {
                        let name = subject.name;
                        let _context = Context(format!("bit {bit} of the {name} of seed {seed}"));
                        subject.flip(bit, &bench);
                        flipped.fetch_add(1, SeqCst);
                    }
                }
            });
        }
    });
    let (flipped, took) = (flipped.into_inner(), begin.elapsed());
    println!(
        "bit flips: {flipped} distinct in {:.1} s",
        took.as_secs_f64()
    );
    proof::ran("bit flips", flipped, took);
}
