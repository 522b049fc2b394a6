//! A disk that is full, at each byte: what was refused is absent, what was acknowledged is there,
//! and with room again the same writer goes on.
//!
//! The disk is a limit on the size of files, which only Linux lifts from outside (`prlimit`).
#![cfg(not(target_arch = "wasm32"))]
#![cfg(target_os = "linux")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use eventfold::{Event, EventLog, EventWriter, View};
use eventfold_tests::proof;
use rustix::process::Resource::Fsize;
use support::{Actor, Kept, in_memory, not_run, numbered, numbers};

#[test]
fn an_append_that_finds_room_for_any_part_of_its_line_is_absent() {
    let begin = Instant::now();
    let dir = in_memory();
    let log = dir.path().join("app.jsonl");
    let mut actor = told_of_full_disks(dir.path());
    actor.ask("open").unwrap();
    let (mut count, mut refused) = (0, 0);
    for (len, step) in [(0, 1), (30, 1), (5000, 97)] {
        let line = 40 + len;
        for room in (0..line).step_by(step) {
            let before = fs::read(&log).unwrap();
            actor.limit(Fsize, Some(before.len() as u64 + room));
            let answer = actor.ask(&format!("append {count} {len}"));
            actor.limit(Fsize, None);
            let error = answer.unwrap_err();
            let told = error.starts_with("FileTooLarge Io") && error.contains("app.jsonl");
            assert!(told, "{error}");
            assert_eq!(fs::read(&log).unwrap(), before, "{room} of {line} bytes");
            refused += 1;
        }
        actor.ask(&format!("append {count} {len}")).unwrap();
        count += 1;
    }
    proof::ran("appends onto a full disk", refused, begin.elapsed());
    assert_whole(&dir, count, actor);
}

#[test]
fn a_rotation_that_finds_room_for_any_part_of_the_archive_loses_nothing() {
    let begin = Instant::now();
    let (mut undone, mut finished) = (0, 0);
    // Opened again with room, and while there is none.
    for open_without_room in [false, true] {
        let dir = in_memory();
        let archive = dir.path().join("archive.jsonl.zst");
        let mut actor = told_of_full_disks(dir.path());
        actor.ask("open").unwrap();
        actor.ask("append 0 0").unwrap();
        actor.ask("rotate").unwrap();
        let (mut count, mut room) = (1, 0);
        loop {
            actor.ask(&format!("append {count} 0")).unwrap();
            count += 1;
            let before = fs::metadata(&archive).unwrap().len();
            actor.limit(Fsize, Some(before + room));
            let rotated = actor.ask("rotate");
            let error = match rotated {
                Ok(_) => break,
                Err(error) => error,
            };
            let told = error.starts_with("FileTooLarge Io") && error.contains("archive.jsonl.zst");
            assert!(told, "{error}");
            if open_without_room {
                actor.ask("close").unwrap();
                if let Err(error) = actor.ask("open") {
                    assert!(error.starts_with("FileTooLarge Io"), "{error}");
                }
            }
            assert_eq!(numbers(dir.path()), (0..count).collect::<Vec<_>>());
            actor.limit(Fsize, None);
            match go_on(&mut actor, count) {
                true => undone += 1,
                false => finished += 1,
            }
            count += 1;
            // So that each rotation is of two events.
            actor.ask("rotate").unwrap();
            room += 1;
        }
        assert!(room > 200, "{room} bytes were room enough");
        assert_whole(&dir, count, actor);
    }
    println!("{undone} rotations were undone, {finished} finished by opening again");
    assert!(undone > 0 && finished > 0, "{undone}, {finished}");
    proof::ran(
        "rotations onto a full disk",
        undone + finished,
        begin.elapsed(),
    );
}

#[test]
fn a_snapshot_that_finds_room_for_any_part_of_it_leaves_the_one_before() {
    let begin = Instant::now();
    let dir = in_memory();
    let snapshot = dir.path().join("views/sum.snapshot.json");
    let mut actor = told_of_full_disks(dir.path());
    actor.ask("open").unwrap();
    actor.ask("append 0 0").unwrap();
    actor.ask("refresh").unwrap();
    actor.ask("append 1 0").unwrap();
    let before = fs::read(&snapshot).unwrap();
    for room in 0..before.len() as u64 {
        actor.limit(Fsize, Some(room));
        let error = actor.ask("refresh").unwrap_err();
        actor.limit(Fsize, None);
        let told = error.starts_with("FileTooLarge Io") && error.contains("sum.snapshot.json");
        assert!(told, "{error}");
        assert_eq!(fs::read(&snapshot).unwrap(), before);
    }
    actor.ask("append 2 0").unwrap();
    actor.ask("refresh").unwrap();
    assert_ne!(fs::read(&snapshot).unwrap(), before);
    proof::ran(
        "snapshots onto a full disk",
        before.len() as u64,
        begin.elapsed(),
    );
    assert_whole(&dir, 3, actor);
}

