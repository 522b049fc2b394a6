use std::ops::Range;

use eventfold_core::{Access, Codec, Durability, Slot, Storage, Writer};

use super::{CODECS, Reading, lines, open, read};
use crate::fuzz::choices::Choices;
use crate::fuzz::harm::Harm;
use crate::places::Memory;
use crate::{Place, event};

/// An archive by us and others, all of it sealed, and then damaged: the damage is told, and
/// nothing comes back as an event that was none.
pub(super) fn archive(choices: &mut Choices<'_>) {
    let codec = CODECS[choices.below(2)];
    let History {
        place,
        written,
        foreign,
    } = history(choices, codec);
    let whole = read(&place, codec);
    assert_eq!(whole.errors, 0);
    assert_eq!(numbers(&whole), Vec::from_iter(0..written));
    let mut archive = place.bytes(Slot::Archive);
    let harm = Harm::to(&mut archive, choices);
    place.set(Slot::Archive, &archive);

    let before = read(&place, codec);
    let opened = open(&place, codec);
    assert_eq!(before.stuck, opened.is_none());
    let Some(opened) = opened else {
        return;
    };
    // Another writer's frames carry no hash of ours. When the seal behind them is damaged too,
    // damage in them can go unseen.
    if harm.adds || foreign && (harm.others || harm.flips > 1) {
        return;
    }
    let after = numbers(&opened.reading);
    for numbers in [&numbers(&before), &after] {
        assert!(numbers.iter().all(|n| *n < written), "{numbers:?}");
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    }
    if opened.recovery.torn_archive_bytes == 0 {
        assert!(numbers(&before).iter().all(|n| after.contains(n)));
    }
    let told = opened.reading.errors > 0 || !opened.recovery.is_clean();
    assert!(told || harm.shortens || after.len() as u64 == written);
}

/// The numbers of these events, which are as they were written.
fn numbers(reading: &Reading) -> Vec<u64> {
    let number = |line: &Vec<u8>| {
        let read: eventfold_core::Event = serde_json::from_slice(line).unwrap();
        assert_eq!(read, event(read.ts));
        read.ts
    };
    reading.lines.iter().map(number).collect()
}

struct History {
    place: Memory,
    /// How many events there are, numbered from 0.
    written: u64,
    /// Whether another writer archived some of them.
    foreign: bool,
}

fn history(choices: &mut Choices<'_>, codec: Codec) -> History {
    let place = Memory::empty();
    let open = || {
        Writer::open(place.store(), codec, Access::Exclusive)
            .unwrap()
            .0
    };
    let append = |numbers: Range<u64>| {
        let mut writer = open();
        for n in numbers {
            writer.append(&event(n), Durability::Buffered).unwrap();
        }
        writer
    };
    let (mut written, mut foreign) = (0, false);
    for _ in 0..choices.below(5) {
        let more = written + 1 + choices.below(4) as u64;
        match choices.below(4) {
            0 => {
                let frame = (CODECS[choices.below(CODECS.len())].compress)(&[lines(written..more)])
                    .concat();
                place.store().append(Slot::Archive, &frame).unwrap();
                (written, foreign) = (more, true);
            }
            1 => {
                let nothing = [0x50, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 1, 2, 3];
                place.store().append(Slot::Archive, &nothing).unwrap();
            }
            _ => {
                append(written..more).rotate().unwrap();
                written = more;
            }
        }
    }
    let more = written + choices.below(3) as u64;
    drop(append(written..more));
    History {
        place,
        written: more,
        foreign,
    }
}
