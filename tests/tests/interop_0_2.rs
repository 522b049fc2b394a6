//! A log's directory goes back and forth between the crate `eventfold` 0.2.0 and this one, and
//! nothing is lost on the way.
//!
//! Not on Windows: 0.2.0 has its log open to append only, and is refused the lock and the
//! rotation for it there.

#![cfg(not(any(windows, target_arch = "wasm32")))]

#[path = "interop_0_2/kills.rs"]
mod kills;
#[path = "interop_0_2/large.rs"]
mod large;
#[path = "interop_0_2/support.rs"]
mod support;
#[path = "interop_0_2/views.rs"]
mod views;

use std::fs;
use std::io::ErrorKind;
use std::time::Duration;

use eventfold::{Error, Event, EventLog, EventReader, EventWriter};
use eventfold_0_2 as old;
use tempfile::tempdir;

use crate::support::*;

/// How long a seal over one block is.
const SEAL_LEN: usize = 96;

#[test]
fn a_directory_of_0_2_with_archive_snapshots_and_a_torn_line_opens_with_nothing_lost() {
    let fragment = serde_json::to_string(&event(99)).unwrap();
    for cut in [1, 9, fragment.len() / 2, fragment.len() - 1] {
        let dir = tempdir().unwrap();
        let mut events = made_by_0_2(dir.path());
        append_bytes(&dir.path().join("app.jsonl"), &fragment.as_bytes()[..cut]);
        assert_eq!(read(dir.path()), events, "by a reader alone");

        let log = open(dir.path());
        assert_eq!(log.recovery().torn_log_bytes, cut as u64);
        assert_eq!(
            log.recovery().adopted_bytes,
            archive(dir.path()).len() as u64
        );
        assert!(!log.recovery().completed_line);
        goes_on(log, &mut events);
        let torn = fs::read(dir.path().join("torn.bin")).unwrap();
        assert!(
            torn.strip_suffix(b"\n")
                .unwrap()
                .ends_with(&fragment.as_bytes()[..cut])
        );
    }
}

#[test]
fn a_whole_event_of_0_2_without_its_newline_is_an_event() {
    let dir = tempdir().unwrap();
    let mut events = made_by_0_2(dir.path());
    let line = serde_json::to_string(&event(99)).unwrap();
    append_bytes(&dir.path().join("app.jsonl"), line.as_bytes());
    assert_eq!(
        read(dir.path()),
        events,
        "it is not there until a writer ends it"
    );

    let log = open(dir.path());
    assert!(log.recovery().completed_line);
    assert_eq!(log.recovery().torn_log_bytes, 0);
    events.push(event(99));
    goes_on(log, &mut events);
}

#[test]
fn a_reader_alone_reads_a_directory_of_0_2_and_changes_no_byte_of_it() {
    let dir = tempdir().unwrap();
    let events = made_by_0_2(dir.path());
    append_bytes(&dir.path().join("app.jsonl"), b"{\"type\":\"torn");
    let before = files(dir.path());

    let reader = EventReader::new(dir.path());
    let records: Vec<_> = reader.read_full().unwrap().map(Result::unwrap).collect();
    assert_eq!(records.len(), events.len());
    for (index, record) in records.iter().enumerate() {
        assert_eq!(record.event, events[index]);
        let mut from = reader.read_from(record.position).unwrap();
        assert_eq!(from.next().unwrap().unwrap().event, events[index]);
    }
    let end = records.last().unwrap().next_position;
    assert!(!reader.has_new_events(end).unwrap());
    assert_eq!(files(dir.path()), before);
}

