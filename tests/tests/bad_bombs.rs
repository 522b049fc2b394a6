//! Archives that claim or unpack to more than there is: bounded in memory and time, and never a
//! panic. Hashes are right in all of them, so this is malice, not bit rot.
#![cfg(not(target_arch = "wasm32"))]

mod support;

use std::fs;
use std::time::{Duration, Instant};

use eventfold::{Error, EventReader, EventWriter, LineHash, MAX_LINE};
use support::{Actor, numbered, quick_dir};

const ARCHIVE: &str = "archive.jsonl.zst";
const SKIPPABLE: [u8; 4] = 0x184D_2A57_u32.to_le_bytes();
const ZSTD_BLOCK: u64 = 128 << 10;
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_block_that_unpacks_to_more_than_its_mark_says_is_an_error_at_once() {
    for claimed in [100, (MAX_LINE + 1) as u32, u32::MAX] {
        let dir = quick_dir();
        let frame = repeating(b'\n', 4 << 30);
        let archive = [block_mark(0, claimed, frame.len() as u32), frame].concat();
        fs::write(dir.path().join(ARCHIVE), &archive).unwrap();
        let start = Instant::now();
        let mut actor = Actor::start(dir.path());
        let said = actor.ask("read").unwrap();
        assert!(said.starts_with("0 1 InvalidData Corrupt"), "{said}");
        assert!(said.contains(ARCHIVE), "{said}");
        // No frame of ours: a torn rotation, kept aside.
        let recovery = actor.ask("open").unwrap();
        assert!(
            recovery.contains(&format!("torn_archive_bytes: {}", archive.len())),
            "{recovery}"
        );
        actor.ask("append 0 1").unwrap();
        assert_eq!(actor.ask("read").unwrap(), "1 0 ");
        assert_bounded(&mut actor, start);
    }
}

#[test]
fn a_mark_that_claims_a_huge_frame_has_none_of_it_read() {
    let dir = quick_dir();
    let archive = fs::File::create(dir.path().join(ARCHIVE)).unwrap();
    let mark = block_mark(0, 100, u32::MAX);
    std::io::Write::write_all(&mut &archive, &mark).unwrap();
    archive.set_len(5 << 30).unwrap();
    let start = Instant::now();
    let mut actor = Actor::start(dir.path());
    let said = actor.ask("read").unwrap();
    assert!(said.starts_with("0 1 InvalidData Corrupt"), "{said}");
    assert_bounded(&mut actor, start);
}

/// The blocks before it are read one after the other, so that it is made ready ahead.
#[cfg(target_os = "linux")]
#[test]
fn a_seal_that_claims_a_huge_frame_has_no_memory_taken_for_it() {
    let line = serde_json::to_string(&numbered(7)).unwrap() + "\n";
    let frame = zstd::encode_all(line.as_bytes(), 0).unwrap();
    let (frame_len, len) = (frame.len() as u32, line.len() as u32);
    let hash = LineHash::of(line.as_bytes()).0;
    let blocks = [
        (0, frame_len, len, hash),
        (u64::from(frame_len), frame_len, len, hash),
        (0, u32::MAX, len, hash),
    ];
    let archive = [
        &frame[..],
        &frame,
        &seal_of(0, 2 * u64::from(frame_len), 0, &blocks),
    ]
    .concat();
    let dir = quick_dir();
    fs::write(dir.path().join(ARCHIVE), archive).unwrap();
    let start = Instant::now();
    let mut actor = Actor::start(dir.path());
    actor.limit(rustix::process::Resource::As, Some(3 << 30));
    let said = actor.ask("read").unwrap();
    assert!(said.starts_with("2 1 InvalidData Corrupt"), "{said}");
    assert_bounded(&mut actor, start);
}

#[test]
fn a_foreign_frame_that_claims_a_huge_content_is_refused_by_its_header() {
    // A single segment: as large a window as the content, here a tebibyte.
    let header = [&b"\x28\xb5\x2f\xfd\xe0"[..], &(1_u64 << 40).to_le_bytes()].concat();
    let archive = [&header[..], &[0x0b, 0, 0, 0, 0, 0]].concat();
    let dir = quick_dir();
    fs::write(dir.path().join(ARCHIVE), &archive).unwrap();
    let start = Instant::now();
    let mut actor = Actor::start(dir.path());
    let error = actor.ask("open").unwrap_err();
    assert!(
        error.starts_with("InvalidData Corrupt") && error.contains(ARCHIVE),
        "{error}"
    );
    assert_eq!(fs::read(dir.path().join(ARCHIVE)).unwrap(), archive);
    assert_bounded(&mut actor, start);
}

#[test]
fn a_foreign_frame_that_unpacks_without_end_takes_bounded_memory_and_is_told() {
    // Every byte of it has to be unpacked to know where the log goes on: seconds a gigabyte.
    let len = 2 << 30;
    let dir = quick_dir();
    fs::write(dir.path().join(ARCHIVE), repeating(0, len)).unwrap();
    let line = serde_json::to_string(&numbered(7)).unwrap() + "\n";
    fs::write(dir.path().join("app.jsonl"), line).unwrap();
    let start = Instant::now();
    let mut actor = Actor::start(dir.path());
    actor.ask("open").unwrap();
    println!(
        "{} MiB unpacked and sealed in {:?}",
        len >> 20,
        start.elapsed()
    );
    actor.ask("append 8 1").unwrap();
    let said = actor.ask("read").unwrap();
    // One line too long, however many blocks it takes.
    assert!(said.starts_with("2 1 InvalidData Corrupt"), "{said}");
    assert!(said.contains(ARCHIVE), "{said}");
    assert_bounded(&mut actor, start);
}

