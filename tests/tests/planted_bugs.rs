//! The suites are checked: each bug that is planted in the log is found by those that should.
//!
//! `EVENTFOLD_PLANTED_BUG=name` plants one, in a suite's program and in every process that it
//! starts, also in a run by hand with the feature `planted-bugs`.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use eventfold_core::planted::Bug;
use eventfold_tests::proof;

/// A suite that hangs has found nothing.
const PATIENCE: Duration = Duration::from_secs(120);

/// A test program, and how much of what it could do it is to do.
#[derive(Debug, Clone, Copy)]
struct Suite {
    program: &'static str,
    /// These of its tests, or all.
    tests: &'static [&'static str],
    limit: Option<(&'static str, &'static str)>,
    /// How often it may miss a bug before it finds it, since what it does is left to chance.
    misses: usize,
}

const fn whole(program: &'static str) -> Suite {
    some(program, &[])
}

const fn some(program: &'static str, tests: &'static [&'static str]) -> Suite {
    Suite {
        program,
        tests,
        limit: None,
        misses: 0,
    }
}

const MEMORY: Suite = whole("memory");
const INTERLEAVINGS: Suite = whole("interleavings");
const POWER_CUTS: Suite = Suite {
    limit: Some(("EVENTFOLD_CUT_SCRIPT", "aBrere")),
    ..some(
        "power_cuts",
        &[
            "whatever_a_power_cut_leaves_opens_with_everything_acknowledged",
            "an_unsynced_seal_is_made_durable_before_anything_is_appended",
            "a_snapshot_of_events_that_are_not_durable_is_not_believed",
        ],
    )
};
const SIMULATION: Suite = Suite {
    limit: Some(("EVENTFOLD_SIMULATION_CASES", "40000")),
    ..whole("simulation")
};
const KILLS: Suite = Suite {
    limit: Some(("EVENTFOLD_KILLS", "300")),
    misses: 2,
    ..some(
        "kills",
        &["a_writer_killed_at_any_moment_loses_nothing_it_acknowledged"],
    )
};
const ROTATING: Suite = Suite {
    limit: Some(("EVENTFOLD_ROTATIONS", "1000")),
    misses: 2,
    ..whole("rotating")
};
const LOCK_TORTURE: Suite = Suite {
    limit: Some(("EVENTFOLD_OPENS", "600")),
    misses: 2,
    ..whole("lock_torture")
};
const SYSTEM_CALLS: Suite = whole("system_calls");
const LOCK: Suite = some("eventfold", &["lock::tests::"]);
const LOCKING: Suite = whole("locking_tests");
const LOCK_PROCESSES: Suite = some(
    "lock_processes",
    &[
        "a_log_replaced_under_its_writer_admits_no_second_one_and_acknowledges_nothing",
        "a_log_removed_under_its_writer_admits_no_second_one_and_rotates_nothing_away",
    ],
);
const SHARED_WRITERS: Suite = whole("shared_writers");
const WAITING: Suite = some(
    "waiting",
    &[
        "a_fragment_that_grows_is_no_event_until_it_is_whole",
        "a_rotation_ends_no_wait_and_the_event_after_it_does",
    ],
);
const BAD_DATA: Suite = whole("bad_data");
const BAD_DISKS: Suite = some(
    "bad_disks",
    &["an_append_that_finds_room_for_any_part_of_its_line_is_absent"],
);
const BAD_REDUCERS: Suite = whole("bad_reducers");
const BAD_SNAPSHOTS: Suite = whole("bad_snapshots");

/// The suites that have to find it.
fn finders(bug: Bug) -> &'static [Suite] {
    match bug {
        Bug::AppendUnsynced => &[POWER_CUTS, SIMULATION, MEMORY, SYSTEM_CALLS],
        Bug::NewlineApart => &[MEMORY],
        Bug::RollBackLeftOut => &[SIMULATION, MEMORY, BAD_DISKS],
        Bug::RollBackForgiven => &[SIMULATION, MEMORY],
        Bug::SyncForgiven => &[SIMULATION, LOCK_PROCESSES],
        Bug::GivenUpLeft => &[SIMULATION, MEMORY],
        Bug::SeenLogTakenForDurable => &[SIMULATION],
        Bug::OthersUnseen => &[MEMORY, SHARED_WRITERS],
        Bug::DepthUnchecked => &[MEMORY, BAD_DATA],
        Bug::RotatedUnsynced | Bug::ArchiveUnsynced => &[POWER_CUTS, SIMULATION, SYSTEM_CALLS],
        Bug::SealedEarly => &[POWER_CUTS, SIMULATION, INTERLEAVINGS, MEMORY, KILLS],
        Bug::SealUnsynced | Bug::SeenTakenForDurable => &[POWER_CUTS, SIMULATION],
        Bug::TornLineLeft => &[POWER_CUTS, SIMULATION, MEMORY, KILLS],
        Bug::CutUnkept => &[POWER_CUTS, SIMULATION, MEMORY],
        Bug::LogUncompared | Bug::EmptyFramesUnsealed => &[MEMORY],
        Bug::RotationUnseen => &[INTERLEAVINGS, ROTATING],
        Bug::EmptiedLogUnseen => &[INTERLEAVINGS],
        Bug::OtherArchiveUnseen | Bug::TornLinesKept => &[SIMULATION, INTERLEAVINGS],
        Bug::BlockUnchecked => &[POWER_CUTS, SIMULATION, MEMORY],
        Bug::SnapshotUnsynced => &[POWER_CUTS, SYSTEM_CALLS],
        Bug::SnapshotUnchecked | Bug::ErrorTakenForTheEnd => &[MEMORY],
        Bug::SnapshotOfAnyLog => &[MEMORY, BAD_SNAPSHOTS],
        Bug::SnapshotOfAnyVersion => &[BAD_SNAPSHOTS],
        Bug::StateLostOnError => &[BAD_REDUCERS],
        Bug::StateAheadOfSnapshot => &[BAD_SNAPSHOTS],
        Bug::RepairedUnlocked => &[LOCKING, SYSTEM_CALLS],
        Bug::LockedFileUnchecked => &[LOCK],
        Bug::DirectoryUnlocked | Bug::ReplacedLogUnseen => &[LOCK_PROCESSES, LOCK_TORTURE],
        Bug::FileUnsynced | Bug::NamesUnsynced | Bug::RenamedUnsynced => &[SYSTEM_CALLS],
        Bug::WokenByAnything => &[WAITING],
    }
}

