//! What another writer archived, as 0.2.0 does: frames without marks, of which none was sealed.

use std::fs;

use eventfold::{Error, EventWriter};

use super::support::{numbered, numbers, quick_dir};
use super::{ARCHIVE, archived, flipped, foreign_archive, foreign_frame, lines, read, restore};

#[test]
fn a_damaged_frame_of_another_writer_is_an_error_that_ends() {
    let (archive, log) = archived(&[1], 1);
    // A frame's header, and then a block of the type that is reserved. A whole frame follows.
    let frame = b"\x28\xb5\x2f\xfd\x20\x05\x07\x00\x00rest";
    let damaged = [&archive[..], frame, &foreign_frame(7..9)].concat();
    let dir = quick_dir();
    restore(dir.path(), &damaged, &log);
    let (_, errors) = read(dir.path());
    assert_eq!(
        errors.len(),
        1,
        "told again and again: {} times",
        errors.len()
    );
    let place = dir.path().join(ARCHIVE);
    for error in [&errors[0], &EventWriter::open(dir.path()).unwrap_err()] {
        let found = Error::of(error);
        assert!(
            matches!(found, Some(Error::Corrupt { path, offset, .. })
                if *path == place && *offset == archive.len() as u64),
            "{error:?}"
        );
    }
    // Nothing was changed, and with the damage gone nothing is lost.
    assert_eq!(fs::read(&place).unwrap(), damaged);
    fs::write(&place, &archive).unwrap();
    EventWriter::open(dir.path())
        .unwrap()
        .append(&numbered(2))
        .unwrap();
    assert_eq!(numbers(dir.path()), [0, 1, 2]);
}

/// Only what no whole frame follows can be the work of a crash.
#[test]
fn a_bit_flipped_in_the_first_of_another_writers_frames_cuts_nothing() {
    let frames: Vec<_> = (0..5).map(|n| foreign_frame(n * 9..n * 9 + 9)).collect();
    let whole = frames.concat();
    let dir = quick_dir();
    let mut refused = 0;
    for bit in 0..frames[0].len() * 8 {
        let archive = flipped(&whole, bit);
        restore(dir.path(), &archive, b"");
        match EventWriter::open(dir.path()) {
            Ok(writer) => assert_eq!(writer.recovery().torn_archive_bytes, 0, "bit {bit}"),
            Err(error) => {
                let found = Error::of(&error);
                assert!(matches!(found, Some(Error::Corrupt { .. })), "{error:?}");
                assert_eq!(fs::read(dir.path().join(ARCHIVE)).unwrap(), archive);
                assert!(!read(dir.path()).1.is_empty(), "bit {bit}");
                refused += 1;
            }
        }
    }
    assert!(refused > frames[0].len(), "{refused}");
    restore(dir.path(), &whole, b"");
    EventWriter::open(dir.path())
        .unwrap()
        .append(&numbered(45))
        .unwrap();
    assert_eq!(numbers(dir.path()), Vec::from_iter(0..46));
}

/// 0.2.0 syncs a frame before it empties the log that the frame is made of.
#[test]
fn a_hole_that_a_power_cut_left_in_another_writers_last_frame_is_cut_off_and_kept() {
    let [first, last] = [foreign_frame(0..9), foreign_frame(9..2000)];
    let archive = [first.clone(), last.clone()].concat();
    let log = lines(9..2001).into_bytes();
    for sector in first.len().div_ceil(512)..archive.len() / 512 {
        let mut archive = archive.clone();
        archive[sector * 512..][..512].fill(0);
        let dir = quick_dir();
        restore(dir.path(), &archive, &log);
        let mut writer = EventWriter::open(dir.path()).unwrap();
        assert_eq!(writer.recovery().torn_archive_bytes, last.len() as u64);
        let kept = fs::read(dir.path().join("torn.bin")).unwrap();
        let torn = &archive[first.len()..];
        assert!(kept.windows(torn.len()).any(|bytes| bytes == torn));
        writer.append(&numbered(2001)).unwrap();
        drop(writer);
        assert!(EventWriter::open(dir.path()).unwrap().recovery().is_clean());
        assert_eq!(numbers(dir.path()), Vec::from_iter(0..2002));
    }
}

/// A crash leaves holes and ends, and turns no bits, however long the log is that was begun since.
#[test]
fn a_bit_flipped_in_the_last_of_another_writers_frames_cuts_nothing() {
    let archive = foreign_frame(0..2000);
    let log = lines(2000..4000);
    let dir = quick_dir();
    let mut refused = 0;
    // Behind the headers, in which a bit makes a frame that is no frame or has no end.
    for byte in (16..archive.len()).step_by(9) {
        let damaged = flipped(&archive, byte * 8 + byte % 8);
        restore(dir.path(), &damaged, log.as_bytes());
        match EventWriter::open(dir.path()) {
            Ok(writer) => assert_eq!(writer.recovery().torn_archive_bytes, 0, "byte {byte}"),
            Err(error) => {
                let found = Error::of(&error);
                assert!(matches!(found, Some(Error::Corrupt { .. })), "{error:?}");
                assert_eq!(fs::read(dir.path().join(ARCHIVE)).unwrap(), damaged);
                assert!(!read(dir.path()).1.is_empty(), "byte {byte}");
                refused += 1;
            }
        }
    }
    assert!(refused > 100, "{refused}");
}

/// No crash leaves a hole where the log is not what the frame is made of: events are lost there.
#[test]
fn a_hole_in_another_writers_last_frame_is_damage_where_the_log_does_not_hold_its_events() {
    let last = foreign_frame(9..90_000);
    let archive = [foreign_frame(0..9), last.clone()].concat();
    let mut hole = archive.clone();
    hole[archive.len() - 900..][..512].fill(0);
    // Nothing, too little, and as much of something else.
    for log in [0..0, 90_000..90_100, 90_000..180_000].map(lines) {
        let dir = quick_dir();
        restore(dir.path(), &hole, log.as_bytes());
        let (_, errors) = read(dir.path());
        assert!(errors[0].to_string().contains("damaged"), "{errors:?}");
        let error = EventWriter::open(dir.path()).unwrap_err();
        assert!(matches!(Error::of(&error), Some(Error::Corrupt { .. })));
        assert_eq!(fs::read(dir.path().join(ARCHIVE)).unwrap(), hole);
        restore(dir.path(), &archive, log.as_bytes());
        EventWriter::open(dir.path()).unwrap();
    }
}

#[test]
fn another_writers_frames_cut_at_any_length_open_and_give_what_is_whole() {
    let dir = quick_dir();
    let (foreign, log) = foreign_archive();
    for len in 0..foreign.len() {
        restore(dir.path(), &foreign[..len], &log);
        let mut writer = EventWriter::open(dir.path()).unwrap_or_else(|error| {
            panic!("{len} bytes: {error}");
        });
        writer.append(&numbered(4)).unwrap();
        let events = numbers(dir.path());
        assert!(events.ends_with(&[3, 4]), "{len} bytes: {events:?}");
    }
}