#[test]
fn a_seal_at_the_end_of_all_positions_neither_panics_nor_wraps() {
    for base in [u64::MAX, u64::MAX - 5, 1 << 63, 1 << 53] {
        let dir = quick_dir();
        fs::write(dir.path().join(ARCHIVE), seal(0, base)).unwrap();
        let line = serde_json::to_string(&numbered(7)).unwrap() + "\n";
        fs::write(dir.path().join("app.jsonl"), line).unwrap();
        let mut last = 0;
        for record in EventReader::new(dir.path()).read_full().unwrap().take(100) {
            match record {
                Ok(record) => {
                    assert!(record.position >= last && record.next_position > record.position);
                    last = record.next_position;
                }
                Err(error) => assert!(Error::of(&error).is_some(), "{error:?}"),
            }
        }
        if let Ok(mut writer) = EventWriter::open(dir.path())
            && let Ok(appended) = writer.append(&numbered(8))
        {
            assert!(appended.next_position > appended.position);
        }
        let _ = EventReader::new(dir.path()).has_new_events(u64::MAX);
    }
}

#[test]
fn a_rotation_at_the_end_of_all_positions_neither_panics_nor_wraps() {
    let dir = quick_dir();
    let base = u64::MAX - 5;
    let frame = zstd::encode_all(&b"{}\n"[..], 0).unwrap();
    let marked = [block_mark(base, 100, frame.len() as u32), frame].concat();
    fs::write(dir.path().join(ARCHIVE), [seal(0, base), marked].concat()).unwrap();
    assert!(
        EventReader::new(dir.path())
            .read_full()
            .unwrap()
            .take(100)
            .count()
            < 100
    );
    drop(EventWriter::open(dir.path()));
}

#[test]
fn an_archive_full_of_things_that_look_like_seals_is_searched_in_bounded_time() {
    let dir = quick_dir();
    let mut archive = Vec::new();
    while archive.len() < 2 << 20 {
        archive.extend(seal_footer(archive.len() as u64 + 52));
    }
    archive.push(0);
    fs::write(dir.path().join(ARCHIVE), archive).unwrap();
    let start = Instant::now();
    let mut actor = Actor::start(dir.path());
    let _ = actor.ask("read");
    println!("searched 2 MiB in {:?}", start.elapsed());
    assert_bounded(&mut actor, start);
}

/// A zstd frame of `len` times the same byte: four bytes of it for each 128 KiB.
fn repeating(byte: u8, len: u64) -> Vec<u8> {
    let mut frame = b"\x28\xb5\x2f\xfd\x00\x38".to_vec();
    let blocks = len / ZSTD_BLOCK;
    for block in 1..=blocks {
        let header = u64::from(block == blocks) | 1 << 1 | ZSTD_BLOCK << 3;
        frame.extend_from_slice(header.to_le_bytes().split_at(3).0);
        frame.push(byte);
    }
    frame
}

/// The mark of the only block of a rotation at position `base`.
fn block_mark(base: u64, len: u32, frame_len: u32) -> Vec<u8> {
    let mut mark = [&SKIPPABLE[..], &52_u32.to_le_bytes(), b"evb1"].concat();
    for field in [base, u64::from(len), base] {
        mark.extend(field.to_le_bytes());
    }
    mark.extend(len.to_le_bytes());
    mark.extend(frame_len.to_le_bytes());
    mark.extend([0; 8]);
    let hash = LineHash::of(&mark).0;
    mark.extend(hash.to_le_bytes());
    mark
}

/// A seal over nothing, at archive offset `offset` and position `base`.
fn seal(offset: u64, base: u64) -> Vec<u8> {
    seal_of(offset, offset, base, &[])
}

/// A seal at archive offset `offset` over blocks from `start` on: of each the offset and length of
/// its frame, and the length and hash of its content.
fn seal_of(start: u64, offset: u64, base: u64, blocks: &[(u64, u32, u32, u64)]) -> Vec<u8> {
    let payload = 56 + 32 * blocks.len() as u32;
    let mut seal = [&SKIPPABLE[..], &payload.to_le_bytes(), b"evs1"].concat();
    for (frame, frame_len, len, hash) in blocks {
        for field in [*frame, 0] {
            seal.extend(field.to_le_bytes());
        }
        seal.extend(frame_len.to_le_bytes());
        seal.extend(len.to_le_bytes());
        seal.extend(hash.to_le_bytes());
    }
    let len = blocks.iter().map(|block| u64::from(block.2)).sum();
    for field in [start, offset, base, len] {
        seal.extend(field.to_le_bytes());
    }
    seal.extend((blocks.len() as u32).to_le_bytes());
    let hash = LineHash::of(&seal).0;
    seal.extend(hash.to_le_bytes());
    seal.extend(b"\x18evseal1");
    seal
}

/// The end of a seal that would end at archive offset `end` and be as long as that allows.
fn seal_footer(end: u64) -> Vec<u8> {
    let entries = end.saturating_sub(64) / 32;
    let offset = end.saturating_sub(64 + entries * 32);
    let mut footer = Vec::new();
    for field in [0, offset, 0, 0] {
        footer.extend(field.to_le_bytes());
    }
    footer.extend((entries as u32).to_le_bytes());
    footer.extend([0; 8]);
    footer.extend(b"\x18evseal1");
    footer
}

/// Measured as VmHWM, the most memory that was ever resident in the actor's process.
fn assert_bounded(actor: &mut Actor, start: Instant) {
    let peak: u64 = actor.ask("peak").unwrap().parse().unwrap();
    println!("peak {} MiB, {:?}", peak >> 10, start.elapsed());
    assert!(peak << 10 < 4 * MAX_LINE as u64, "{peak} KiB");
    assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
}
