//! Views and their snapshots.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use eventfold::{Error, Event, EventLog, EventWriter, View};
use eventfold_0_2 as old;
use serde_json::Value;
use tempfile::tempdir;

use crate::support::{
    ARCHIVE, LOG, append_bytes, event, event_0_2, events, line, made_by_0_2, made_here, read,
};

#[test]
fn a_corrupt_line_met_while_refreshing_changes_neither_state_nor_snapshot() {
    let dir = tempdir().unwrap();
    made_by_0_2(dir.path(), 3, 0);
    let mut theirs = old::EventLog::builder(dir.path())
        .view::<Vec<u64>>("seen", |seen, event| see(seen, &event.data))
        .open()
        .unwrap();
    theirs.refresh_all().unwrap();
    append_bytes(
        &dir.path().join(LOG),
        &[&line(3)[..], b"damage\n", &line(4)].concat(),
    );
    assert!(theirs.refresh_all().is_err());
    let state: &Vec<u64> = theirs.view("seen").unwrap();
    assert_ne!(*state, [0, 1, 2], "0.2.0 loses its state");

    let dir = tempdir().unwrap();
    made_here(dir.path(), 3, &[2]);
    let mut log = open(dir.path());
    log.refresh_all().unwrap();
    let snapshot = dir.path().join("views/seen.snapshot.json");
    let before = fs::read(&snapshot).unwrap();
    let whole = fs::read(dir.path().join(LOG)).unwrap();
    append_bytes(
        &dir.path().join(LOG),
        &[&line(3)[..], b"damage\n", &line(4)].concat(),
    );
    for _ in 0..2 {
        let error = log.refresh_all().unwrap_err();
        assert!(matches!(Error::of(&error), Some(Error::Corrupt { .. })));
        let error = log.rebuild_all().unwrap_err();
        assert!(matches!(Error::of(&error), Some(Error::Corrupt { .. })));
        assert_eq!(seen(&log), [0, 1, 2]);
        assert_eq!(fs::read(&snapshot).unwrap(), before);
    }
    fs::write(
        dir.path().join(LOG),
        [&whole[..], &line(3), &line(4)].concat(),
    )
    .unwrap();
    log.refresh_all().unwrap();
    assert_eq!(seen(&log), [0, 1, 2, 3, 4]);
    drop(log);
    assert_eq!(seen(&open(dir.path())), [0, 1, 2, 3, 4]);
}

#[test]
fn a_file_that_cannot_be_read_while_refreshing_changes_neither_state_nor_snapshot() {
    for file in [ARCHIVE, LOG] {
        let dir = tempdir().unwrap();
        made_here(dir.path(), 4, &[2]);
        let mut log = open(dir.path());
        log.refresh_all().unwrap();
        let mut view = View::new("alone", |state, event: &Event| see(state, &event.data)).unwrap();
        view.refresh(&log.reader()).unwrap();
        log.append(&event(4)).unwrap();
        let snapshot = dir.path().join("views/seen.snapshot.json");
        let before = fs::read(&snapshot).unwrap();
        let (path, aside) = (dir.path().join(file), dir.path().join("aside"));
        fs::rename(&path, &aside).unwrap();
        fs::create_dir(&path).unwrap();
        for _ in 0..2 {
            assert!(log.refresh_all().is_err(), "{file}");
            assert!(log.rebuild_all().is_err(), "{file}");
            assert!(view.refresh(&log.reader()).is_err(), "{file}");
            assert_eq!(seen(&log), [0, 1, 2, 3]);
            assert_eq!(*view.state(), [0, 1, 2, 3]);
            assert_eq!(fs::read(&snapshot).unwrap(), before);
        }
        fs::remove_dir(&path).unwrap();
        fs::rename(&aside, &path).unwrap();
        log.refresh_all().unwrap();
        assert_eq!(seen(&log), [0, 1, 2, 3, 4]);
        assert_eq!(view.refresh(&log.reader()).unwrap()[4], 4);
    }
}

