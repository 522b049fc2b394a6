//! A directory or a file system that may only be read: it is read, what would write is refused
//! with its own kind and place, and nothing is lost.
#![cfg(target_os = "linux")]

mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use eventfold::EventLog;
use support::{Actor, as_nobody, not_run, numbered, numbers};

#[test]
fn in_a_directory_made_read_only_appends_go_on_and_what_makes_files_is_refused() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("log");
    fs::create_dir(&dir).unwrap();
    let set_mode = |mode| fs::set_permissions(&dir, Permissions::from_mode(mode)).unwrap();
    set_mode(0o777);
    let mut nobody = Actor::start_as(&mut as_nobody(parent.path(), &dir));
    nobody.ask("open").unwrap();
    set_mode(0o555);
    for number in 0..3 {
        nobody.ask(&format!("append {number} 10")).unwrap();
    }
    let refresh = nobody.ask("refresh").unwrap_err();
    let rotate = nobody.ask("rotate").unwrap_err();
    let read = nobody.ask("read").unwrap();
    // A log that is there opens: it is what is made new that is refused.
    nobody.ask("close").unwrap();
    nobody.ask("open").unwrap();
    nobody.ask("append 3 10").unwrap();
    set_mode(0o777);
    for (error, file) in [
        (refresh, "sum.snapshot.json"),
        (rotate, "archive.jsonl.zst"),
    ] {
        assert!(error.starts_with("PermissionDenied Io"), "{error}");
        assert!(
            error.contains(&*dir.join(file).file_name().unwrap().to_string_lossy()),
            "{error}"
        );
    }
    assert_eq!(read, "3 0 ");
    nobody.ask("refresh").unwrap();
    nobody.ask("rotate").unwrap();
    nobody.ask("append 4 10").unwrap();
    assert_eq!(numbers(&dir), [0, 1, 2, 3, 4]);
}

#[test]
fn a_read_only_file_system_is_read_while_another_writes_and_opens_for_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = EventLog::open(dir.path()).unwrap();
    log.append(&numbered(0)).unwrap();
    log.rotate().unwrap();
    let end = log.append(&numbered(1)).unwrap().next_position;
    drop(log);

    let script =
        "mount --bind \"$1\" \"$1\" && mount -o remount,bind,ro \"$1\" && exec \"$0\" \"$1\"";
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "sh", "-c", script]);
    let may_mount = Command::new("unshare")
        .args(["--map-root-user", "--mount", "mount", "--bind"])
        .args([dir.path(), dir.path()])
        .output();
    if !may_mount.is_ok_and(|tried| tried.status.success()) {
        return not_run("a read-only file system", "none may be mounted here");
    }
    let mut actor = Actor::start_as(command.arg(env!("CARGO_BIN_EXE_actor")).arg(dir.path()));
    assert_eq!(actor.ask("read").unwrap(), "2 0 ");
    for open in ["open", "open-unlocked"] {
        let error = actor.ask(open).unwrap_err();
        let told = error.starts_with("ReadOnlyFilesystem Io") && error.contains("app.jsonl");
        assert!(told, "{error}");
    }

    // A wait there is ended by an append from here.
    actor.send(&format!("wait {end} 60000"));
    let mut log = EventLog::open(dir.path()).unwrap();
    log.append(&numbered(2)).unwrap();
    log.rotate().unwrap();
    let waited = actor.line().unwrap();
    assert!(waited.starts_with("ok NewData"), "{waited}");
    assert_eq!(actor.ask("read").unwrap(), "3 0 ");
    drop(actor);
    log.append(&numbered(3)).unwrap();
    assert_eq!(numbers(dir.path()), [0, 1, 2, 3]);
}
