//! Lines that are no events: each is one error that names its place, and everything around it
//! still reads, before and after an append, a rotation and a reopening.
#![cfg(not(target_arch = "wasm32"))]

mod support;

use std::fs;

use eventfold::{Error, EventLog, EventReader, EventWriter};
use eventfold_core::{Access, Codec, Durability, Scan, Slot, Storage, Writer};
use eventfold_tests::event;
use eventfold_tests::sim::disk::Disk;
use serde::de::IgnoredAny;
use serde_json::Value;
use support::{numbered, quick_dir, read_past_errors};

#[test]
fn a_line_that_is_not_json() {
    for line in [
        "{",
        "x",
        "{\"type\":\"a\",\"data\":1,\"ts\":",
        "\u{feff}{}",
        " ",
        "}{",
    ] {
        assert_reported(line.as_bytes());
    }
    let twice = r#"{"type":"a","data":1,"ts":2}{"type":"a","data":1,"ts":2}"#;
    assert_reported(twice.as_bytes());
}

#[test]
fn a_line_that_is_not_an_object() {
    for line in ["[]", "1", "null", "true", "\"text\"", "[{}]"] {
        assert_reported(line.as_bytes());
    }
}

#[test]
fn a_line_that_is_an_array_of_an_events_fields() {
    assert_reported(br#"["a",1,2]"#);
    assert_reported(br#"["a",1,2,"id","actor",{}]"#);
}

#[test]
fn a_line_that_lacks_a_field() {
    assert_reported(br#"{"data":1,"ts":2}"#);
    assert_reported(br#"{"type":"a","data":1}"#);
    assert_reported(br#"{"type":"a","ts":2}"#);
    assert_reported(b"{}");
}

#[test]
fn a_line_that_lacks_its_data_where_the_type_asked_for_may_be_nothing() {
    let dir = log_around(br#"{"type":"a","ts":2}"#);
    let records = EventReader::new(dir.path()).read_full().unwrap();
    let read: Vec<_> = records.typed::<Option<IgnoredAny>>().collect();
    assert_eq!(read.len(), 4);
    assert!(read[1].is_err(), "no data was read as data");
}

#[test]
fn a_line_that_has_a_field_twice() {
    assert_reported(br#"{"type":"a","data":1,"ts":2,"ts":3}"#);
    assert_reported(br#"{"type":"a","data":1,"data":1,"ts":2}"#);
}

#[test]
fn a_line_whose_time_is_negative() {
    assert_reported(br#"{"type":"a","data":1,"ts":-1}"#);
}

#[test]
fn a_line_whose_time_is_a_fraction_or_too_large_or_no_number() {
    for ts in ["1.5", "1e3", "18446744073709551616", "\"1\"", "null"] {
        assert_reported(format!(r#"{{"type":"a","data":1,"ts":{ts}}}"#).as_bytes());
    }
}

#[test]
fn a_line_that_is_not_utf_8() {
    assert_reported(b"{\"type\":\"a\xff\",\"data\":1,\"ts\":2}");
    assert_reported(b"{\"type\":\"a\",\"data\":\"\xc3\x28\",\"ts\":2}");
    assert_reported(b"\x80\x81");
}

#[test]
fn a_line_that_is_not_utf_8_in_a_field_nobody_asks_for() {
    assert_reported(b"{\"type\":\"a\",\"data\":1,\"ts\":2,\"more\":\"\xff\"}");
}

#[test]
fn a_line_that_nests_too_deep() {
    let (open, close) = ("[".repeat(200), "]".repeat(200));
    assert_reported(format!(r#"{{"type":"a","data":{open}{close},"ts":2}}"#).as_bytes());
    let (open, close) = ("{\"a\":".repeat(100_000), "}".repeat(100_000));
    assert_reported(format!(r#"{{"type":"a","data":{open}1{close},"ts":2}}"#).as_bytes());
}

#[test]
fn a_line_of_nuls_between_others() {
    assert_reported(&[0; 100]);
    assert_reported(b"{\"type\":\"a\",\"data\":\"\0\0\",\"ts\":2}");
}

#[test]
fn nuls_at_the_end_are_a_torn_tail_that_is_kept_aside() {
    let tails = [
        b"{\"type\":\"a\",\"da\0\0\0\0\0}\n".to_vec(),
        [vec![0; 5000], vec![b'\n']].concat(),
        vec![0; 9],
        b"\0\0\n{\"type\":\0\n".to_vec(),
        // More than is read at a time.
        [&b"\0\n"[..], &[0; 100_000], b"\n\0\n"].concat(),
    ];
    for tail in tails {
        let dir = quick_dir();
        let log = dir.path().join("app.jsonl");
        let mut writer = EventWriter::open(dir.path()).unwrap();
        writer.append_batch(&[numbered(0), numbered(1)]).unwrap();
        drop(writer);
        let whole = fs::read(&log).unwrap();
        fs::write(&log, [&whole[..], &tail].concat()).unwrap();
        assert_eq!(support::numbers(dir.path()), [0, 1]);

        let mut writer = EventWriter::open(dir.path()).unwrap();
        assert_eq!(writer.recovery().torn_log_bytes, tail.len() as u64);
        assert_eq!(fs::read(&log).unwrap(), whole);
        let kept = fs::read(dir.path().join("torn.bin")).unwrap();
        assert!(
            kept.windows(tail.len()).any(|bytes| bytes == tail),
            "{kept:?}"
        );
        let (head, _) = kept.split_at(kept.iter().position(|&byte| byte == b'\n').unwrap());
        let head: serde_json::Value = serde_json::from_slice(head).unwrap();
        assert_eq!(
            (&head["cut_from"], &head["offset"]),
            (&"app.jsonl".into(), &whole.len().into())
        );

        writer.append(&numbered(2)).unwrap();
        drop(writer);
        assert!(EventWriter::open(dir.path()).unwrap().recovery().is_clean());
        assert_eq!(support::numbers(dir.path()), [0, 1, 2]);
    }
}

/// Were each looked at by a read of its own, a small log would take minutes.
#[test]
fn lines_of_nuls_and_blank_ones_are_read_as_many_at_a_time_as_others() {
    let good = serde_json::to_string(&event(0)).unwrap() + "\n";
    for (lines, bad) in [
        ("\0\n".repeat(60_000), 60_000),
        (["\0\n\n", &good].concat().repeat(3_000), 3_000),
        ("\n\r\n".repeat(60_000), 0),
    ] {
        let mut disk = Disk::default();
        let log = good.clone() + &lines + &good;
        disk.append(Slot::Log, log.as_bytes()).unwrap();
        let mut scan = Scan::new(disk.clone(), Codec::PORTABLE, 0);
        let mut errors = 0;
        loop {
            match scan.next_record::<Value>() {
                Ok(Some(record)) => assert_eq!(record.event, event(0)),
                Ok(None) => break,
                Err(_) => errors += 1,
            }
        }
        assert_eq!(errors, bad);
        assert!(disk.reads() < 100, "{} reads", disk.reads());

        // At the end they are torn, or nothing.
        let mut disk = Disk::default();
        let log = good.clone() + &lines;
        disk.append(Slot::Log, log.as_bytes()).unwrap();
        let (mut writer, _) =
            Writer::open(disk.clone(), Codec::PORTABLE, Access::Exclusive).unwrap();
        assert!(disk.reads() < 100, "{} reads", disk.reads());
        let at = writer.append(&event(1), Durability::Synced).unwrap();
        drop(writer);
        let (writer, recovery) =
            Writer::open(disk.clone(), Codec::PORTABLE, Access::Exclusive).unwrap();
        assert!(recovery.is_clean());
        let mut scan = Scan::new(writer.store(), Codec::PORTABLE, at.position);
        assert_eq!(scan.next_record().unwrap().unwrap().event, event(1));
    }
}

#[test]
fn a_view_over_a_bad_line_fails_and_stays_as_it_was_until_the_line_is_repaired() {
    let dir = quick_dir();
    let log_file = dir.path().join("app.jsonl");
    let open = || {
        EventLog::builder(dir.path())
            .view("count", |n: u64, _| n + 1)
            .open()
    };
    let mut log = open().unwrap();
    log.append(&numbered(0)).unwrap();
    log.refresh_all().unwrap();
    let snapshot = fs::read(dir.path().join("views/count.snapshot.json")).unwrap();
    drop(log);
    let before = fs::read(&log_file).unwrap();
    let bad = before.len() as u64;
    fs::write(&log_file, [&before[..], b"{bad}\n"].concat()).unwrap();

    let mut log = open().unwrap();
    for number in 1..3 {
        log.append(&numbered(number)).unwrap();
        let error = log.refresh_all().unwrap_err();
        let place = Error::of(&error);
        assert!(matches!(place, Some(Error::Corrupt { position, .. }) if *position == bad));
        assert_eq!(*log.view::<u64>("count").unwrap(), 1);
        let now = fs::read(dir.path().join("views/count.snapshot.json")).unwrap();
        assert_eq!(now, snapshot);
    }
    let error = log.rebuild_all().unwrap_err();
    assert!(
        matches!(Error::of(&error), Some(Error::Corrupt { .. })),
        "{error:?}"
    );
    assert_eq!(*log.view::<u64>("count").unwrap(), 1);
    drop(log);

    let text = fs::read_to_string(&log_file)
        .unwrap()
        .replace("{bad}\n", "");
    fs::write(&log_file, text).unwrap();
    let mut log = open().unwrap();
    log.refresh_all().unwrap();
    assert_eq!(*log.view::<u64>("count").unwrap(), 3);
}

/// A log of three events with `line` between the first and the second.
fn log_around(line: &[u8]) -> tempfile::TempDir {
    let dir = quick_dir();
    let log = dir.path().join("app.jsonl");
    let mut writer = EventWriter::open(dir.path()).unwrap();
    let first = writer.append(&numbered(0)).unwrap().next_position as usize;
    writer.append_batch(&[numbered(1), numbered(2)]).unwrap();
    drop(writer);
    let bytes = fs::read(&log).unwrap();
    fs::write(
        &log,
        [&bytes[..first], line, b"\n", &bytes[first..]].concat(),
    )
    .unwrap();
    dir
}

fn assert_reported(line: &[u8]) {
    let dir = log_around(line);
    let log = dir.path().join("app.jsonl");
    let before = fs::read(&log).unwrap();
    let first = before.iter().position(|&byte| byte == b'\n').unwrap() as u64 + 1;
    let shown = String::from_utf8_lossy(&line[..line.len().min(60)]);
    let check = |file: &str, events: &[u64]| {
        let (read, errors) = read_past_errors(dir.path());
        assert_eq!(read, events, "{shown}");
        assert_eq!(errors.len(), 1, "{shown}: {errors:?}");
        let Some(Error::Corrupt { path, position, .. }) = Error::of(&errors[0]) else {
            panic!("{shown}: {:?}", errors[0]);
        };
        assert_eq!(
            (path, *position),
            (&dir.path().join(file), first),
            "{shown}"
        );
        let message = errors[0].to_string();
        let place = format!("corrupt at position {first} ");
        assert!(
            message.contains(&place) && message.contains(file),
            "{message}"
        );
    };
    check("app.jsonl", &[0, 1, 2]);

    let mut writer = EventWriter::open(dir.path()).unwrap();
    assert!(
        writer.recovery().is_clean(),
        "{shown}: {:?}",
        writer.recovery()
    );
    assert_eq!(fs::read(&log).unwrap(), before, "{shown}");
    writer.append(&numbered(3)).unwrap();
    check("app.jsonl", &[0, 1, 2, 3]);
    let whole = fs::read(&log).unwrap();
    writer.rotate().unwrap();
    check("archive.jsonl.zst", &[0, 1, 2, 3]);
    drop(writer);

    // The line is history too: not a byte of it is gone.
    let archive = fs::read(dir.path().join("archive.jsonl.zst")).unwrap();
    assert_eq!(zstd::decode_all(&archive[..]).unwrap(), whole, "{shown}");
    let mut writer = EventWriter::open(dir.path()).unwrap();
    writer.append(&numbered(4)).unwrap();
    check("archive.jsonl.zst", &[0, 1, 2, 3, 4]);
}
