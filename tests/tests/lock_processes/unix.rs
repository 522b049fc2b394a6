//! What only Unix lets happen to a held lock.

use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;

use eventfold::{Durability, Error, Event, EventLog, EventWriter, LockMode, View};

use crate::refusal;
use crate::support::{Actor, numbered, numbers, quick_dir};

#[test]
fn a_child_keeps_the_lock_neither_when_the_holder_lets_go_nor_when_it_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let mut holder = Actor::with_open_log(dir.path());
    let child = Process::that_sleeps(&mut holder);
    refusal(dir.path());
    holder.ask("close").unwrap();
    drop(EventWriter::open(dir.path()).unwrap());
    assert!(child.is_alive());

    holder.ask("open").unwrap();
    let second_child = Process::that_sleeps(&mut holder);
    holder.kill();
    EventWriter::open(dir.path()).unwrap();
    assert!(child.is_alive() && second_child.is_alive());
}

#[test]
fn a_lock_let_go_is_free_at_once_while_children_are_being_made() {
    let dir = quick_dir();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        // Each of these is a copy of this process, its files included, until it runs `true`.
        scope.spawn(|| {
            while !done.load(SeqCst) {
                Command::new("true").status().unwrap();
            }
        });
        let opened = (0..1000).try_for_each(|_| EventWriter::open(dir.path()).map(drop));
        done.store(true, SeqCst);
        opened.unwrap();
    });
}

#[test]
fn a_log_replaced_under_its_writer_admits_no_second_one_and_acknowledges_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("app.jsonl");
    let mut first = EventWriter::open(dir.path()).unwrap();
    first.append(&numbered(0)).unwrap();
    let copy = dir.path().join("copy");
    fs::copy(&log, &copy).unwrap();
    fs::rename(&copy, &log).unwrap();

    refusal(dir.path());
    let mut other = Actor::start(dir.path());
    let error = other.ask("open").unwrap_err();
    assert!(error.starts_with("AlreadyExists Locked"), "{error}");

    let error = first.append(&numbered(1)).unwrap_err();
    let doubt = matches!(Error::of(&error), Some(Error::DurabilityUnknown { .. }));
    assert!(doubt, "{error:?}");
    let message = error.to_string();
    assert!(
        message.contains("replaced") && message.contains("app.jsonl"),
        "{message}"
    );
    let error = first.append(&numbered(2)).unwrap_err();
    assert!(
        matches!(Error::of(&error), Some(Error::Poisoned { .. })),
        "{error:?}"
    );
    let error = first.rotate().unwrap_err();
    assert!(
        matches!(Error::of(&error), Some(Error::Poisoned { .. })),
        "{error:?}"
    );
    assert_eq!(numbers(dir.path()), [0]);

    drop(first);
    let mut next = EventWriter::open(dir.path()).unwrap();
    next.append(&numbered(3)).unwrap();
    assert_eq!(numbers(dir.path()), [0, 3]);
}

#[test]
fn a_log_removed_under_its_writer_admits_no_second_one_and_rotates_nothing_away() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = EventWriter::open(dir.path()).unwrap();
    first.append(&numbered(0)).unwrap();
    fs::remove_file(dir.path().join("app.jsonl")).unwrap();
    refusal(dir.path());
    let message = first.rotate().unwrap_err().to_string();
    assert!(message.contains("removed"), "{message}");
    assert!(!dir.path().join("archive.jsonl.zst").exists());
    drop(first);
    EventWriter::open(dir.path()).unwrap();
}

