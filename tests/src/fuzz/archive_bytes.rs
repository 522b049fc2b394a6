//! Any bytes as `archive.jsonl.zst`.

mod forged;
mod rotted;

use eventfold_core::{
    Access, Codec, Durability, Error, InterruptedRotation, Recovery, Scan, Slot, Writer,
};
use serde_json::Value;

use super::choices::Choices;
use crate::places::Memory;
use crate::sim::codec::STORED;
use crate::{Place, event};

/// What frames are made by. The last one's carry no checksum, as those of some writers.
const CODECS: [Codec; 3] = [Codec::PORTABLE, eventfold::ZSTD, STORED];

/// How many lines are looked at: a frame of a few bytes can hold millions.
const MAX_LINES: usize = 2_000;

/// Any bytes, wrong claims under right hashes, or an archive of ours with damage in it.
pub fn target(bytes: &[u8]) {
    let mut choices = Choices(bytes);
    match choices.below(4) {
        0 => {
            let log = lines(0..choices.below(3) as u64);
            hostile(choices.0, &log);
        }
        1 => {
            let log = lines(0..choices.below(3) as u64);
            hostile(&forged::archive(&mut choices), &log);
        }
        _ => rotted::archive(&mut choices),
    }
}

/// Whatever somebody made: reading ends, and opening repairs or refuses.
fn hostile(archive: &[u8], log: &[u8]) {
    let place = Memory::empty();
    place.set(Slot::Archive, archive);
    place.set(Slot::Log, log);
    // C is trusted to bound its memory; what it makes of the bytes is not what is tested.
    read(&place, eventfold::ZSTD);
    open(&place, Codec::PORTABLE);
}

/// No seal is believed whose history ends at 2^62 or further on, so none is made here.
const MAX_POSITION: u64 = (1 << 62) - (1 << 20);

/// What reading from the start finds.
#[derive(Debug)]
struct Reading {
    lines: Vec<Vec<u8>>,
    errors: usize,
    /// The last error stays: the archive's end hides where the log begins.
    stuck: bool,
}

impl Reading {
    /// What was read is read still. It may be more: the damaged end of another writer's frame
    /// may pass for a whole one once enough bytes have come behind it.
    fn assert_in(&self, later: &Self) {
        let mut lines = later.lines.iter();
        let still = |line| lines.any(|later| later == line);
        let all = self.lines.iter().all(still) || later.lines.len() == MAX_LINES;
        assert!(
            all && later.errors <= self.errors,
            "{self:?}, then {later:?}"
        );
    }
}

fn read(place: &Memory, codec: Codec) -> Reading {
    let mut scan = Scan::new(place.store(), codec, 0);
    let mut reading = Reading {
        lines: Vec::new(),
        errors: 0,
        stuck: false,
    };
    while reading.lines.len() < MAX_LINES {
        let from = scan.position();
        match scan.next_line() {
            Ok(Some(line)) => {
                assert!(line.position >= from && line.next_position > line.position);
                reading.lines.push(line.bytes.to_vec());
            }
            Ok(None) => break,
            Err(Error::Corrupt { .. }) => {
                reading.errors += 1;
                if scan.position() == from {
                    reading.stuck = true;
                    break;
                }
            }
            Err(error) => panic!("{error}"),
        }
    }
    reading
}

/// What the first opening repaired, and what can be read then.
struct Opened {
    recovery: Recovery,
    reading: Reading,
}

/// Opens the log: it refuses and changes nothing, or it keeps what it cuts and goes on.
fn open(place: &Memory, codec: Codec) -> Option<Opened> {
    let before = place.image();
    let (mut writer, recovery) = match Writer::open(place.store(), codec, Access::Exclusive) {
        Ok(opened) => opened,
        Err(Error::Corrupt { .. }) => {
            assert_eq!(place.image(), before);
            return None;
        }
        Err(error) => panic!("{error}"),
    };
    let after = place.image();
    let archive = before.bytes(Slot::Archive);
    let (kept, cut) = archive.split_at(archive.len() - recovery.torn_archive_bytes as usize);
    let mut aside = after.bytes(Slot::Torn).windows(cut.len().max(1));
    assert!(cut.is_empty() || aside.any(|bytes| bytes == cut));
    if recovery.rotation != Some(InterruptedRotation::Undone) {
        assert!(after.bytes(Slot::Archive).starts_with(kept));
    }
    if recovery.rotation != Some(InterruptedRotation::Finished) {
        assert_eq!(after.bytes(Slot::Log), before.bytes(Slot::Log));
    }

    let reading = read(place, codec);
    let end = writer.end_position();
    if end > MAX_POSITION {
        return None;
    }
    let appended = writer.append(&event(end), Durability::Synced).unwrap();
    assert_eq!(appended.position, end);
    let mut scan = Scan::new(place.store(), codec, end);
    let record = scan.next_record::<Value>().unwrap().unwrap();
    assert_eq!(record.event, event(end));
    let with_one_more = read(place, codec);
    assert_eq!(with_one_more.errors, reading.errors);
    writer.rotate().unwrap();
    with_one_more.assert_in(&read(place, codec));
    drop(writer);
    let (writer, again) = Writer::open(place.store(), codec, Access::Exclusive).unwrap();
    assert!(again.is_clean(), "opening again: {again:?}");
    assert_eq!(writer.end_position(), appended.next_position);
    with_one_more.assert_in(&read(place, codec));
    Some(Opened { recovery, reading })
}

/// Lines of the events with these numbers.
fn lines(numbers: std::ops::Range<u64>) -> Vec<u8> {
    let line = |n| serde_json::to_string(&event(n)).unwrap() + "\n";
    numbers.map(line).collect::<String>().into_bytes()
}
