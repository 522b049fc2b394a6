//! Snapshots that are damaged, foreign or no snapshots: each costs a rebuild, never an error and
//! never a wrong state.
#![cfg(not(target_arch = "wasm32"))]

mod support;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use eventfold::{Event, EventLog, EventReader, EventWriter, LineHash, NoSnapshot, View};
use serde_json::{Value, json};
use support::{numbered, quick_dir};

#[test]
fn bytes_that_are_no_snapshot() {
    let dir = log_with_snapshot(&[3, 4]);
    let random = (0..4096_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8);
    let garbage: [Vec<u8>; 8] = [
        vec![],
        b"\n".to_vec(),
        vec![0; 100],
        b"\xff\xfe not utf-8".to_vec(),
        random.collect(),
        b"[".repeat(100_000),
        b"{\"state\":7,\"offset\":".to_vec(),
        b",\"check\":\"0000000000000000\"}\n".to_vec(),
    ];
    for garbage in garbage {
        assert_rebuilt(
            dir.path(),
            &garbage,
            &format!("{:?}", &garbage[..garbage.len().min(30)]),
        );
    }
}

#[test]
fn json_of_another_shape() {
    let dir = log_with_snapshot(&[3, 4]);
    let others = [
        json!(null),
        json!([1, 2]),
        json!({}),
        json!({ "state": 1000 }),
        json!({ "state": 1000, "offset": 0, "hash": LineHash::NONE }),
        json!({ "state": 1000, "offset": -1, "hash": "x" }),
        json!({ "state": 1000, "offset": u64::MAX, "hash": "ef46db3751d8e999" }),
    ];
    for other in others {
        assert_rebuilt(dir.path(), other.to_string().as_bytes(), &other.to_string());
        // With the check that makes it a whole snapshot, but for what is in it.
        if !other.is_object() || other["offset"] == 0 {
            continue;
        }
        let fields = other.to_string();
        let checked = checked(fields.trim_end_matches('}'));
        assert_rebuilt(dir.path(), &checked, &String::from_utf8_lossy(&checked));
    }
}

#[test]
fn a_state_of_another_type() {
    let dir = log_with_snapshot(&[3, 4]);
    let whole = fs::read(snapshot(dir.path())).unwrap();
    let mut names = View::new("sum", |mut names: Vec<String>, event: &Event| {
        names.push(event.event_type.clone());
        names
    })
    .unwrap();
    assert_eq!(
        names.refresh(&EventReader::new(dir.path())).unwrap().len(),
        2
    );
    assert_eq!(fs::read(snapshot(dir.path())).unwrap(), whole);
}

#[test]
fn a_snapshot_of_another_version() {
    let reducer = |add: u64| move |sum: u64, event: &Event| sum + event.ts + add;
    let dir = log_with_snapshot(&[3, 4]);
    let opened = |version: u32| {
        let view = View::new("sum", reducer(u64::from(version) * 100)).unwrap();
        let builder = EventLog::builder(dir.path()).keep(view.with_version(version));
        builder.open().unwrap()
    };
    // Forward and back: whichever saved last is another than the one that looks.
    let mut before = 0;
    for version in [1, u32::MAX, 2, 0, 1] {
        let mut log = opened(version);
        let why = NoSnapshot::Version { found: before };
        assert_eq!(log.rebuilt("sum").unwrap(), Some(why));
        assert_eq!(*log.view::<u64>("sum").unwrap(), 0);
        log.refresh_all().unwrap();
        let sum = 7 + 2 * 100 * u64::from(version);
        assert_eq!(*log.view::<u64>("sum").unwrap(), sum);
        // The same version goes on from it.
        let log = {
            drop(log);
            opened(version)
        };
        assert_eq!(log.rebuilt("sum").unwrap(), None);
        assert_eq!(*log.view::<u64>("sum").unwrap(), sum);
        before = version;
    }
    // A state of another type makes no difference to what is said.
    let words = View::new("sum", |words: Vec<String>, _: &Event| words).unwrap();
    let mut words = words.with_version(7);
    words.refresh(&EventReader::new(dir.path())).unwrap();
    assert_eq!(words.rebuilt(), Some(NoSnapshot::Version { found: 1 }));
}

