//! One writer at a time.

use std::fs;
use std::io::ErrorKind;

use eventfold::{EventWriter, LockMode};
use eventfold_0_2 as old;
use tempfile::tempdir;

use crate::support::{LOG, event, event_0_2, goes_on, made_here};

#[test]
fn replacing_the_log_admits_no_second_writer_and_no_event_into_the_lost_file() {
    let dir = tempdir().unwrap();
    let _first = old::EventWriter::open(dir.path()).unwrap();
    replace(dir.path());
    let mut second = old::EventWriter::open(dir.path()).unwrap();
    second
        .append(&event_0_2(0))
        .expect("0.2.0 admits a second writer");

    for rotations in [&[][..], &[1], &[2]] {
        let dir = tempdir().unwrap();
        made_here(dir.path(), 2, rotations);
        let mut first = EventWriter::open(dir.path()).unwrap();
        for _ in 0..2 {
            replace(dir.path());
            let refused = EventWriter::open(dir.path()).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
        }
        // What it appended now would be gone with the file that has left the directory.
        assert!(first.append(&event(2)).is_err());
        assert!(first.append(&event(2)).is_err());
        drop(first);
        goes_on(dir.path(), 2);
    }
}

#[test]
fn removing_the_log_admits_no_second_writer() {
    let dir = tempdir().unwrap();
    made_here(dir.path(), 2, &[2]);
    let mut first = EventWriter::open(dir.path()).unwrap();
    fs::remove_file(dir.path().join(LOG)).unwrap();
    let refused = EventWriter::open(dir.path()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
    drop(EventWriter::open_with_lock(dir.path(), LockMode::None).unwrap());
    assert!(first.append(&event(2)).is_err());
    drop(first);
    goes_on(dir.path(), 2);
}

/// Puts another file with the same bytes where the log is.
fn replace(dir: &std::path::Path) {
    let (log, other) = (dir.join(LOG), dir.join("other"));
    fs::copy(&log, &other).unwrap();
    fs::rename(&other, &log).unwrap();
}