#[test]
fn every_planted_bug_is_found() {
    let begin = Instant::now();
    let bugs = Bug::ALL.iter().map(|(bug, _)| *bug);
    let suites: BTreeMap<_, _> = bugs
        .flat_map(finders)
        .map(|suite| (suite.program, *suite))
        .collect();
    let programs = build(&suites);
    let fails = |suite: &Suite, bug| failure(suite, &programs[suite.program], bug);

    // Else it would be no bug that was found.
    for (name, suite) in &suites {
        if let Some(said) = fails(suite, None) {
            panic!("{name} fails without a bug:\n{said}");
        }
    }
    let mut missed = Vec::new();
    for (bug, what) in Bug::ALL {
        let finds = |suite: &&Suite| (0..=suite.misses).any(|_| fails(suite, Some(*bug)).is_some());
        let (found, not): (Vec<&Suite>, Vec<_>) = finders(*bug).iter().partition(finds);
        let names: Vec<_> = found.iter().map(|suite| suite.program).collect();
        println!("{bug:?}: {what}. Found by {}.", names.join(", "));
        missed.extend(not.iter().map(|suite| (bug, suite.program)));
        assert!(!finders(*bug).is_empty(), "nobody has to find {bug:?}");
    }
    assert!(missed.is_empty(), "not found: {missed:?}");
    println!("{} bugs, all found", Bug::ALL.len());
    proof::ran("planted bugs", Bug::ALL.len() as u64, begin.elapsed());
}

/// Builds the suites with bugs in them, and returns where each program is.
fn build(suites: &BTreeMap<&str, Suite>) -> BTreeMap<String, PathBuf> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["test", "--no-run", "--message-format=json"]);
    cargo.args(["--features", "eventfold-tests/planted-bugs"]);
    for package in ["eventfold", "eventfold-tests"] {
        // There is an older `eventfold` among the dependencies.
        cargo.args(["-p", &format!("{package}@{}", env!("CARGO_PKG_VERSION"))]);
    }
    for name in suites.keys() {
        match *name {
            "eventfold" => cargo.arg("--lib"),
            name => cargo.args(["--test", name]),
        };
    }
    let built = cargo.stderr(Stdio::inherit()).output().unwrap();
    assert!(built.status.success());
    let messages = String::from_utf8(built.stdout).unwrap();
    let program = |message: &str| {
        let message: serde_json::Value = serde_json::from_str(message).ok()?;
        let name = message["target"]["name"].as_str()?.to_owned();
        Some((name, message["executable"].as_str()?.into()))
    };
    messages.lines().filter_map(program).collect()
}

/// Runs a suite and returns what it said if one of its tests failed.
fn failure(suite: &Suite, program: &Path, bug: Option<Bug>) -> Option<String> {
    let mut command = Command::new(program);
    // Above all `EVENTFOLD_PROOF`: what runs with a bug, or in part, proves nothing.
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("EVENTFOLD_")) {
        command.env_remove(name);
    }
    command.args(suite.tests).envs(suite.limit);
    command.envs(bug.map(|bug| ("EVENTFOLD_PLANTED_BUG", format!("{bug:?}"))));
    let mut output = tempfile::tempfile().unwrap();
    let to = |file: &File| Stdio::from(file.try_clone().unwrap());
    command.stdout(to(&output)).stderr(to(&output));

    let mut child = command.stdin(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None if start.elapsed() < PATIENCE => thread::sleep(Duration::from_millis(5)),
            None => {
                child.kill().unwrap();
                child.wait().unwrap();
                panic!("{} does not end with {bug:?}", suite.program);
            }
        }
    };
    let mut said = String::new();
    output.rewind().unwrap();
    output.read_to_string(&mut said).unwrap();
    if status.success() {
        let passed = said.matches(" ... ok\n").count();
        assert!(passed >= suite.tests.len().max(1), "{said}");
        return None;
    }
    // What a suite keeps for somebody to look at.
    let kept = |line: &str| line.strip_prefix("left as it was: ").map(PathBuf::from);
    for dir in said.lines().filter_map(kept) {
        let _ = fs::remove_dir_all(dir);
    }
    // Not by a signal, nor before its first test.
    let by_a_test = said.contains(" ... FAILED\n");
    assert!(by_a_test, "{suite:?} with {bug:?}: {status}\n{said}");
    Some(said)
}