#[test]
fn a_view_that_is_not_registered_at_a_rotation_misses_nothing() {
    let dir = tempdir().unwrap();
    let theirs = || {
        let builder = old::EventLog::builder(dir.path());
        builder.view::<Vec<u64>>("seen", |seen, event| see(seen, &event.data))
    };
    made_by_0_2(dir.path(), 2, 0);
    // Its snapshot then says: offset 0, everything archived is folded.
    theirs().open().unwrap().rotate().unwrap();
    let mut without = old::EventLog::open(dir.path()).unwrap();
    without.append(&event_0_2(2)).unwrap();
    without.rotate().unwrap();
    drop(without);
    let mut log = theirs().open().unwrap();
    log.refresh_all().unwrap();
    let state: &Vec<u64> = log.view("seen").unwrap();
    assert_eq!(*state, [0, 1], "0.2.0 misses the third");

    let dir = tempdir().unwrap();
    made_here(dir.path(), 2, &[]);
    for n in 2..8 {
        let mut with = open(dir.path());
        if n % 3 != 0 {
            with.refresh_all().unwrap();
        }
        if n % 2 == 0 {
            with.rotate().unwrap();
        }
        drop(with);
        let mut without = EventLog::open(dir.path()).unwrap();
        without.append(&event(n)).unwrap();
        without.rotate().unwrap();
        drop(without);
        let mut with = open(dir.path());
        with.refresh_all().unwrap();
        assert_eq!(seen(&with), (0..=n).collect::<Vec<_>>());
    }
}

#[test]
fn no_view_name_leaves_the_directory() {
    let dir = tempdir().unwrap();
    let inside = dir.path().join("a/log");
    let mut theirs = old::EventLog::builder(&inside)
        .view::<Vec<u64>>("../../escaped", |seen, event| see(seen, &event.data))
        .open()
        .unwrap();
    theirs.append(&event_0_2(0)).unwrap();
    theirs.refresh_all().unwrap();
    let escaped = dir.path().join("a/escaped.snapshot.json");
    assert!(escaped.exists(), "0.2.0 writes outside");

    let dir = tempdir().unwrap();
    let inside = dir.path().join("a/log");
    let absolute = dir.path().join("absolute").display().to_string();
    let names = [
        "../../escaped",
        "../x",
        "a/b",
        "..",
        ".",
        "",
        "a\\b",
        "..\\x",
        "a\0b",
        "NUL",
    ];
    for name in names.into_iter().chain([&*absolute]) {
        let refused = EventLog::builder(&inside)
            .view(name, |seen, event: &Event| see(seen, &event.data))
            .open()
            .unwrap_err();
        assert!(
            matches!(Error::of(&refused), Some(Error::View { .. })),
            "{name:?}"
        );
        assert!(View::new(name, |seen, event: &Event| see(seen, &event.data)).is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "{name:?}");
    }
}

#[test]
fn a_snapshot_that_is_not_utf_8_or_is_any_other_garbage_costs_a_rebuild() {
    let dir = tempdir().unwrap();
    made_by_0_2(dir.path(), 3, 0);
    fs::write(dir.path().join("views/seen.snapshot.json"), b"\xff\xfe").unwrap();
    let mut theirs = old::EventLog::builder(dir.path())
        .view::<Vec<u64>>("seen", |seen, event| see(seen, &event.data))
        .open()
        .unwrap();
    assert!(theirs.refresh_all().is_err(), "0.2.0 fails forever");

    let dir = tempdir().unwrap();
    made_here(dir.path(), 3, &[1]);
    let mut log = open(dir.path());
    log.refresh_all().unwrap();
    drop(log);
    let path = dir.path().join("views/seen.snapshot.json");
    let saved = fs::read(&path).unwrap();
    let mut garbage = vec![b"\xff\xfe".to_vec(), vec![], vec![0; 4096], b"{}".to_vec()];
    garbage.extend((0..saved.len()).map(|cut| saved[..cut].to_vec()));
    garbage.extend((0..saved.len() * 8).step_by(11).map(|bit| {
        let mut flipped = saved.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        flipped
    }));
    for bytes in garbage {
        fs::write(&path, &bytes).unwrap();
        let mut log = open(dir.path());
        assert_eq!(seen(&log), [0; 0], "{}", String::from_utf8_lossy(&bytes));
        log.refresh_all().unwrap();
        assert_eq!(seen(&log), [0, 1, 2]);
    }
    assert_eq!(fs::read(&path).unwrap(), saved);
}