#[test]
fn why_there_is_none_is_told() {
    let dir = log_with_snapshot(&[3, 4]);
    let why = || {
        let mut view = View::new("sum", |sum: u64, _: &Event| sum).unwrap();
        assert_eq!(view.rebuilt(), None);
        view.refresh(&EventReader::new(dir.path())).unwrap();
        view.rebuilt()
    };
    assert_eq!(why(), None);
    let whole = fs::read(snapshot(dir.path())).unwrap();
    fs::write(snapshot(dir.path()), &whole[1..]).unwrap();
    assert_eq!(why(), Some(NoSnapshot::Foreign));
    fs::write(snapshot(dir.path()), "").unwrap();
    assert_eq!(why(), Some(NoSnapshot::Missing));
    fs::remove_file(snapshot(dir.path())).unwrap();
    assert_eq!(why(), Some(NoSnapshot::Missing));
    let mut log = open(dir.path());
    assert_eq!(log.rebuilt("sum").unwrap(), Some(NoSnapshot::Missing));
    assert!(log.rebuilt("some").is_err());
    log.refresh_all().unwrap();
    assert_eq!(why(), None);
    let mut words = View::new("sum", |words: Vec<String>, _: &Event| words).unwrap();
    words.refresh(&EventReader::new(dir.path())).unwrap();
    assert_eq!(words.rebuilt(), Some(NoSnapshot::State));
    // Of another history: that of these events is gone.
    let path = dir.path().join("app.jsonl");
    let log = fs::read_to_string(&path).unwrap();
    fs::write(&path, log.replace('4', "5")).unwrap();
    assert_eq!(why(), Some(NoSnapshot::Foreign));
    fs::write(&path, "").unwrap();
    let position = log.len() as u64;
    assert_eq!(why(), Some(NoSnapshot::Ahead { position, end: 0 }));
}

#[test]
fn a_version_is_no_part_of_a_snapshot_that_has_none() {
    let dir = log_with_snapshot(&[3, 4]);
    let text = fs::read_to_string(snapshot(dir.path())).unwrap();
    assert!(!text.contains("version"));
    let view = View::new("sum", |sum: u64, _: &Event| sum).unwrap();
    let builder = EventLog::builder(dir.path()).keep(view.with_version(3));
    builder.open().unwrap().rebuild_all().unwrap();
    let whole: Value = serde_json::from_slice(&fs::read(snapshot(dir.path())).unwrap()).unwrap();
    assert_eq!(whole["version"], json!(3));
}

#[test]
fn a_snapshot_cut_anywhere() {
    let dir = log_with_snapshot(&[3, 4]);
    let whole = fs::read(snapshot(dir.path())).unwrap();
    for len in 0..whole.len() {
        assert_rebuilt(dir.path(), &whole[..len], &format!("{len} bytes"));
    }
}

#[test]
fn a_snapshot_of_another_log() {
    for (ours, theirs) in [
        (&[3, 4][..], &[5, 6][..]),
        (&[3, 4], &[3, 4, 5]),
        (&[3, 4], &[3]),
        (&[3, 4], &[4, 3]),
        (&[], &[3]),
    ] {
        let (dir, other) = (log_with_snapshot(ours), log_with_snapshot(theirs));
        let foreign = fs::read(snapshot(other.path())).unwrap();
        assert_rebuilt(dir.path(), &foreign, &format!("{theirs:?} for {ours:?}"));
    }
}

#[test]
fn a_snapshot_of_events_that_a_crash_took() {
    let dir = log_with_snapshot(&[3, 4]);
    let log_file = dir.path().join("app.jsonl");
    let both = fs::read(&log_file).unwrap();
    let first = both.iter().position(|&byte| byte == b'\n').unwrap() + 1;
    fs::write(&log_file, &both[..first]).unwrap();
    assert_eq!(*open(dir.path()).view::<u64>("sum").unwrap(), 0);
    let mut log = open(dir.path());
    // An event of the same length in the place of the lost one.
    log.append(&numbered(9)).unwrap();
    assert_eq!(log.writer().end_position(), both.len() as u64);
    log.refresh_all().unwrap();
    assert_eq!(*log.view::<u64>("sum").unwrap(), 3 + 9);
}

