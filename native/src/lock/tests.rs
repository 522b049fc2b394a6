use super::*;
use std::fs;

/// Closes a locked file as a writer does: a child that another test has forked and that has not run
/// `exec` yet holds duplicates, and so the lock.
fn close(file: File) {
    unlock(&file);
    drop(file);
}

fn assert_held<T>(result: Result<T, LockError>) -> Option<Holder> {
    match result {
        Err(LockError::Held(file)) => Holder::of(&file),
        Err(LockError::Io(error)) => panic!("expected contention, got {error:?}"),
        Ok(_) => panic!("expected contention, got the lock"),
    }
}

fn io_kind<T>(result: Result<T, LockError>) -> io::ErrorKind {
    match result {
        Err(LockError::Io(error)) => error.kind(),
        Err(LockError::Held(_)) => panic!("expected an I/O error, got contention"),
        Ok(_) => panic!("expected an I/O error, got the lock"),
    }
}

#[test]
fn a_second_open_is_refused_and_names_the_holder() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.jsonl");
    let first = open_locked(&path).unwrap();
    let holder = assert_held(open_locked(&path));
    if cfg!(target_os = "linux") {
        let holder = holder.unwrap();
        assert_eq!(holder.pid, std::process::id());
        assert!(holder.program.is_some_and(|name| !name.is_empty()));
    }
    close(first);
    open_locked(&path).unwrap();
}

#[test]
fn a_shared_lock_keeps_the_exclusive_one_out() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.jsonl");
    let other = open_unlocked(&path).unwrap();
    FileExt::try_lock_shared(&other).unwrap();
    let holder = assert_held(open_locked(&path));
    if cfg!(target_os = "linux") {
        assert_eq!(holder.unwrap().pid, std::process::id());
    }
}

#[test]
fn unlock_releases_while_a_duplicate_stays_open() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.jsonl");
    let file = open_locked(&path).unwrap();
    let duplicate = file.try_clone().unwrap();
    unlock(&file);
    drop(file);
    open_locked(&path).unwrap();
    drop(duplicate);
}

#[test]
fn a_duplicate_keeps_the_lock_without_unlock() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.jsonl");
    let duplicate = open_locked(&path).unwrap().try_clone().unwrap();
    assert_held(open_locked(&path));
    drop(duplicate);
}

#[cfg(target_os = "linux")]
#[test]
fn a_lock_that_a_process_took_for_us_and_ended_is_ours() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.jsonl");
    let file = open_unlocked(&path).unwrap();
    let status = std::process::Command::new("flock")
        .args(["-xn", "0"])
        .stdin(file.try_clone().unwrap())
        .status();
    assert!(status.unwrap().success());
    let holder = assert_held(open_locked(&path)).unwrap();
    assert_eq!(holder.pid, std::process::id());
    close(file);
    open_locked(&path).unwrap();
}

// Windows lets nobody replace or remove an open log: see the tests of the crate's users.
#[cfg(unix)]
#[test]
fn a_file_replaced_before_the_lock_is_left_for_the_new_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.jsonl");
    fs::write(&path, "old\n").unwrap();
    let mut opens = 0;
    let file = open_locked_with(&path, || {
        opens += 1;
        if opens == 1 {
            let fresh = dir.path().join("fresh");
            fs::write(&fresh, "new\n")?;
            fs::rename(&fresh, &path)?;
        }
        Ok(())
    })
    .unwrap();
    assert_eq!(opens, 2);
    io::Write::write_all(&mut &file, b"more\n").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "new\nmore\n");
    assert_held(open_locked(&path));
}

#[cfg(unix)]
#[test]
fn contention_on_a_file_that_left_the_path_is_not_reported() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.jsonl");
    let old = open_locked(&path).unwrap();
    let mut opens = 0;
    let new = open_locked_with(&path, || {
        opens += 1;
        if opens == 1 {
            fs::remove_file(&path)?;
        }
        Ok(())
    })
    .unwrap();
    assert!(Identity::of(&new).unwrap().is_at(&path).unwrap());
    assert!(!Identity::of(&old).unwrap().is_at(&path).unwrap());
}

#[cfg(unix)]
#[test]
fn a_file_that_keeps_being_replaced_ends_in_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.jsonl");
    let result = open_locked_with(&path, || fs::remove_file(&path));
    let Err(LockError::Io(error)) = result else {
        panic!("expected an I/O error, got {result:?}");
    };
    assert!(error.to_string().contains(&*path.to_string_lossy()));
}

#[test]
fn other_failures_keep_their_kind() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing").join("app.jsonl");
    assert_eq!(io_kind(open_locked(&missing)), io::ErrorKind::NotFound);
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    // Windows has no error of its own for these.
    let [directory, inside_a_file] = if cfg!(windows) {
        [io::ErrorKind::PermissionDenied, io::ErrorKind::NotFound]
    } else {
        [io::ErrorKind::IsADirectory, io::ErrorKind::NotADirectory]
    };
    assert_eq!(io_kind(open_locked(dir.path())), directory);
    let kind = io_kind(open_locked(&file.join("app.jsonl")));
    assert_eq!(kind, inside_a_file);
}

#[test]
fn only_a_held_lock_is_contention() {
    assert!(is_contention(&fs2::lock_contended_error()));
    let others: &[i32] = if cfg!(windows) {
        // ERROR_ACCESS_DENIED, ERROR_SHARING_VIOLATION, ERROR_NOT_SUPPORTED
        &[5, 32, 50]
    } else {
        // EIO, EACCES; ENOLCK and ENOTSUP of Linux
        &[5, 13, 37, 95]
    };
    for code in others {
        assert!(!is_contention(&io::Error::from_raw_os_error(*code)));
    }
    assert!(!is_contention(&io::Error::other("no code at all")));
}
