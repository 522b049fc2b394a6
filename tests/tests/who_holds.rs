//! Who holds the writer's lock, told without taking it: right whatever lies in the note's place,
//! and never in a writer's way.
#![cfg(not(target_arch = "wasm32"))]

mod support;

use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::SystemTime;

use eventfold::{Error, EventReader, EventWriter, Holder, LockState, who_holds};
use support::{Actor, numbered, numbers, quick_dir};

const NOTE: &str = "app.jsonl.writer";

/// Who is told to hold the log.
fn holder(dir: &Path) -> Holder {
    match who_holds(dir).unwrap() {
        LockState::Held(Some(holder)) => holder,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_writer_in_another_process_is_told_with_its_place_and_time_until_it_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let reader = EventReader::new(dir.path());
    assert_eq!(reader.who_holds().unwrap(), LockState::Free);
    let now = || {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        now.unwrap().as_secs()
    };
    for _ in 0..20 {
        let before = now();
        let mut writer = Actor::with_open_log(dir.path());
        let told = holder(dir.path());
        assert_eq!(told.pid, writer.pid());
        assert!(told.program.as_ref().unwrap().starts_with("actor"));
        assert!((before..=now()).contains(&told.since.unwrap()));
        assert!(told.host.is_some());
        assert_eq!(
            reader.who_holds().unwrap(),
            LockState::Held(Some(told.clone()))
        );
        // The refusal tells the same.
        let error = EventWriter::open(dir.path()).unwrap_err();
        match Error::of(&error) {
            Some(Error::Locked { holder, .. }) => assert_eq!(*holder, Some(told)),
            _ => panic!("{error}"),
        }
        writer.kill();
        assert_eq!(reader.who_holds().unwrap(), LockState::Free);
        // The note is left behind and tells of nobody.
        assert!(dir.path().join(NOTE).exists());
    }
}

#[test]
fn looking_turns_no_writer_away_and_tells_of_nobody_else() {
    let dir = quick_dir();
    drop(EventWriter::open(dir.path()).unwrap());
    let done = AtomicBool::new(false);
    let (us, mut held) = (std::process::id(), 0);
    thread::scope(|scope| {
        let lookers = [(); 2].map(|()| {
            scope.spawn(|| {
                let mut held = 0;
                while !done.load(SeqCst) {
                    match who_holds(dir.path()).unwrap() {
                        LockState::Free | LockState::Held(None) => {}
                        LockState::Held(Some(holder)) => {
                            assert_eq!(holder.pid, us);
                            held += 1;
                        }
                    }
                }
                held
            })
        });
        let opened = (0..2000).try_for_each(|number| {
            let mut writer = EventWriter::open(dir.path())?;
            writer.append(&numbered(number)).map(drop)
        });
        done.store(true, SeqCst);
        opened.unwrap();
        held += lookers
            .map(|looker| looker.join().unwrap())
            .iter()
            .sum::<u64>();
    });
    assert!(held > 0);
    assert_eq!(numbers(dir.path()).len(), 2000);
}

#[test]
fn whatever_lies_in_the_place_of_the_note_is_not_believed() {
    let dir = tempfile::tempdir().unwrap();
    let note = dir.path().join(NOTE);
    let other = r#"{"pid":1,"program":"init","host":"elsewhere","since":1}"#;
    let long = "x".repeat(1 << 20);
    for content in ["", "\0\0\0", "{", "null", r#"{"pid":0}"#, other, &long] {
        fs::write(&note, content).unwrap();
        assert_eq!(who_holds(dir.path()).unwrap(), LockState::Free);
        let mut writer = EventWriter::open(dir.path()).unwrap();
        let told = holder(dir.path());
        assert_eq!(told.pid, std::process::id());
        assert_ne!(told.host.as_deref(), Some("elsewhere"));
        // What is put there meanwhile by somebody who removes it, which Windows lets nobody do.
        if cfg!(unix) {
            fs::remove_file(&note).unwrap();
            fs::write(&note, content).unwrap();
        }
        if cfg!(target_os = "linux") {
            let told = holder(dir.path());
            assert_eq!((told.pid, told.host), (std::process::id(), None));
        }
        writer.append(&numbered(0)).unwrap();
    }
    fs::remove_file(&note).unwrap();
    fs::create_dir(&note).unwrap();
    let _writer = EventWriter::open(dir.path()).unwrap();
    if cfg!(target_os = "linux") {
        assert_eq!(holder(dir.path()).pid, std::process::id());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_program_that_leaves_no_note_is_told_by_the_system_alone() {
    let dir = tempfile::tempdir().unwrap();
    // So that there is a note, of a writer that is gone.
    let mut gone = Actor::with_open_log(dir.path());
    gone.kill();
    let old = eventfold_0_2::EventWriter::open(dir.path()).unwrap();
    let told = holder(dir.path());
    assert_eq!(told.pid, std::process::id());
    assert_eq!((told.host, told.since), (None, None));
    drop(old);
    // A child that another test is starting may have its file open too for a moment.
    let minute = std::time::Duration::from_secs(60);
    drop(EventWriter::open_waiting(dir.path(), minute).unwrap());
    assert_eq!(who_holds(dir.path()).unwrap(), LockState::Free);
    // The directory alone.
    fs::remove_file(dir.path().join("app.jsonl")).unwrap();
    let mut flock = std::process::Command::new("flock")
        .args(["-xF", &*dir.path().to_string_lossy(), "sleep", "60"])
        .spawn()
        .unwrap();
    while who_holds(dir.path()).unwrap() == LockState::Free {
        thread::yield_now();
    }
    assert_eq!(holder(dir.path()).pid, flock.id());
    flock.kill().unwrap();
    flock.wait().unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn a_writer_outside_of_the_container_is_told_by_its_note() {
    use std::process::Command;

    let dir = tempfile::tempdir().unwrap();
    let mut inside = Command::new("unshare");
    inside.args(["--map-root-user", "--pid", "--fork", "--mount-proc"]);
    let may = inside.arg("true").status();
    if !may.is_ok_and(|tried| tried.success()) {
        return support::not_run("a look from a container", "none may be made here");
    }
    let mut inside = Command::new("unshare");
    inside
        .args(["--map-root-user", "--pid", "--fork", "--mount-proc"])
        .args([env!("CARGO_BIN_EXE_actor").as_ref(), dir.path().as_os_str()]);
    let mut inside = Actor::start_as(&mut inside);
    assert_eq!(inside.ask("who").unwrap(), "Free");
    let mut outside = Actor::with_open_log(dir.path());
    let told = inside.ask("who").unwrap();
    assert!(told.contains(&format!("pid: {}", outside.pid())), "{told}");
    assert!(told.contains("program: Some(\"actor\")"), "{told}");
    outside.kill();
    assert_eq!(inside.ask("who").unwrap(), "Free");
    // And the other way round: by its number here, and not by the one it has there.
    inside.ask("open").unwrap();
    assert!(holder(dir.path()).pid > 2);
    inside.end();
}

#[test]
fn a_log_that_is_not_there_is_not_a_free_one() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing");
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    for (place, kind) in [
        (&missing, io::ErrorKind::NotFound),
        (&file, io::ErrorKind::NotADirectory),
    ] {
        let error = who_holds(place).unwrap_err();
        assert_eq!(error.kind(), kind);
        assert!(error.to_string().contains(&*place.to_string_lossy()));
    }
    // A directory without a log is free, and stays as it is.
    let empty = dir.path().join("empty");
    fs::create_dir(&empty).unwrap();
    assert_eq!(who_holds(&empty).unwrap(), LockState::Free);
    assert_eq!(empty.read_dir().unwrap().count(), 0);
}
