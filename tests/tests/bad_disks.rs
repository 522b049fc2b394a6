//! A disk that is full: what was refused is absent, what was acknowledged is there, and with
//! room again the same writer goes on.
//!
//! The disk is a limit on the size of files, which only Linux lifts from outside (`prlimit`).
#![cfg(not(target_arch = "wasm32"))]
#![cfg(target_os = "linux")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use eventfold::EventWriter;
use support::{Actor, numbered, numbers, quick_dir};

#[test]
fn an_append_past_the_end_of_the_disk_is_absent_and_the_next_that_fits_is_there() {
    let dir = quick_dir();
    let mut actor = limited(dir.path(), 32);
    actor.ask("open").unwrap();
    let mut count = 0;
    let error = loop {
        match actor.ask(&format!("append {count} 1000")) {
            Ok(_) => count += 1,
            Err(error) => break error,
        }
    };
    assert!(
        error.starts_with("FileTooLarge Io") && error.contains("app.jsonl"),
        "{error}"
    );
    assert!(count > 3);
    let whole = fs::read(dir.path().join("app.jsonl")).unwrap();
    assert!(
        whole.ends_with(b"}\n"),
        "a part of the refused event is left"
    );
    assert_eq!(numbers(dir.path()), (0..count).collect::<Vec<_>>());

    actor.ask(&format!("append {count} 1")).unwrap();
    lift_limit(&actor);
    actor.ask(&format!("append {} 1000", count + 1)).unwrap();
    assert_whole(dir.path(), count + 2, Some(actor));
}

#[test]
fn a_rotation_onto_a_full_disk_leaves_the_log_whole_wherever_it_fails() {
    let (mut refused, mut poisoned) = (0, 0);
    for blocks in 1..=24 {
        let dir = quick_dir();
        let mut actor = limited(dir.path(), blocks);
        actor.ask("open").unwrap();
        let mut count = 0;
        let error = loop {
            actor.ask(&format!("append {count} 1")).unwrap();
            count += 1;
            if let Err(error) = actor.ask("rotate") {
                break error;
            }
        };
        assert!(error.starts_with("FileTooLarge Io"), "{error}");
        assert!(error.contains("archive.jsonl.zst"), "{error}");
        assert_eq!(
            numbers(dir.path()),
            (0..count).collect::<Vec<_>>(),
            "{blocks} blocks"
        );

        lift_limit(&actor);
        match actor.ask(&format!("append {count} 1")) {
            // Undone: the writer goes on, and rotates now.
            Ok(_) => {
                refused += 1;
                actor.ask("rotate").unwrap();
            }
            Err(error) => {
                poisoned += 1;
                assert!(error.contains("Poisoned"), "{error}");
                actor.ask("close").unwrap();
                actor.ask("open").unwrap();
                actor.ask(&format!("append {count} 1")).unwrap();
            }
        }
        assert_whole(dir.path(), count + 1, Some(actor));
    }
    println!("{refused} rotations were undone, {poisoned} finished by opening again");
    assert!(refused > 0 && poisoned > 0, "{refused}, {poisoned}");
}

#[test]
fn a_log_opens_on_a_full_disk_and_after_it() {
    for blocks in 1..=24 {
        let dir = quick_dir();
        let mut actor = limited(dir.path(), blocks);
        let mut count = 0;
        actor.ask("open").unwrap();
        while actor.ask(&format!("append {count} 1")).is_ok() {
            count += 1;
            if actor.ask("rotate").is_err() {
                break;
            }
        }
        // Full still: it opens, or says why not and changes nothing that is read.
        actor.ask("close").unwrap();
        if let Err(error) = actor.ask("open") {
            assert!(error.starts_with("FileTooLarge Io"), "{error}");
        }
        assert_eq!(
            numbers(dir.path()),
            (0..count).collect::<Vec<_>>(),
            "{blocks} blocks"
        );
        actor.kill();
        assert_whole(dir.path(), count, None);
    }
}