#[test]
fn a_snapshot_that_cannot_be_saved_leaves_the_view_as_it_was() {
    let dir = log_with_snapshot(&[3, 4]);
    let mut log = open(dir.path());
    log.append(&numbered(5)).unwrap();
    fs::rename(dir.path().join("views"), dir.path().join("away")).unwrap();
    fs::write(dir.path().join("views"), "in the way").unwrap();
    let error = log.refresh_all().unwrap_err();
    assert!(error.to_string().contains("sum.snapshot.json"), "{error}");
    assert_eq!(*log.view::<u64>("sum").unwrap(), 7);
    // The log itself goes on.
    log.append(&numbered(6)).unwrap();
    fs::remove_file(dir.path().join("views")).unwrap();
    log.refresh_all().unwrap();
    assert_eq!(*log.view::<u64>("sum").unwrap(), 3 + 4 + 5 + 6);
    drop(log);
    assert_eq!(*open(dir.path()).view::<u64>("sum").unwrap(), 18);
}

#[test]
fn of_several_views_the_one_whose_state_would_not_read_back_equal_is_named() {
    let dir = log_with_snapshot(&[3, 4]);
    let mut log = EventLog::builder(dir.path())
        .view("sum", |sum: u64, event: &Event| sum + event.ts)
        .view("ratio", |_: f64, _: &Event| f64::NAN)
        .open()
        .unwrap();
    let error = log.refresh_all().unwrap_err();
    let told = "the state of view \"ratio\": ";
    assert!(error.to_string().contains(told), "{error}");
    log.append(&numbered(5)).unwrap();
    drop(log);
    let mut log = open(dir.path());
    log.refresh_all().unwrap();
    assert_eq!(*log.view::<u64>("sum").unwrap(), 3 + 4 + 5);
}

#[cfg(unix)]
#[test]
fn a_snapshot_is_replaced_and_never_written_over() {
    use std::io::Read;
    let dir = log_with_snapshot(&[3, 4]);
    let before = fs::read(snapshot(dir.path())).unwrap();
    let mut reading = fs::File::open(snapshot(dir.path())).unwrap();
    let mut log = open(dir.path());
    log.append(&numbered(5)).unwrap();
    log.refresh_all().unwrap();
    // Who had it open reads it whole, as does who opens it after a crash at any moment.
    let mut read = Vec::new();
    reading.read_to_end(&mut read).unwrap();
    assert_eq!(read, before);
    assert_ne!(fs::read(snapshot(dir.path())).unwrap(), before);
}

/// By whoever prepared the directory.
#[cfg(unix)]
#[test]
fn a_snapshot_is_written_through_no_link_and_into_no_pipe() {
    let dir = log_with_snapshot(&[3, 4]);
    let new = snapshot(dir.path()).with_added_extension("new");
    let elsewhere = dir.path().join("elsewhere");
    fs::write(&elsewhere, "another's").unwrap();
    let prepare: [&dyn Fn(); 2] = [
        &|| std::os::unix::fs::symlink(&elsewhere, &new).unwrap(),
        &|| {
            let made = std::process::Command::new("mkfifo").arg(&new).status();
            assert!(made.unwrap().success());
        },
    ];
    for (number, prepare) in prepare.iter().enumerate() {
        prepare();
        let mut log = open(dir.path());
        log.append(&numbered(number as u64)).unwrap();
        log.refresh_all().unwrap();
        assert_eq!(fs::read(&elsewhere).unwrap(), b"another's");
        assert!(
            fs::symlink_metadata(snapshot(dir.path()))
                .unwrap()
                .is_file()
        );
        assert!(!new.exists());
    }
}

/// A file's length can be any, by damage or by design.
#[test]
fn a_large_snapshot_reads_back_and_a_damaged_one_is_none() {
    let dir = log_with_snapshot(&[3, 4]);
    let long = |mut text: String, _: &Event| {
        text.push_str(&"x".repeat(1 << 20));
        text
    };
    let opened = || EventLog::builder(dir.path()).view("long", long).open();
    let mut log = opened().unwrap();
    log.refresh_all().unwrap();
    assert_eq!(log.view::<String>("long").unwrap().len(), 2 << 20);
    drop(log);
    let path = dir.path().join("views/long.snapshot.json");
    let mut bytes = fs::read(&path).unwrap();
    for damaged in [false, true] {
        if damaged {
            bytes[1 << 20] ^= 1;
            fs::write(&path, &bytes).unwrap();
        }
        let saved = EventReader::new(dir.path()).saved_view("long").unwrap();
        assert_eq!(saved.is_ok(), !damaged);
    }
    let mut log = opened().unwrap();
    log.refresh_all().unwrap();
    assert_eq!(log.view::<String>("long").unwrap().len(), 2 << 20);
}