#[test]
fn a_file_system_with_any_number_of_pages_left_takes_nothing_away() {
    const PAGES: u64 = 9;
    let begin = Instant::now();
    let (mut refused, mut rounds) = (0, 0);
    for left in 0..PAGES {
        let dir = in_memory();
        let Some((mut actor, inside)) = on_small_file_system(dir.path()) else {
            let why = "no file system may be mounted here; a limit of file size stands for it";
            return not_run("a file system without room", why);
        };
        actor.ask("open").unwrap();
        actor.ask("append 0 100").unwrap();
        actor.ask("refresh").unwrap();
        fill(&inside, left);
        let mut count = 1;
        let mut open = true;
        for round in 0..24 {
            let wants = [
                "append", "append", "refresh", "append", "rotate", "append", "reopen",
            ];
            let want = wants[(left as usize + round) % wants.len()];
            let answer = match want {
                _ if !open => actor.ask("open"),
                "append" => actor.ask(&format!("append {count} 9000")),
                "reopen" => actor.ask("close").and_then(|_| actor.ask("open")),
                other => actor.ask(other),
            };
            match answer {
                Ok(_) if want == "append" && open => count += 1,
                Ok(_) => open = true,
                Err(error) => {
                    refused += 1;
                    open &= want != "reopen";
                    let told = error.starts_with("StorageFull ") || error.contains("Poisoned");
                    let place = inside.strip_prefix(format!("/proc/{}/root", actor.pid()));
                    let place = place.unwrap().to_string_lossy();
                    assert!(told && error.contains(&*place), "{want}: {error}");
                }
            }
            assert_eq!(numbers(&inside), (0..count).collect::<Vec<_>>(), "{want}");
        }
        fs::remove_file(inside.join("filler")).unwrap();
        if !open {
            actor.ask("open").unwrap();
        }
        for _ in 0..2 {
            go_on(&mut actor, count);
            count += 1;
            actor.ask("refresh").unwrap();
            actor.ask("rotate").unwrap();
            assert_eq!(numbers(&inside), (0..count).collect::<Vec<_>>());
            actor.ask("close").unwrap();
            assert_eq!(actor.ask("open").unwrap(), CLEAN);
        }
        rounds += 1;
    }
    println!("{refused} operations were refused with {rounds} amounts of room");
    assert!(refused > PAGES * 2, "{refused}");
    proof::ran("a file system without room", refused, begin.elapsed());
}

/// What an actor says of an opening that found nothing to repair.
const CLEAN: &str = "Recovery { torn_log_bytes: 0, torn_archive_bytes: 0, completed_line: false, \
                     rotation: None, adopted_bytes: 0 }";

/// An actor that is told of a file that may not grow, instead of being ended.
fn told_of_full_disks(dir: &Path) -> Actor {
    let script = "trap '' XFSZ; exec \"$0\" \"$@\"";
    let mut shell = Command::new("sh");
    shell.args(["-c", script, env!("CARGO_BIN_EXE_actor")]);
    let mut actor = Actor::start_as(shell.arg(dir));
    // From here on it is no longer the shell.
    actor.ask("peak").unwrap();
    actor
}

/// Appends this number, and opens the log before that if it has to be; whether it had not.
fn go_on(actor: &mut Actor, number: u64) -> bool {
    let Err(error) = actor.ask(&format!("append {number} 0")) else {
        return true;
    };
    let stopped = error.contains("Poisoned") || error.contains("no log is open");
    assert!(stopped, "{error}");
    actor.ask("close").unwrap();
    actor.ask("open").unwrap();
    actor.ask(&format!("append {number} 0")).unwrap();
    false
}

/// Fills a file system up, but for so many pages.
fn fill(dir: &Path, left: u64) {
    const PAGE: usize = 4096;
    let filler = dir.join("filler");
    // Written page by page, so that none is left out.
    let mut file = fs::File::create(&filler).unwrap();
    let mut pages = 0;
    while std::io::Write::write_all(&mut file, &[1; PAGE]).is_ok() {
        pages += 1;
    }
    assert!(pages > left);
    file.set_len((pages - left) * PAGE as u64).unwrap();
}

/// An actor on a file system of its own of 96 KiB, which ends with it, and where that is seen
/// from here. `None` where we may not mount one.
fn on_small_file_system(dir: &Path) -> Option<(Actor, PathBuf)> {
    let mounted = |script: &str| {
        let script = format!("mount -t tmpfs -o size=96k tmpfs \"$1\" && {script}");
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount", "sh", "-c", &script]);
        command.arg(env!("CARGO_BIN_EXE_actor")).arg(dir);
        command
    };
    let tried = mounted("true").output().ok()?;
    tried.status.success().then_some(())?;
    let mut actor = Actor::start_as(&mut mounted("exec \"$0\" \"$1\""));
    actor.ask("peak").unwrap();
    let root = PathBuf::from(format!("/proc/{}/root", actor.pid()));
    let inside = root.join(dir.strip_prefix("/").unwrap());
    Some((actor, inside))
}

/// All `count` events are there, the view is right, and the log takes more, also when it is
/// opened again.
fn assert_whole(dir: &Kept, count: u64, holder: Actor) {
    drop(holder);
    let dir = dir.path();
    let mut expected: Vec<u64> = (0..count).collect();
    assert_eq!(numbers(dir), expected);
    for _ in 0..2 {
        let mut log = EventLog::builder(dir).view("sum", sum).open().unwrap();
        log.append(&numbered(expected.len() as u64)).unwrap();
        expected.push(expected.len() as u64);
        log.refresh_all().unwrap();
        let mut again = View::new("again", sum).unwrap();
        let right = *again.rebuild(&log.reader()).unwrap();
        assert_eq!(*log.view::<u64>("sum").unwrap(), right);
        log.rotate().unwrap();
        drop(log);
        assert_eq!(numbers(dir), expected);
        assert!(EventWriter::open(dir).unwrap().recovery().is_clean());
    }
}

/// As the actor keeps it.
fn sum(sum: u64, event: &Event) -> u64 {
    sum + event.ts
}