#[test]
fn a_frame_that_0_2_archived_with_a_torn_line_gives_every_event_and_one_error() {
    for (torn, whole) in [
        (r#"{"type":"torn","#, false),
        (r#"{"type":"w","data":1,"ts":2}"#, true),
    ] {
        let dir = tempdir().unwrap();
        let mut log = open_0_2(dir.path());
        log.append(&as_old(&event(0))).unwrap();
        append_bytes(&dir.path().join("app.jsonl"), torn.as_bytes());
        log.rotate().unwrap();
        log.append(&as_old(&event(1))).unwrap();
        log.rotate().unwrap();
        log.append(&as_old(&event(2))).unwrap();
        drop(log);

        for _ in 0..2 {
            let found: Vec<_> = EventReader::new(dir.path()).read_full().unwrap().collect();
            let events: Vec<&Event> = found.iter().flatten().map(|record| &record.event).collect();
            assert_eq!(events.len(), 3 + usize::from(whole));
            assert_eq!((events[0], *events.last().unwrap()), (&event(0), &event(2)));
            let errors: Vec<_> = found
                .iter()
                .filter_map(|item| item.as_ref().err())
                .collect();
            assert_eq!(errors.len(), usize::from(!whole));
            for error in errors {
                assert!(
                    matches!(Error::of(error), Some(Error::Corrupt { .. })),
                    "{error}"
                );
            }
            drop(EventLog::open(dir.path()).unwrap());
        }
    }
}

#[test]
fn a_directory_written_here_opens_in_0_2_with_nothing_lost() {
    let dir = tempdir().unwrap();
    let mut events = Vec::new();
    let mut log = open(dir.path());
    for round in 0..4 {
        append(&mut log, &mut events, 7);
        match round {
            0 => log.refresh_all().unwrap(),
            1 => {}
            _ => log.refresh_all().unwrap(),
        }
        log.rotate().unwrap();
        if round == 2 {
            log.refresh_all().unwrap();
        }
    }
    append(&mut log, &mut events, 3);
    drop(log);

    assert_eq!(read_0_2(dir.path()), events);
    let mut theirs = open_0_2(dir.path());
    theirs.refresh_all().unwrap();
    assert_state_0_2(&theirs, &events);
    append_0_2(&mut theirs, &mut events, 5);
    theirs.rotate().unwrap();
    append_0_2(&mut theirs, &mut events, 2);
    theirs.refresh_all().unwrap();
    assert_state_0_2(&theirs, &events);
    drop(theirs);
    assert_eq!(read_0_2(dir.path()), events);
    goes_on(open(dir.path()), &mut events);
}

#[test]
fn both_versions_take_turns_and_both_rotate() {
    for seed in 0..5_u64 {
        let dir = tempdir().unwrap();
        let mut events = Vec::new();
        let mut random = seed;
        let mut next = |below: u64| {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695);
            (random >> 33) % below
        };
        for _ in 0..6 {
            let mut log = open(dir.path());
            for _ in 0..=next(3) {
                append(&mut log, &mut events, next(6));
                if next(2) == 0 {
                    log.refresh_all().unwrap();
                    assert_state(&log, &events);
                }
                if next(2) == 0 {
                    log.rotate().unwrap();
                }
            }
            log.refresh_all().unwrap();
            assert_state(&log, &events);
            drop(log);
            assert_eq!(read_0_2(dir.path()), events, "seed {seed}");

            let mut theirs = open_0_2(dir.path());
            for _ in 0..=next(3) {
                append_0_2(&mut theirs, &mut events, next(6));
                if next(2) == 0 {
                    theirs.refresh_all().unwrap();
                    assert_state_0_2(&theirs, &events);
                }
                if next(2) == 0 {
                    theirs.rotate().unwrap();
                }
            }
            theirs.refresh_all().unwrap();
            assert_state_0_2(&theirs, &events);
            drop(theirs);
            assert_eq!(read(dir.path()), events, "seed {seed}");
        }
        goes_on(open(dir.path()), &mut events);
    }
}

/// A log that was not emptied, since its writer was killed while it wrote to the archive, is archived
/// by 0.2.0 behind what was written.
#[test]
fn what_0_2_archived_behind_a_rotation_that_a_kill_tore_is_never_cut_off() {
    let dir = tempdir().unwrap();
    let [log, archive, torn] =
        ["app.jsonl", "archive.jsonl.zst", "torn.bin"].map(|file| dir.path().join(file));
    let mut events = Vec::new();
    append(&mut open(dir.path()), &mut events, 9);
    let lines = fs::read(&log).unwrap();
    open(dir.path()).rotate().unwrap();
    let rotated = fs::read(&archive).unwrap();
    // In the mark of the block, behind it, and in its frame.
    for len in [5, 60, 61, 100] {
        for (before, after) in [(0, 0), (40, 0), (0, 1)] {
            fs::write(&log, &lines).unwrap();
            fs::write(&archive, &rotated[..len]).unwrap();
            let mut theirs = old::EventLog::open(dir.path()).unwrap();
            append_0_2(&mut theirs, &mut events, before);
            theirs.rotate().unwrap();
            append_0_2(&mut theirs, &mut events, after);
            drop(theirs);
            let archived = fs::read(&archive).unwrap();
            let refused = EventWriter::open(dir.path()).map(drop).unwrap_err();
            let context = format!("{len} bytes, {before} and {after} events: {refused}");
            assert!(
                matches!(Error::of(&refused), Some(Error::Corrupt { .. })),
                "{context}"
            );
            assert!(fs::read(&archive).unwrap() == archived, "{context}");
            assert!(!torn.exists(), "{context}");

            // 0.2.0 was killed as well, while it rotated once more.
            for part in [1, 3, 20] {
                let torn = [&archived[..], &archived[len..len + part]].concat();
                fs::write(&archive, &torn).unwrap();
                assert!(EventWriter::open(dir.path()).is_err(), "{part}, {context}");
                assert!(fs::read(&archive).unwrap() == torn, "{part}, {context}");
            }
        }
    }
}

/// The log was emptied, and all of the rotation is there but for a part of its seal.
#[test]
fn what_0_2_archived_behind_a_torn_seal_is_never_passed_over() {
    let dir = tempdir().unwrap();
    let archive = dir.path().join("archive.jsonl.zst");
    let mut events = Vec::new();
    let mut ours = open(dir.path());
    append(&mut ours, &mut events, 9);
    let rotation = ours.rotate().unwrap();
    drop(ours);
    let rotated = fs::read(&archive).unwrap();
    assert_eq!(rotated.len() as u64, rotation.archived);
    for part in 1..SEAL_LEN {
        fs::write(&archive, &rotated[..rotated.len() - SEAL_LEN + part]).unwrap();
        let mut theirs = old::EventLog::open(dir.path()).unwrap();
        append_0_2(&mut theirs, &mut events, 9);
        theirs.rotate().unwrap();
        append_0_2(&mut theirs, &mut events, 1);
        theirs.rotate().unwrap();
        drop(theirs);
        let archived = fs::read(&archive).unwrap();
        assert!(EventWriter::open(dir.path()).is_err(), "{part} bytes");
        assert!(fs::read(&archive).unwrap() == archived, "{part} bytes");
    }
}

/// A writer was killed before it emptied the log, and so was 0.2.0, which archived it once more.
#[test]
fn what_0_2_archives_behind_a_rotation_that_was_not_sealed_is_not_read_twice_where_it_is_torn() {
    let dir = tempdir().unwrap();
    let [log, archive] = ["app.jsonl", "archive.jsonl.zst"].map(|file| dir.path().join(file));
    let mut events = Vec::new();
    append(&mut open(dir.path()), &mut events, 9);
    let lines = fs::read(&log).unwrap();
    open(dir.path()).rotate().unwrap();
    let rotated = fs::read(&archive).unwrap();
    let unsealed = &rotated[..rotated.len() - SEAL_LEN];
    let frame = zstd::encode_all(&lines[..], 3).unwrap();
    for len in 1..frame.len() {
        fs::write(&log, &lines).unwrap();
        fs::write(&archive, [unsealed, &frame[..len]].concat()).unwrap();
        assert_eq!(read(dir.path()), events, "{len} bytes");
        drop(open(dir.path()));
        assert_eq!(read(dir.path()), events, "{len} bytes");
        assert!(fs::read(&archive).unwrap().is_empty(), "{len} bytes");
    }
    goes_on(open(dir.path()), &mut events);
}

#[test]
fn any_zstd_reader_prints_exactly_the_history() {
    let dir = tempdir().unwrap();
    let mut events = made_by_0_2(dir.path());
    for _ in 0..3 {
        let mut log = open(dir.path());
        append(&mut log, &mut events, 9);
        log.rotate().unwrap();
        drop(log);
        let mut theirs = open_0_2(dir.path());
        append_0_2(&mut theirs, &mut events, 4);
        theirs.rotate().unwrap();
    }
    let mut lines = String::new();
    for event in &events {
        lines += &serde_json::to_string(event).unwrap();
        lines.push('\n');
    }
    assert_eq!(archive(dir.path()), lines);

    let path = dir.path().join("archive.jsonl.zst");
    match std::process::Command::new("zstd")
        .arg("-dc")
        .arg(&path)
        .output()
    {
        Ok(output) => {
            assert!(output.status.success());
            assert_eq!(String::from_utf8(output.stdout).unwrap(), lines);
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            println!("no zstd command here; the crate's decoder alone was asked");
        }
        Err(error) => panic!("zstd: {error}"),
    }
}

#[test]
fn a_writer_of_either_version_keeps_the_other_out() {
    let dir = tempdir().unwrap();
    let theirs = old::EventWriter::open(dir.path()).unwrap();
    let refused = EventWriter::open(dir.path()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
    assert!(
        refused
            .to_string()
            .contains("another writer holds the lock on")
    );
    assert!(matches!(Error::of(&refused), Some(Error::Locked { .. })));
    drop(theirs);

    // Until no child that another test is starting has its file open too.
    let minute = Duration::from_secs(60);
    let ours = EventWriter::open_waiting(dir.path(), minute).unwrap();
    let refused = old::EventWriter::open(dir.path()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
    drop(ours);
    drop(old::EventWriter::open(dir.path()).unwrap());
    drop(EventWriter::open_waiting(dir.path(), minute).unwrap());
}