#[test]
fn a_replay_skips_no_event_that_is_in_flight_meanwhile() {
    /// The log that the reducer of 0.2.0, which holds no state, tears.
    static TEARS: Mutex<Option<PathBuf>> = Mutex::new(None);
    let dir = tempdir().unwrap();
    made_by_0_2(dir.path(), 3, 0);
    *TEARS.lock().unwrap() = Some(dir.path().join(LOG));
    let reducer = |seen, event: &old::Event| {
        if event.data["n"] == 2 {
            let path = TEARS.lock().unwrap();
            append_bytes(path.as_ref().unwrap(), &line(3)[..20]);
        }
        see(seen, &event.data)
    };
    let mut theirs = old::View::<Vec<u64>>::new("seen", reducer, &dir.path().join("views"));
    let reader = old::EventReader::new(dir.path());
    theirs.refresh(&reader).unwrap();
    append_bytes(&dir.path().join(LOG), &[&line(3)[20..], &line(4)].concat());
    let state = theirs.refresh(&reader).unwrap_or(&vec![]).clone();
    assert_ne!(state, [0, 1, 2, 3, 4], "0.2.0 skips the fourth");

    for rotated in [vec![], vec![1], vec![3]] {
        let dir = tempdir().unwrap();
        made_here(dir.path(), 3, &rotated);
        let path = dir.path().join(LOG);
        let mut view = View::new("seen", move |seen, event: &Event| {
            if event.data["n"] == 2 {
                append_bytes(&path, &line(3)[..20]);
            }
            see(seen, &event.data)
        })
        .unwrap();
        let reader = eventfold::EventReader::new(dir.path());
        assert_eq!(*view.refresh(&reader).unwrap(), [0, 1, 2]);
        append_bytes(&dir.path().join(LOG), &[&line(3)[20..], &line(4)].concat());
        assert_eq!(*view.refresh(&reader).unwrap(), [0, 1, 2, 3, 4]);
    }
}

#[test]
fn a_replay_during_which_the_log_grows_and_rotates_sees_each_event_once() {
    let dir = tempdir().unwrap();
    made_here(dir.path(), 20, &[7]);
    let writer = Arc::new(Mutex::new(EventWriter::open(dir.path()).unwrap()));
    let (reader, appends) = (writer.lock().unwrap().reader(), Arc::clone(&writer));
    let mut view = View::new("seen", move |seen: Vec<u64>, event: &Event| {
        let n = event.data["n"].as_u64().unwrap();
        let mut writer = appends.lock().unwrap();
        if n < 20 {
            writer.append(&crate::support::event(20 + n)).unwrap();
        }
        if n % 5 == 4 && n < 30 {
            writer.rotate().unwrap();
        }
        see(seen, &event.data)
    })
    .unwrap();
    view.refresh(&reader).unwrap();
    assert_eq!(*view.refresh(&reader).unwrap(), (0..40).collect::<Vec<_>>());
    assert_eq!(read(dir.path()), events(40));
}

fn see(mut seen: Vec<u64>, data: &Value) -> Vec<u64> {
    seen.push(data["n"].as_u64().unwrap());
    seen
}

fn open(dir: &std::path::Path) -> EventLog {
    EventLog::builder(dir)
        .view("seen", |seen, event: &Event| see(seen, &event.data))
        .open()
        .unwrap()
}

fn seen(log: &EventLog) -> Vec<u64> {
    log.view::<Vec<u64>>("seen").unwrap().clone()
}
