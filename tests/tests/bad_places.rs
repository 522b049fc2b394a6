//! Names and places that cannot be: refused before anything is made.
#![cfg(not(target_arch = "wasm32"))]

mod support;

use std::fs;
use std::io;
#[cfg(target_os = "linux")]
use std::process::Command;

use eventfold::{Error, Event, EventLog, View};
#[cfg(target_os = "linux")]
use support::{Actor, not_run};
use support::{numbered, numbers, quick_dir};

#[test]
fn a_view_name_with_a_separator() {
    for name in ["a/b", "a\\b", "/", "/etc/passwd", "views/x", "c:x"] {
        assert_name_refused(name);
    }
}

#[test]
fn a_view_name_that_leaves_the_directory() {
    for name in ["..", ".", "../x", "..\\x", "../../etc/x", "x/.."] {
        assert_name_refused(name);
    }
}

#[test]
fn a_view_name_of_a_device() {
    for name in [
        "NUL", "con", "Aux", "prn", "COM1", "lpt9", "nul.txt", "com1.x", "CONIN$",
    ] {
        assert_name_refused(name);
    }
}

#[test]
fn a_view_name_that_is_empty_too_long_or_no_file_name() {
    for name in [
        "", " ", "a\0b", "a\nb", "x.", "x ", ".hidden", "a*", "a?", "a\"", "<a>", "a|b",
    ] {
        assert_name_refused(name);
    }
    assert_name_refused(&"n".repeat(129));
    assert_name_refused(&"n".repeat(100_000));
    assert_name_refused(&"ü".repeat(65));
}

#[test]
fn the_longest_view_name_is_taken_and_kept() {
    let dir = quick_dir();
    for name in ["n".repeat(128), "ü".repeat(64)] {
        let open = || {
            EventLog::builder(dir.path())
                .view(&*name, count)
                .open()
                .unwrap()
        };
        let mut log = open();
        log.append(&numbered(0)).unwrap();
        log.refresh_all().unwrap();
        let counted = *log.view::<u64>(&name).unwrap();
        drop(log);
        assert_eq!(*open().view::<u64>(&name).unwrap(), counted);
    }
}

#[test]
fn two_views_of_one_name() {
    for (one, other) in [
        ("sum", "sum"),
        ("sum", "Sum"),
        ("größe", "GRÖSSE"),
        ("größe", "GRÖßE"),
    ] {
        let dir = quick_dir();
        let unmade = dir.path().join("log");
        let twice = EventLog::builder(&unmade)
            .view(one, count)
            .view(other, count)
            .open();
        if other == "GRÖSSE" {
            // Another name on every file system that we know.
            twice.unwrap();
            continue;
        }
        let error = twice.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(error.to_string().contains(other), "{error}");
        assert!(!unmade.exists());
    }
}

#[test]
fn a_view_that_is_not_kept_or_of_another_type() {
    let dir = quick_dir();
    let log = EventLog::builder(dir.path())
        .view("count", count)
        .open()
        .unwrap();
    for error in [
        log.view::<u64>("sum").unwrap_err(),
        log.view::<String>("count").unwrap_err(),
    ] {
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(
            matches!(Error::of(&error), Some(Error::View { .. })),
            "{error:?}"
        );
    }
    assert_eq!(*log.view::<u64>("count").unwrap(), 0);
}

#[test]
fn a_file_where_the_directory_should_be() {
    let dir = quick_dir();
    let file = std::path::absolute(dir.path().join("file")).unwrap();
    fs::write(&file, "kept").unwrap();
    for path in [file.clone(), file.join("log"), file.join("log/deeper")] {
        let error = EventLog::open(&path).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotADirectory, "{error}");
        assert!(
            error.to_string().contains(&*file.to_string_lossy()),
            "{error}"
        );
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "kept");
}

#[test]
fn a_directory_that_is_made_with_all_above_it() {
    let dir = quick_dir();
    let deep = dir.path().join("a/b/c");
    EventLog::open(&deep).unwrap().append(&numbered(0)).unwrap();
    assert_eq!(numbers(&deep), [0]);
}

