//! The true order of system calls, as `strace` sees it: what the simulated disk's operations stand
//! for is what a real program does, and in the order that a crash needs.
#![cfg(target_os = "linux")]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use eventfold_tests::proof;
use eventfold_tests::real::calls::{Call, call};
use eventfold_tests::real::expansion::FILES;
use eventfold_tests::real::program::{expected_calls, images};
use eventfold_tests::sim::image::Image;
use eventfold_tests::sim::script::Script;
use support::{Actor, Context, Kept, in_memory};

const LOG: &str = "app.jsonl";
const ARCHIVE: &str = "archive.jsonl.zst";
const TORN: &str = "torn.bin";

/// A program to trace: what its directory holds first, if there is one, and what it does there.
struct Case {
    image: Option<Image>,
    script: Script,
    next: u64,
}

#[test]
fn a_program_makes_the_system_calls_that_the_simulated_disk_stands_for() {
    let begin = Instant::now();
    let scripts = Script::fixed().into_iter().filter(|script| !script.kills());
    let new = scripts.map(|script| Case {
        image: None,
        script,
        next: 0,
    });
    // Every recovery: of a torn line, of a torn frame, of a rotation that was interrupted anywhere;
    // and of a recovery that was.
    let mut left = images(&Image::default(), &"atrVarbAT".parse().unwrap());
    for n in 0..left.len() {
        for again in images(&left[n], &"".parse().unwrap()) {
            if !left.contains(&again) {
                left.push(again);
            }
        }
    }
    let recoveries = left.into_iter().map(|image| Case {
        image: Some(image),
        script: "abVtrVoa".parse().unwrap(),
        next: 1000,
    });
    let cases: Vec<Case> = new.chain(recoveries).collect();
    let parent = in_memory();
    let mut sum = 0;
    for (n, all) in traced(&cases, &parent).into_iter().enumerate() {
        let case = &cases[n];
        let dir = dir(&parent, n);
        let _context = Context(format!("case {n}: {}", case.script));
        sum += all.len() as u64;
        check_order(&all, case.image.as_ref());
        let (expected, image) = expected_calls(case.image.as_ref(), &case.script, case.next);
        let is_reading = |call: &Call| matches!(call, Call::Read(_));
        let writing: Vec<Call> = all.into_iter().filter(|call| !is_reading(call)).collect();
        assert_same(&writing, &expected);
        // The same bytes as well.
        for (file, bytes) in FILES.iter().zip(&image.slots) {
            let found = fs::read(dir.join(file)).unwrap_or_default();
            assert!(
                found == bytes.as_deref().unwrap_or_default(),
                "{file} differs"
            );
        }
    }
    let took = begin.elapsed();
    println!(
        "system calls: {sum} of {} programs in {:.1} s",
        cases.len(),
        took.as_secs_f64()
    );
    proof::ran("system calls", sum, took);
}

/// Runs every case in one process, each in a directory of its own, under `strace`, and returns the
/// calls of each.
fn traced(cases: &[Case], parent: &Kept) -> Vec<Vec<Call>> {
    let file = parent.path().join("trace");
    let found = Command::new("strace").arg("-V").output();
    assert!(found.is_ok(), "strace is missing: apt-get install strace");
    let mut strace = Command::new("strace");
    strace
        .args(["-f", "-y", "-s", "0", "-e", "trace=%file,%desc", "-o"])
        .arg(&file)
        .arg(env!("CARGO_BIN_EXE_actor"))
        .arg(parent.path());
    let mut actor = Actor::start_as(&mut strace);
    for (n, case) in cases.iter().enumerate() {
        if let Some(image) = &case.image {
            let dir = dir(parent, n);
            fs::create_dir_all(dir.join("views")).unwrap();
            for (file, bytes) in FILES.iter().zip(&image.slots) {
                if let Some(bytes) = bytes {
                    fs::write(dir.join(file), bytes).unwrap();
                }
            }
        }
        fs::create_dir_all(parent.path().join(n.to_string())).unwrap();
        actor.send(&format!("script {} {} {n}/log", case.script, case.next));
        loop {
            match actor.line().as_deref() {
                Some("opened" | "done") => {}
                Some("ok ") => break,
                other => panic!("case {n}, {}: {other:?}", case.script),
            }
        }
    }
    actor.end();
    let trace = fs::read_to_string(file).unwrap();
    let mut lines = trace.lines();
    let calls_of = |(n, case): (usize, &Case)| {
        let (dir, mut calls) = (dir(parent, n), Vec::new());
        // Said are the opening, each step, and that all is done.
        for _ in 0..case.script.steps().count() + 2 {
            let said = |line| {
                let call = call(line, &dir);
                let said = call == Some(Call::Said);
                calls.extend(call);
                said
            };
            lines.by_ref().position(said).unwrap();
        }
        calls.pop();
        calls
    };
    cases.iter().enumerate().map(calls_of).collect()
}