#[test]
fn a_writer_whose_directory_is_moved_away_acknowledges_nothing_and_the_new_one_is_another_log() {
    let parent = tempfile::tempdir().unwrap();
    let [dir, away] = ["log", "away"].map(|name| parent.path().join(name));
    let mut first = EventWriter::open(&dir).unwrap();
    first.append(&numbered(0)).unwrap();
    fs::rename(&dir, &away).unwrap();
    refusal(&away);

    let mut second = EventWriter::open(&dir).unwrap();
    second.append(&numbered(10)).unwrap();
    let error = first.append(&numbered(1)).unwrap_err();
    let doubt = matches!(Error::of(&error), Some(Error::DurabilityUnknown { .. }));
    assert!(doubt, "{error:?}");
    first.rotate().unwrap_err();
    second.append(&numbered(11)).unwrap();
    assert_eq!(numbers(&dir), [10, 11]);
    assert!(!dir.join("archive.jsonl.zst").exists());

    drop(first);
    EventWriter::open(&away)
        .unwrap()
        .append(&numbered(2))
        .unwrap();
    let kept = numbers(&away);
    assert!(kept == [0, 2] || kept == [0, 1, 2], "{kept:?}");
    refusal(&dir);
}

#[test]
fn a_log_moved_away_is_neither_rotated_nor_are_views_folded_or_saved_where_it_was() {
    let parent = tempfile::tempdir().unwrap();
    let [dir, away] = ["log", "away"].map(|name| parent.path().join(name));
    let count = |count: u64, _: &Event| count + 1;
    let mut log = EventLog::builder(&dir).view("count", count).open().unwrap();
    let mut view = View::new("own", count).unwrap();
    for n in 0..3 {
        log.append(&numbered(n)).unwrap();
    }
    log.refresh_all().unwrap();
    fs::rename(&dir, &away).unwrap();

    let mut refused = vec![
        log.refresh_all().unwrap_err(),
        log.rebuild_all().unwrap_err(),
        log.state_at::<u64>("count", 0).unwrap_err(),
        view.refresh(&log.reader()).unwrap_err(),
        view.rebuild(&log.reader()).unwrap_err(),
    ];
    for error in &refused {
        assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{error}");
        assert!(error.to_string().contains("log"), "{error}");
    }
    assert!(!dir.exists());
    fs::create_dir(&dir).unwrap();
    refused.push(log.rebuild_all().unwrap_err());
    refused.push(log.rotate().unwrap_err());
    let said = refused.last().unwrap().to_string();
    assert!(said.contains("replaced or removed"), "{said}");
    assert_eq!(fs::read_dir(&dir).unwrap().count(), 0);
    assert_eq!(*log.view::<u64>("count").unwrap(), 3);

    // What is there belongs to another log: a snapshot of 0.2.0 too, which a rotation makes wrong.
    fs::write(
        dir.join("app.jsonl"),
        "{\"type\":\"a\",\"data\":1,\"ts\":1}\n",
    )
    .unwrap();
    fs::create_dir(dir.join("views")).unwrap();
    let snapshot = dir.join("views/n.snapshot.json");
    fs::write(
        &snapshot,
        r#"{"state":1,"offset":29,"hash":"0123456789abcdef"}"#,
    )
    .unwrap();
    let said = log.rotate().unwrap_err().to_string();
    assert!(said.contains("replaced or removed"), "{said}");
    assert!(snapshot.exists());
    drop(log);

    fs::remove_dir_all(&dir).unwrap();
    fs::rename(&away, &dir).unwrap();
    let mut log = EventLog::builder(&dir).view("count", count).open().unwrap();
    assert_eq!(*log.view::<u64>("count").unwrap(), 3);
    log.append(&numbered(3)).unwrap();
    log.rotate().unwrap();
    log.refresh_all().unwrap();
    assert_eq!(*view.refresh(&log.reader()).unwrap(), 4);
    assert_eq!(numbers(&dir), [0, 1, 2, 3]);
}