#[test]
fn a_state_that_cannot_be_read_back_is_not_saved() {
    let dir = quick_dir();
    let mut log = EventLog::builder(dir.path())
        .view("mean", |mean: f64, event: &Event| mean / event.ts as f64)
        .open()
        .unwrap();
    log.append(&numbered(0)).unwrap();
    let error = log.refresh_all().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{error}");
    assert!(error.to_string().contains("mean"), "{error}");
    assert_eq!(*log.view::<f64>("mean").unwrap(), 0.0);
    assert!(!dir.path().join("views/mean.snapshot.json").exists());
    log.append(&numbered(1)).unwrap();
    assert_eq!(support::numbers(dir.path()), [0, 1]);
}

/// A log of events with these numbers, and a snapshot of their sum.
fn log_with_snapshot(events: &[u64]) -> tempfile::TempDir {
    let dir = quick_dir();
    let mut log = open(dir.path());
    for &number in events {
        log.append(&numbered(number)).unwrap();
    }
    log.refresh_all().unwrap();
    dir
}

fn open(dir: &Path) -> EventLog {
    EventLog::builder(dir)
        .view("sum", |sum: u64, event: &Event| sum + event.ts)
        .open()
        .unwrap()
}

fn snapshot(dir: &Path) -> PathBuf {
    dir.join("views/sum.snapshot.json")
}

/// These fields with the check behind them, as a snapshot ends.
fn checked(fields: &str) -> Vec<u8> {
    let check = LineHash::of(fields.as_bytes());
    format!("{fields},\"check\":\"{check}\"}}\n").into_bytes()
}

/// With these bytes as its snapshot the view is right after a refresh, through the log and by
/// itself, and its next snapshot is a good one.
fn assert_rebuilt(dir: &Path, bytes: &[u8], context: &str) {
    let path = snapshot(dir);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, bytes).unwrap();
    let right: u64 = support::numbers(dir).iter().sum();
    let mut view = View::new("sum", |sum: u64, event: &Event| sum + event.ts).unwrap();
    let state = *view.refresh(&EventReader::new(dir)).unwrap();
    assert_eq!(state, right, "{context}: by itself");

    let mut log = EventLog::builder(dir)
        .view("sum", |sum: u64, event: &Event| sum + event.ts)
        .open()
        .unwrap_or_else(|error| panic!("{context}: {error}"));
    log.refresh_all()
        .unwrap_or_else(|error| panic!("{context}: {error}"));
    assert_eq!(*log.view::<u64>("sum").unwrap(), right, "{context}");
    drop(log);
    if right > 0 {
        assert_eq!(
            *open(dir).view::<u64>("sum").unwrap(),
            right,
            "{context}: the next snapshot"
        );
        let saved: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert_eq!(saved["state"], right);
    }
    assert!(EventWriter::open(dir).unwrap().recovery().is_clean());
}

#[test]
fn what_is_no_snapshot_does_not_stop_a_rotation_and_a_refused_one_removes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let views = dir.path().join("views");
    std::fs::create_dir_all(views.join("folder.snapshot.json")).unwrap();
    let foreign = views.join("old.snapshot.json");
    std::fs::write(&foreign, r#"{"state":1,"offset":0,"hash":""}"#).unwrap();

    let event = eventfold::Event::at(0, "counted", 1);
    let mut unlocked =
        eventfold::EventWriter::open_with_lock(dir.path(), eventfold::LockMode::None).unwrap();
    unlocked.append(&event).unwrap();
    unlocked.rotate().unwrap_err();
    assert!(foreign.exists(), "removed by a rotation that was refused");
    drop(unlocked);

    let mut writer = eventfold::EventWriter::open(dir.path()).unwrap();
    assert!(writer.rotate().unwrap().bytes > 0);
    assert!(!foreign.exists());
    std::fs::write(&foreign, "{}").unwrap();
    assert_eq!(writer.rotate().unwrap().bytes, 0);
    assert!(foreign.exists(), "removed by a rotation of nothing");
    assert_eq!(writer.reader().read_full().unwrap().count(), 1);
}
