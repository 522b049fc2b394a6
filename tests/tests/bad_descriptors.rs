//! A process that runs out of file descriptors, at each of those that an operation needs: the
//! error says so and where, nothing is lost, and with descriptors again everything works.
#![cfg(target_os = "linux")]

mod support;

use std::fs;
use std::path::Path;
use std::time::Instant;

use eventfold::{Event, EventLog, EventWriter, View};
use eventfold_tests::proof;
use rustix::process::Resource::Nofile;
use support::{Actor, in_memory, numbered, numbers};

/// What the system calls a process without a descriptor left.
const EMFILE: &str = "(os error 24)";

/// What an actor is asked, and what was done before.
struct Case {
    name: &'static str,
    /// What the directory is like when the actor is asked.
    made: fn(&Path),
    before: &'static [&'static str],
    asked: &'static str,
}

const CASES: [Case; 10] = [
    Case {
        name: "opening a new log",
        made: |_| {},
        before: &[],
        asked: "open",
    },
    Case {
        name: "opening a log with an archive and a snapshot",
        made: |dir| made(dir, ""),
        before: &[],
        asked: "open",
    },
    Case {
        name: "opening a log with a torn line",
        made: |dir| made(dir, "{\"type\":\"torn"),
        before: &[],
        asked: "open",
    },
    Case {
        name: "opening a log whose rotation was interrupted",
        made: interrupted,
        before: &[],
        asked: "open",
    },
    Case {
        name: "appending",
        made: |dir| made(dir, ""),
        before: &["open"],
        asked: "append 3 20",
    },
    Case {
        name: "the first rotation",
        made: |_| {},
        before: &["open", "append 0 20"],
        asked: "rotate",
    },
    Case {
        name: "rotating",
        made: |dir| made(dir, ""),
        before: &["open"],
        asked: "rotate",
    },
    Case {
        name: "refreshing a view",
        made: |dir| made(dir, ""),
        before: &["open", "append 3 20"],
        asked: "refresh",
    },
    Case {
        name: "reading",
        made: |dir| made(dir, ""),
        before: &[],
        asked: "read",
    },
    Case {
        name: "looking for new events",
        made: |dir| made(dir, ""),
        before: &[],
        asked: "has-new 0",
    },
];

#[test]
fn whatever_descriptor_is_missing_nothing_is_lost_and_all_works_with_it() {
    let (begin, mut refused) = (Instant::now(), 0);
    for case in CASES {
        let mut of_case = 0;
        // The three standard streams are there already.
        for descriptors in 3.. {
            if lacking(&case, descriptors) {
                break;
            }
            of_case += 1;
        }
        println!("{}: refused for {of_case} descriptors", case.name);
        // Or a program that has run out of them would lose its writer.
        assert!(of_case == 0 || !case.asked.starts_with("append"));
        refused += of_case;
    }
    assert!(refused > 10, "{refused} refusals only");
    proof::ran("missing file descriptors", refused, begin.elapsed());
}

/// Asks with so many descriptors in all, and sees that all is well afterwards. Whether it was
/// answered.
fn lacking(case: &Case, descriptors: u64) -> bool {
    let dir = in_memory();
    let context = format!("{} with {descriptors} descriptors", case.name);
    (case.made)(dir.path());
    let mut actor = started(dir.path());
    case.before
        .iter()
        .for_each(|before| drop(actor.ask(before).unwrap()));
    let mut expected = numbers(dir.path());

    actor.limit(Nofile, Some(descriptors));
    let answer = actor.ask(case.asked);
    actor.limit(Nofile, None);
    // A reading tells its errors in its answer.
    let refused = match &answer {
        Ok(said) => said.contains("error 24").then_some(said),
        Err(error) => Some(error),
    };
    if let Some(error) = refused {
        let place = dir.path().to_string_lossy();
        assert!(
            error.contains(EMFILE) && error.contains(&*place),
            "{context}: {error}"
        );
        assert!(!error.contains("AlreadyExists"), "{context}: {error}");
    }
    let appended = case.asked.starts_with("append") && answer.is_ok();
    expected.extend(appended.then_some(3));
    assert_eq!(numbers(dir.path()), expected, "{context}");

    // The same process goes on, and opens the log where that was refused or is still to be done.
    let next = expected.len() as u64;
    if actor.ask(&format!("append {next} 20")).is_err() {
        assert!(case.before.is_empty(), "{context}: the writer stopped");
        actor.ask("close").unwrap();
        actor
            .ask("open")
            .unwrap_or_else(|error| panic!("{context}: {error}"));
        actor.ask(&format!("append {next} 20")).unwrap();
    }
    actor.ask("refresh").unwrap();
    actor.ask("rotate").unwrap();
    expected.push(next);
    assert_eq!(numbers(dir.path()), expected, "{context}");
    drop(actor);

    let log = EventLog::builder(dir.path())
        .view("sum", sum)
        .open()
        .unwrap();
    assert!(log.recovery().is_clean(), "{context}: {:?}", log.recovery());
    let mut again = View::new("again", sum).unwrap();
    let right = *again.rebuild(&log.reader()).unwrap();
    assert_eq!(*log.view::<u64>("sum").unwrap(), right, "{context}");
    refused.is_none()
}

#[test]
fn a_lock_that_is_held_is_told_as_that_or_as_a_missing_descriptor() {
    let dir = in_memory();
    made(dir.path(), "");
    let mut writer = EventWriter::open(dir.path()).unwrap();
    let (mut told, mut lacked) = (0, 0);
    for descriptors in 3..16 {
        let mut actor = started(dir.path());
        actor.limit(Nofile, Some(descriptors));
        let error = actor.ask("open").unwrap_err();
        match error.starts_with("AlreadyExists Locked") {
            true => told += 1,
            false => {
                assert!(error.contains(EMFILE), "{error}");
                lacked += 1;
            }
        }
        assert!(error.contains(&*dir.path().to_string_lossy()), "{error}");
        assert!(!error.contains("pid 0"), "{error}");
    }
    assert!(told > 0 && lacked > 0, "{told}, {lacked}");
    writer.append(&numbered(3)).unwrap();
    assert_eq!(numbers(dir.path()), [0, 1, 2, 3]);
}

/// An actor that has its libraries loaded.
fn started(dir: &Path) -> Actor {
    let mut actor = Actor::start(dir);
    actor.ask("peak").unwrap();
    actor
}

/// Two events rotated, one in the log with this behind it, and a snapshot.
fn made(dir: &Path, behind: &str) {
    let mut log = EventLog::builder(dir).view("sum", sum).open().unwrap();
    log.append_batch(&[numbered(0), numbered(1)]).unwrap();
    log.rotate().unwrap();
    log.append(&numbered(2)).unwrap();
    log.refresh_all().unwrap();
    let file = dir.join("app.jsonl");
    fs::write(&file, fs::read_to_string(&file).unwrap() + behind).unwrap();
}

/// A log of which a whole copy is in the archive.
fn interrupted(dir: &Path) {
    made(dir, "");
    let file = dir.join("app.jsonl");
    let log = fs::read(&file).unwrap();
    EventWriter::open(dir).unwrap().rotate().unwrap();
    fs::write(&file, log).unwrap();
    let archive = dir.join("archive.jsonl.zst");
    let mut bytes = fs::read(&archive).unwrap();
    let seal = bytes.windows(4).rposition(|bytes| bytes == b"evs1");
    bytes.truncate(seal.unwrap() - 8);
    fs::write(&archive, bytes).unwrap();
}

/// As the actor keeps it.
fn sum(sum: u64, event: &Event) -> u64 {
    sum + event.ts
}