#[test]
fn a_log_removed_or_replaced_under_a_writer_without_the_lock_acknowledges_nothing_as_synced() {
    for is_replaced in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let [log, copy] = ["app.jsonl", "copy"].map(|name| dir.path().join(name));
        let mut writer = EventWriter::open_with_lock(dir.path(), LockMode::None).unwrap();
        writer.append(&numbered(0)).unwrap();
        fs::copy(&log, &copy).unwrap();
        // As a repair of the doctor does, which sees no writer.
        match is_replaced {
            true => fs::rename(&copy, &log).unwrap(),
            false => fs::remove_file(&log).unwrap(),
        }
        let error = writer.append(&numbered(1)).unwrap_err();
        let doubt = matches!(Error::of(&error), Some(Error::DurabilityUnknown { .. }));
        assert!(doubt, "{error:?}");
        drop(writer);
        let mut writer = EventWriter::open_with_lock(dir.path(), LockMode::None).unwrap();
        writer.append(&numbered(2)).unwrap();
        let there: &[u64] = if is_replaced { &[0, 2] } else { &[2] };
        assert_eq!(numbers(dir.path()), there);
    }
}

#[test]
fn writers_without_the_lock_that_keep_one_view_save_it_side_by_side() {
    let dir = quick_dir();
    let sum = |sum: u64, event: &Event<u64>| sum + event.data;
    let open = || {
        EventLog::builder(dir.path())
            .lock_mode(LockMode::None)
            .typed_view("sum", sum)
            .open()
            .unwrap()
    };
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut log = open();
                for _ in 0..300 {
                    log.append_with(&Event::at(0, "n", 1_u64), Durability::Buffered)
                        .unwrap();
                    log.refresh_all().unwrap();
                }
            });
        }
    });
    let mut log = open();
    assert_eq!(log.rebuilt("sum").unwrap(), None);
    log.refresh_all().unwrap();
    assert_eq!(*log.view::<u64>("sum").unwrap(), 600);
    let views = fs::read_dir(dir.path().join("views")).unwrap();
    assert_eq!(views.count(), 1);
}

#[test]
fn a_second_name_for_the_directory_or_the_log_is_the_same_lock() {
    let parent = tempfile::tempdir().unwrap();
    let [dir, alias, other] = ["log", "alias", "other"].map(|name| parent.path().join(name));
    let _writer = EventWriter::open(&dir).unwrap();
    std::os::unix::fs::symlink(&dir, &alias).unwrap();
    refusal(&alias);
    fs::create_dir(&other).unwrap();
    fs::hard_link(dir.join("app.jsonl"), other.join("app.jsonl")).unwrap();
    refusal(&other);
}

#[cfg(target_os = "linux")]
#[test]
fn a_lock_taken_by_flock_from_the_shell_is_a_writers_lock() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("app.jsonl");
    drop(EventWriter::open(dir.path()).unwrap());
    let mut shell = Command::new("flock")
        .args(["--nonblock", "--no-fork"])
        .arg(&log)
        .args(["sh", "-c", "echo locked; read wait"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    std::io::BufRead::read_line(
        &mut std::io::BufReader::new(shell.stdout.as_mut().unwrap()),
        &mut said,
    )
    .unwrap();
    assert_eq!(said, "locked\n");
    let message = refusal(dir.path());
    assert!(
        message.contains(&format!("pid {}", shell.id())),
        "{message}"
    );
    drop(shell.stdin.take());
    shell.wait().unwrap();

    // And the other way round.
    let _writer = EventWriter::open(dir.path()).unwrap();
    let status = Command::new("flock")
        .arg("--nonblock")
        .arg(&log)
        .arg("true")
        .status();
    assert!(!status.unwrap().success());
}

/// Another process than ours or its child, ended with this value.
struct Process(String);

impl Process {
    /// A child of the actor, once it runs its own program: until then it is a copy of its parent,
    /// with its parent's files.
    fn that_sleeps(parent: &mut Actor) -> Self {
        let child = Self(parent.ask("child").unwrap());
        let name = format!("/proc/{}/comm", child.0);
        while cfg!(target_os = "linux") && fs::read_to_string(&name).unwrap() != "sleep\n" {
            thread::yield_now();
        }
        child
    }

    fn is_alive(&self) -> bool {
        let status = Command::new("kill").args(["-0", &self.0]).status();
        status.unwrap().success()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-9", &self.0]).status();
    }
}
