//! The lock between processes: held, released by whatever end, not inherited, and never taken
//! for another failure.
#![cfg(not(target_arch = "wasm32"))]

mod support;
// A file that is replaced while it is open, a process that is forked, a link: all are Unix's. What
// Windows allows instead is in `windows_files`.
#[cfg(unix)]
#[path = "lock_processes/unix.rs"]
mod unix;

use std::path::Path;
use std::time::{Duration, Instant};

use eventfold::{Error, EventWriter};
use support::{Actor, numbered, numbers, quick_dir};

#[test]
fn a_lock_held_by_another_process_is_refused_at_once_and_names_it() {
    let dir = tempfile::tempdir().unwrap();
    let holder = Actor::with_open_log(dir.path());
    let start = Instant::now();
    let message = refusal(dir.path());
    assert!(start.elapsed() < Duration::from_secs(2));
    if cfg!(target_os = "linux") {
        let by = format!("(held by actor, pid {})", holder.pid());
        assert!(message.contains(&by), "{message}");
    }
}

#[test]
fn the_holder_that_is_named_is_the_one_of_this_log() {
    let dirs = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let holders = dirs.each_ref().map(|dir| Actor::with_open_log(dir.path()));
    for (dir, holder) in dirs.iter().zip(&holders) {
        let message = refusal(dir.path());
        if cfg!(target_os = "linux") {
            let pid = format!("pid {})", holder.pid());
            assert!(message.contains(&pid), "{message}");
        }
    }
}

#[test]
fn a_killed_holder_frees_the_lock_at_once() {
    let dir = quick_dir();
    for number in 0..200 {
        let mut holder = Actor::with_open_log(dir.path());
        holder.ask(&format!("append {number} 20")).unwrap();
        refusal(dir.path());
        holder.kill();
        let mut writer = EventWriter::open(dir.path()).unwrap();
        assert!(writer.recovery().is_clean());
        writer.append(&numbered(number)).unwrap();
    }
    assert_eq!(numbers(dir.path()).len(), 400);
}

#[test]
fn the_lock_is_kept_across_rotations_against_another_process() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = EventWriter::open(dir.path()).unwrap();
    let mut other = Actor::start(dir.path());
    for number in 0..5 {
        writer.append(&numbered(number)).unwrap();
        writer.rotate().unwrap();
        let error = other.ask("open").unwrap_err();
        assert!(error.starts_with("AlreadyExists Locked"), "{error}");
    }
    drop(writer);
    other.ask("open").unwrap();
    assert_eq!(numbers(dir.path()), [0, 1, 2, 3, 4]);
}

#[test]
fn of_many_processes_that_open_at_once_one_gets_the_lock() {
    let dir = tempfile::tempdir().unwrap();
    let mut actors: Vec<_> = (0..8).map(|_| Actor::start(dir.path())).collect();
    for round in 0..20 {
        actors.iter_mut().for_each(|actor| actor.send("open"));
        let answers: Vec<_> = actors
            .iter_mut()
            .map(|actor| actor.line().unwrap())
            .collect();
        let won = answers.iter().filter(|answer| answer.starts_with("ok"));
        assert_eq!(won.count(), 1, "round {round}: {answers:?}");
        for (actor, answer) in actors.iter_mut().zip(&answers) {
            if answer.starts_with("ok") {
                actor.ask("close").unwrap();
            } else {
                assert!(answer.starts_with("error AlreadyExists Locked"), "{answer}");
            }
        }
    }
}

/// The message with which a second writer in this process is refused.
fn refusal(dir: &Path) -> String {
    let error = EventWriter::open(dir).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists, "{error}");
    assert!(
        matches!(Error::of(&error), Some(Error::Locked { .. })),
        "{error:?}"
    );
    let message = error.to_string();
    let log = std::path::absolute(dir.join("app.jsonl")).unwrap();
    assert!(
        message.contains("another writer holds the lock on"),
        "{message}"
    );
    assert!(message.contains(&*log.to_string_lossy()), "{message}");
    message
}
