//! The kept corpus of each fuzz target, without a fuzzer: what was found once stays found.
#![cfg(not(target_arch = "wasm32"))]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Instant;

use eventfold_tests::fuzz::TARGETS;
use eventfold_tests::proof;

#[test]
fn every_kept_input_runs_through() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let (begin, mut inputs) = (Instant::now(), BTreeSet::new());
    for (name, target) in TARGETS {
        let before = inputs.len();
        for file in fs::read_dir(corpus.join(name)).unwrap() {
            let path = file.unwrap().path();
            println!("{}", path.display());
            let bytes = fs::read(path).unwrap();
            target(&bytes);
            inputs.insert((name, bytes));
        }
        assert!(inputs.len() > before, "{name} has no corpus");
    }
    println!("{} inputs", inputs.len());
    proof::ran("fuzz corpus", inputs.len() as u64, begin.elapsed());
}

#[test]
fn every_target_has_a_program_and_every_program_a_target() {
    let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/fuzz_targets");
    let programs: BTreeSet<_> = fs::read_dir(programs)
        .unwrap()
        .map(|file| file.unwrap().path().file_stem().unwrap().to_owned())
        .collect();
    let targets: BTreeSet<_> = TARGETS.map(|(name, _)| name.into()).into();
    assert_eq!(programs, targets);
}