/// The directory of a case, in one of its own.
fn dir(parent: &Kept, case: usize) -> PathBuf {
    parent.path().join(format!("{case}/log"))
}

fn assert_same(found: &[Call], expected: &[Call]) {
    for n in 0..found.len().max(expected.len()) {
        let before = &found[n.saturating_sub(6)..n.min(found.len())];
        assert_eq!(found.get(n), expected.get(n), "call {n}, after {before:#?}");
    }
}

/// What the calls have left undone so far, to see that each comes when it may.
#[derive(Default)]
struct Order {
    locked: BTreeSet<String>,
    /// Files with bytes that a power cut takes.
    unsynced: BTreeSet<String>,
    /// Files whose names a power cut takes, and those whose names it does not.
    nameless: BTreeSet<String>,
    named: BTreeSet<String>,
    /// Whether bytes were put aside since the log was opened.
    put_aside: bool,
}

fn check_order(calls: &[Call], image: Option<&Image>) {
    let mut order = Order::over(image);
    for (n, call) in calls.iter().enumerate() {
        let _context = Context(format!("call {n}: {call:?}"));
        order.check(call);
        order.done(call);
    }
}

impl Order {
    fn over(image: Option<&Image>) -> Self {
        let slots = image.map(|image| &image.slots).into_iter().flatten();
        let there = FILES.iter().zip(slots).filter(|(_, slot)| slot.is_some());
        Self {
            named: there.map(|(file, _)| (*file).to_owned()).collect(),
            ..Self::default()
        }
    }

    /// Sees that what has to come before this call came.
    fn check(&self, call: &Call) {
        let is_ours = |file: &str| file != "." && file != "..";
        match call {
            Call::Read(file) | Call::Write(file, _) | Call::Cut(file, _) if is_ours(file) => {
                assert!(self.locked.contains(LOG), "before the lock");
            }
            _ => {}
        }
        match call {
            Call::Create(file) if file == LOG => {
                assert!(self.locked.contains("."), "before the directory's lock");
            }
            // The log is emptied when it is in the archive for good.
            Call::Cut(file, 0) if file == LOG => {
                self.assert_safe(ARCHIVE);
            }
            // Other than by a rotation, bytes are cut when they lie aside for good.
            Call::Cut(file, _) if file == LOG => {
                assert!(self.put_aside, "before the bytes lie aside");
                self.assert_safe(TORN);
            }
            // What is archived is in the log for good, or gone from there for good.
            Call::Write(file, _) if file == ARCHIVE => self.assert_safe(LOG),
            Call::Rename(from, _) => {
                assert!(!self.unsynced.contains(from), "renamed before it is whole");
                // A snapshot knows nothing that a power cut takes.
                self.assert_safe(LOG);
            }
            _ => {}
        }
    }

    fn assert_safe(&self, file: &str) {
        assert!(!self.unsynced.contains(file), "before {file} is synced");
        assert!(
            !self.nameless.contains(file),
            "before the name of {file} is synced"
        );
    }

    fn done(&mut self, call: &Call) {
        match call {
            Call::Lock(file) => {
                self.locked.insert(file.clone());
                self.put_aside = false;
                // What another process wrote is seen, and may not be durable.
                if self.named.contains(ARCHIVE) {
                    self.unsynced.insert(ARCHIVE.into());
                }
            }
            Call::Unlock(file) => {
                self.locked.remove(file);
            }
            Call::Create(file) if !self.named.contains(file) => {
                self.nameless.insert(file.clone());
            }
            Call::Write(file, _) | Call::Cut(file, _) => {
                self.unsynced.insert(file.clone());
                self.put_aside |= file == TORN;
            }
            Call::Sync(file) if file == "." => self.named.append(&mut self.nameless),
            Call::Sync(file) => {
                self.unsynced.remove(file);
            }
            _ => {}
        }
    }
}

#[test]
fn a_synced_append_returns_when_its_bytes_and_its_file_are_durable() {
    // Synced appends, batches, conditions, rotations, syncs: whatever promises durability.
    let scripts = ["aAetcrs", "ararA", "tsabsrc"].map(|text| text.parse().unwrap());
    let cases = scripts.map(|script| Case {
        image: None,
        script,
        next: 0,
    });
    let parent = in_memory();
    for (case, calls) in cases.iter().zip(traced(&cases, &parent)) {
        let _context = Context(case.script.to_string());
        let (mut order, letters) = (Order::default(), case.script.to_string());
        // The first thing said is that the log is open.
        let mut ended = "o".chars().chain(letters.chars());
        for call in calls {
            if call == Call::Said && !matches!(ended.next(), Some('o' | 'b')) {
                order.assert_safe(LOG);
                order.assert_safe(ARCHIVE);
            }
            order.done(&call);
        }
        assert_eq!(ended.next(), None);
    }
}