#[cfg(unix)]
#[test]
fn files_that_may_not_be_read_are_named() {
    use std::os::unix::fs::PermissionsExt;
    use support::Actor;

    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("log");
    let mut log = EventLog::open(&dir).unwrap();
    log.append(&numbered(0)).unwrap();
    log.rotate().unwrap();
    log.append(&numbered(1)).unwrap();
    for name in ["app.jsonl", "archive.jsonl.zst", "."] {
        let path = dir.join(name);
        let before = fs::metadata(&path).unwrap().permissions();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
        let mut nobody = Actor::start_as(&mut support::as_nobody(parent.path(), &dir));
        let said = nobody.ask("read").unwrap();
        fs::set_permissions(&path, before).unwrap();
        let (_, error) = said
            .split_once("PermissionDenied Io")
            .unwrap_or_else(|| panic!("{said}"));
        let path = if name == "." { dir.clone() } else { path };
        assert!(error.contains(&*path.to_string_lossy()), "{said}");
    }
    log.append(&numbered(2)).unwrap();
    assert_eq!(numbers(&dir), [0, 1, 2]);
}

fn count(count: u64, _: &Event) -> u64 {
    count + 1
}

fn assert_name_refused(name: &str) {
    let dir = quick_dir();
    let unmade = dir.path().join("log");
    let shown: String = name.chars().take(30).collect();
    let errors = [
        View::new(name, count).unwrap_err(),
        EventLog::builder(&unmade)
            .view(name, count)
            .open()
            .unwrap_err(),
        EventLog::builder(&unmade)
            .view("good", count)
            .view(name, count)
            .open()
            .unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{shown:?}");
        assert!(
            matches!(Error::of(&error), Some(Error::View { .. })),
            "{error:?}"
        );
        assert!(error.to_string().contains(&format!("{name:?}")), "{error}");
    }
    assert_eq!(dir.path().read_dir().unwrap().count(), 0, "{shown:?}");
}

/// By whoever prepared the directory.
#[cfg(unix)]
#[test]
fn what_a_crash_left_is_kept_through_no_link() {
    let dir = quick_dir();
    let (elsewhere, torn) = (dir.path().join("elsewhere"), dir.path().join("torn.bin"));
    fs::write(&elsewhere, "another's").unwrap();
    std::os::unix::fs::symlink(&elsewhere, &torn).unwrap();
    fs::write(dir.path().join("app.jsonl"), "{\"type\":").unwrap();
    let mut log = EventLog::open(dir.path()).unwrap();
    assert_eq!(log.recovery().torn_log_bytes, 8);
    assert_eq!(fs::read(&elsewhere).unwrap(), b"another's");
    assert!(fs::symlink_metadata(&torn).unwrap().is_file());
    assert!(fs::read_to_string(&torn).unwrap().contains("{\"type\":\n"));
    log.append(&numbered(1)).unwrap();
    drop(log);
    assert_eq!(numbers(dir.path()), [1]);
}

/// The path from the root leads into what was mounted, also where nothing is there yet.
#[cfg(target_os = "linux")]
#[test]
fn a_log_at_a_relative_path_is_made_where_the_process_is_though_another_directory_was_mounted_there()
 {
    let dir = tempfile::tempdir().unwrap();
    let mounted = |script: &str| {
        let script = format!("cd \"$1\" && mount -t tmpfs tmpfs \"$1\" && {script}");
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount", "sh", "-c", &script]);
        command.arg(env!("CARGO_BIN_EXE_actor")).arg(dir.path());
        command
    };
    let may_mount = mounted("true").output();
    if !may_mount.is_ok_and(|tried| tried.status.success()) {
        return not_run(
            "a directory that is mounted over",
            "none may be mounted here",
        );
    }
    let mut actor = Actor::start_as(&mut mounted("exec \"$0\" log"));
    for number in 0..2 {
        actor.ask("open").unwrap();
        actor.ask(&format!("append {number} 0")).unwrap();
        actor.ask("close").unwrap();
    }
    assert_eq!(actor.ask("read").unwrap(), "2 0 ");
    drop(actor);
    let log = dir.path().join("log");
    assert_eq!(numbers(&log), [0, 1]);
    EventLog::open(&log).unwrap().append(&numbered(2)).unwrap();
    assert_eq!(numbers(&log), [0, 1, 2]);
}