#[test]
fn a_file_system_without_room_takes_nothing_away_and_goes_on_when_there_is_some() {
    let dir = tempfile::tempdir().unwrap();
    let Some((mut actor, inside)) = on_small_file_system(dir.path()) else {
        println!("no file system could be mounted here: RLIMIT_FSIZE alone stands for a full disk");
        return;
    };
    actor.ask("open").unwrap();
    let filler = inside.join("filler");
    fs::write(&filler, vec![1; 32 << 10]).unwrap();
    let mut count = 0;
    let error = loop {
        match actor.ask(&format!("append {count} 3000")) {
            Ok(_) => count += 1,
            Err(error) => break error,
        }
    };
    assert!(
        error.starts_with("StorageFull Io") && error.contains("app.jsonl"),
        "{error}"
    );
    assert_eq!(numbers(&inside), (0..count).collect::<Vec<_>>());
    // Nor is there room for an archive.
    while fs::write(inside.join(format!("more{count}")), vec![1; 1 << 12]).is_ok() {
        count += 1;
    }
    let before = numbers(&inside);
    let error = actor.ask("rotate").unwrap_err();
    assert!(
        error.starts_with("StorageFull Io") && error.contains("archive"),
        "{error}"
    );
    assert_eq!(numbers(&inside), before);

    fs::remove_file(filler).unwrap();
    let mut expected = before;
    for round in 0..2 {
        actor.ask(&format!("append {} 1000", 1000 + round)).unwrap();
        expected.push(1000 + round);
        actor.ask("rotate").unwrap();
        assert_eq!(numbers(&inside), expected);
        actor.ask("close").unwrap();
        actor.ask("open").unwrap();
    }
}

/// An actor whose files end after so many blocks of 512 bytes, and which is told so instead of
/// being ended.
fn limited(dir: &Path, blocks: u64) -> Actor {
    let script = format!("ulimit -S -f {blocks}; trap '' XFSZ; exec \"$0\" \"$@\"");
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &script, env!("CARGO_BIN_EXE_actor")])
        .arg(dir);
    Actor::start_as(&mut shell)
}

fn lift_limit(actor: &Actor) {
    let pid = actor.pid().to_string();
    let lifted = Command::new("prlimit")
        .args(["--pid", &pid, "--fsize=unlimited"])
        .status();
    assert!(lifted.unwrap().success());
}

/// An actor on a file system of its own of 64 KiB, which ends with it, and where that is seen
/// from here. `None` where we may not mount one.
fn on_small_file_system(dir: &Path) -> Option<(Actor, PathBuf)> {
    let mounted = |script: &str| {
        let script = format!("mount -t tmpfs -o size=64k tmpfs \"$1\" && {script}");
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount", "sh", "-c", &script]);
        command.arg(env!("CARGO_BIN_EXE_actor")).arg(dir);
        command
    };
    mounted("true")
        .status()
        .ok()
        .filter(|status| status.success())?;
    let mut actor = Actor::start_as(&mut mounted("exec \"$0\" \"$1\""));
    actor.ask("peak").unwrap();
    let root = PathBuf::from(format!("/proc/{}/root", actor.pid()));
    let inside = root.join(dir.strip_prefix("/").unwrap());
    Some((actor, inside))
}

/// All `count` events are there, and the log takes more, also when it is opened again.
fn assert_whole(dir: &Path, count: u64, holder: Option<Actor>) {
    drop(holder);
    let mut expected: Vec<u64> = (0..count).collect();
    assert_eq!(numbers(dir), expected);
    for _ in 0..2 {
        let mut writer = EventWriter::open(dir).unwrap();
        writer.append(&numbered(expected.len() as u64)).unwrap();
        expected.push(expected.len() as u64);
        writer.rotate().unwrap();
        drop(writer);
        assert_eq!(numbers(dir), expected);
    }
}
