//! Failures to open that are not contention, and are never told as it.
#![cfg(not(target_arch = "wasm32"))]

mod support;

use std::fs;

use eventfold::{Error, EventLog, EventWriter};

// Permissions by mode, and a user without rights, are Unix's.
#[cfg(unix)]
#[test]
fn a_directory_without_permission_is_not_contention() {
    use std::os::unix::fs::PermissionsExt;
    use support::Actor;

    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("log");
    drop(EventWriter::open(&dir).unwrap());
    for (path, mode) in [
        (&dir.join("app.jsonl"), 0o444),
        (&dir, 0o555),
        (&dir, 0o000),
    ] {
        let before = fs::metadata(path).unwrap().permissions();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        let mut nobody = Actor::start_as(&mut support::as_nobody(parent.path(), &dir));
        // A directory that cannot be written is refused where something has to be made in it.
        let fresh = dir.join("deeper");
        let mut elsewhere = Actor::start_as(&mut support::as_nobody(parent.path(), &fresh));
        let answers = if mode == 0o444 {
            vec![nobody.ask("open"), nobody.ask("open-unlocked")]
        } else {
            vec![elsewhere.ask("open"), elsewhere.ask("open-unlocked")]
        };
        fs::set_permissions(path, before).unwrap();
        for answer in answers {
            let error = answer.unwrap_err();
            assert!(
                error.starts_with("PermissionDenied Io"),
                "{mode:o}: {error}"
            );
            assert!(error.contains(&*dir.to_string_lossy()), "{error}");
        }
    }
    EventWriter::open(&dir).unwrap();
}

#[test]
fn a_directory_where_the_log_should_be_is_not_contention() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("app.jsonl")).unwrap();
    let error = EventLog::open(dir.path()).unwrap_err();
    // Windows has no error of its own for it.
    let kind = match cfg!(windows) {
        true => std::io::ErrorKind::PermissionDenied,
        false => std::io::ErrorKind::IsADirectory,
    };
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains("app.jsonl"), "{error}");
    assert!(matches!(Error::of(&error), Some(Error::Io { .. })));
    fs::remove_dir(dir.path().join("app.jsonl")).unwrap();
    EventLog::open(dir.path()).unwrap();
}

#[test]
fn a_file_where_the_directory_should_be_is_not_contention() {
    let parent = tempfile::tempdir().unwrap();
    let file = parent.path().join("file");
    fs::write(&file, "kept").unwrap();
    for path in [&file, &file.join("log")] {
        let error = EventWriter::open(path).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::NotADirectory, "{error}");
        assert!(
            error.to_string().contains(&*file.to_string_lossy()),
            "{error}"
        );
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "kept");
}

#[cfg(unix)]
#[test]
fn a_link_to_nothing_where_the_directory_should_be_is_not_contention() {
    let parent = tempfile::tempdir().unwrap();
    let link = parent.path().join("link");
    std::os::unix::fs::symlink(parent.path().join("missing"), &link).unwrap();
    for path in [&link, &link.join("log")] {
        let error = EventWriter::open(path).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::NotADirectory, "{error}");
    }
    fs::create_dir(parent.path().join("missing")).unwrap();
    EventWriter::open(&link).unwrap();
}

// As above.
#[cfg(unix)]
#[test]
fn a_rotation_that_may_not_make_the_archive_is_refused_and_the_writer_goes_on() {
    use std::os::unix::fs::PermissionsExt;
    use support::{Actor, numbers};

    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("log");
    fs::create_dir(&dir).unwrap();
    let set_mode = |mode| fs::set_permissions(&dir, fs::Permissions::from_mode(mode)).unwrap();
    set_mode(0o777);
    let mut nobody = Actor::start_as(&mut support::as_nobody(parent.path(), &dir));
    nobody.ask("open").unwrap();
    nobody.ask("append 0 1").unwrap();
    set_mode(0o555);
    let error = nobody.ask("rotate").unwrap_err();
    set_mode(0o777);
    assert!(error.starts_with("PermissionDenied Io"), "{error}");
    assert!(error.contains("archive.jsonl.zst"), "{error}");
    nobody.ask("append 1 1").unwrap();
    nobody.ask("rotate").unwrap();
    nobody.ask("append 2 1").unwrap();
    assert_eq!(numbers(&dir), [0, 1, 2]);
}
