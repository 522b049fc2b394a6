//! Rotation: crashes in it, readers across it, failures of it.

use std::convert::Infallible;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use eventfold::{Durability, Event, EventLog, EventReader, EventWriter, ZSTD};
use eventfold_0_2 as old;
use eventfold_core::{Access, MemoryStore, Slot, Source, Storage, Writer};
use tempfile::tempdir;

use crate::support::{
    ARCHIVE, LOG, append_bytes, event, event_0_2, events, line, made_by_0_2, made_here, read,
    store_goes_on, store_with,
};

#[test]
fn a_crash_between_archive_and_truncate_doubles_nothing_nor_any_other_crash_in_a_rotation() {
    let dir = tempdir().unwrap();
    made_by_0_2(dir.path(), 3, 0);
    let log = fs::read(dir.path().join(LOG)).unwrap();
    old::EventLog::open(dir.path()).unwrap().rotate().unwrap();
    fs::write(dir.path().join(LOG), log).unwrap();
    let theirs = old::EventReader::new(dir.path());
    assert_eq!(theirs.read_full().unwrap().count(), 6, "0.2.0 doubles them");

    let (mut writer, _) = Writer::open(Images::default(), ZSTD, Access::Exclusive).unwrap();
    for n in 0..3 {
        writer.append(&event(n), Durability::Synced).unwrap();
        if n != 1 {
            writer.store_mut().images.clear();
            let rotation = writer.rotate().unwrap();
            let images = writer.store().images.clone();
            // Every byte that went to the archive is a crash point.
            assert!(images.len() as u64 > rotation.archived);
            for image in images {
                store_goes_on(image, n + 1);
            }
        }
    }
}

#[test]
fn what_is_archived_after_a_torn_archive_frame_is_readable_wherever_it_was_torn() {
    let dir = tempdir().unwrap();
    made_by_0_2(dir.path(), 2, 2);
    let frame = fs::read(dir.path().join(ARCHIVE)).unwrap();

    append_bytes(&dir.path().join(ARCHIVE), &frame[..frame.len() / 2]);
    let mut theirs = old::EventLog::open(dir.path()).unwrap();
    theirs.append(&event_0_2(2)).unwrap();
    theirs.rotate().unwrap();
    let found = theirs.read_full().unwrap();
    let found = found.take(9).filter(Result::is_ok).count();
    assert_eq!(found, 2, "0.2.0 cannot read what it archived last");

    // What 0.2.0 leaves when it is killed while it writes its second frame.
    let dir = tempdir().unwrap();
    made_by_0_2(dir.path(), 4, 2);
    let log = fs::read(dir.path().join(LOG)).unwrap();
    old::EventLog::open(dir.path()).unwrap().rotate().unwrap();
    let archive = fs::read(dir.path().join(ARCHIVE)).unwrap();
    assert_eq!(archive[..frame.len()], frame);
    for cut in frame.len()..archive.len() {
        store_goes_on(store_with(MemoryStore::new(), &log, &archive[..cut]), 4);
    }
}

#[test]
fn a_reader_that_stands_in_the_log_gets_everything_across_rotations() {
    let dir = tempdir().unwrap();
    made_by_0_2(dir.path(), 3, 0);
    let theirs = old::EventReader::new(dir.path());
    let (_, next, _) = theirs.read_from(0).unwrap().next().unwrap().unwrap();
    old::EventLog::open(dir.path()).unwrap().rotate().unwrap();
    assert_eq!(
        theirs.read_from(next).unwrap().count(),
        0,
        "0.2.0 gives 0 of 2"
    );

    let dir = tempdir().unwrap();
    let mut writer = EventWriter::open(dir.path()).unwrap();
    let mut append = |n| writer.append(&event(n)).unwrap().next_position;
    let positions: Vec<u64> = std::iter::once(0).chain((0..3).map(&mut append)).collect();
    let reader = EventReader::new(dir.path());
    let mut readers: Vec<_> = (0..3).map(|_| reader.read_full().unwrap()).collect();
    for (n, reader) in readers.iter_mut().enumerate() {
        let read = reader.by_ref().take(n).map(|record| record.unwrap().event);
        assert_eq!(read.collect::<Vec<_>>(), events(n as u64));
    }
    for n in 3..8 {
        writer.rotate().unwrap();
        writer.append(&event(n)).unwrap();
    }
    for (n, reader) in readers.iter_mut().enumerate() {
        let read: Vec<Event> = reader.map(|record| record.unwrap().event).collect();
        assert_eq!(read, events(8)[n..]);
    }
    for (n, position) in positions.into_iter().enumerate() {
        let read = reader.read_from(position).unwrap();
        let read: Vec<Event> = read.map(|record| record.unwrap().event).collect();
        assert_eq!(read, events(8)[n..]);
    }
}

#[test]
fn readers_beside_a_writer_that_rotates_see_no_duplicate_no_gap_and_no_error() {
    const EVENTS: u64 = 3_000;
    let dir = tempdir().unwrap();
    let mut writer = EventWriter::open(dir.path())
        .unwrap()
        .with_durability(Durability::Buffered);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let follow = || {
            let mut iterator = EventReader::new(dir.path()).read_full().unwrap();
            let (mut n, mut position) = (0, 0);
            loop {
                let ended = done.load(Ordering::SeqCst);
                for record in iterator.by_ref() {
                    let record = record.unwrap();
                    assert_eq!((record.position, &record.event), (position, &event(n)));
                    (n, position) = (n + 1, record.next_position);
                }
                if ended {
                    return n;
                }
                // From the same place by a reader that knows nothing yet.
                if n % 2 == 0 {
                    iterator = EventReader::new(dir.path()).read_from(position).unwrap();
                }
            }
        };
        let replay = || {
            let mut replays = 0;
            while !done.load(Ordering::SeqCst) {
                for (n, event) in (0..).zip(read(dir.path())) {
                    assert_eq!(event, crate::support::event(n));
                }
                replays += 1;
            }
            replays
        };
        let followers = [scope.spawn(follow), scope.spawn(follow)];
        let replayer = scope.spawn(replay);
        for n in 0..EVENTS {
            writer.append(&event(n)).unwrap();
            if n % 61 == 60 {
                writer.rotate().unwrap();
            }
        }
        done.store(true, Ordering::SeqCst);
        for follower in followers {
            assert_eq!(follower.join().unwrap(), EVENTS);
        }
        assert!(replayer.join().unwrap() > 0);
    });
}

#[test]
fn an_append_whose_automatic_rotation_fails_leaves_no_event_behind() {
    let dir = tempdir().unwrap();
    let mut theirs = old::EventLog::builder(dir.path())
        .max_log_size(1)
        .open()
        .unwrap();
    fs::create_dir(dir.path().join(ARCHIVE)).unwrap();
    assert!(theirs.append(&event_0_2(0)).is_err());
    let log = fs::read(dir.path().join(LOG)).unwrap();
    assert!(!log.is_empty(), "0.2.0 says no to an event that is on disk");

    let dir = tempdir().unwrap();
    let open = || EventLog::builder(dir.path()).max_log_size(1).open();
    let mut log = open().unwrap();
    log.append(&event(0)).unwrap();
    fs::create_dir(dir.path().join(ARCHIVE)).unwrap();
    let before = fs::read(dir.path().join(LOG)).unwrap();
    let at = (
        log.writer().end_position(),
        eventfold::LineHash::of(before.trim_ascii_end()),
    );
    for _ in 0..2 {
        assert!(log.append(&event(1)).is_err());
        assert!(log.append_batch(&[event(1), event(2)]).is_err());
        assert!(log.append_if(&event(1), at.0, at.1).is_err());
        assert_eq!(fs::read(dir.path().join(LOG)).unwrap(), before);
    }
    drop(log);
    assert!(open().is_err());
    assert_eq!(fs::read(dir.path().join(LOG)).unwrap(), before);

    fs::remove_dir(dir.path().join(ARCHIVE)).unwrap();
    let mut log = open().unwrap();
    log.append(&event(1)).unwrap();
    assert_eq!(read(dir.path()), events(2));
}

#[test]
fn archived_lines_that_the_log_repeats_are_events_of_their_own() {
    // The content of the last rotation comes again, as other events with the same bytes.
    let dir = tempdir().unwrap();
    let same = event(7);
    let mut writer = EventWriter::open(dir.path()).unwrap();
    for round in 1..4 {
        for _ in 0..2 {
            writer.append(&same).unwrap();
        }
        assert_eq!(read(dir.path()), vec![same.clone(); round * 2]);
        drop(writer);
        writer = EventWriter::open(dir.path()).unwrap();
        assert!(writer.recovery().is_clean());
        assert_eq!(read(dir.path()), vec![same.clone(); round * 2]);
        if round < 3 {
            writer.rotate().unwrap();
        }
    }
    drop(writer);
    made_here(tempdir().unwrap().path(), 2, &[2]);
    assert_eq!(
        fs::read(dir.path().join(LOG)).unwrap(),
        [line(7), line(7)].concat()
    );
}

/// A store in memory that keeps what a crash at any moment would leave: before each change, and
/// for an append after each of its bytes.
#[derive(Debug, Default)]
struct Images {
    store: MemoryStore,
    images: Vec<MemoryStore>,
}

impl Images {
    fn keep(&mut self) {
        self.images.push(self.store.clone());
    }
}

impl Source for Images {
    type Error = Infallible;

    fn len(&self, slot: Slot<'_>) -> Result<u64, Infallible> {
        self.store.len(slot)
    }

    fn read_at(&self, slot: Slot<'_>, offset: u64, buf: &mut [u8]) -> Result<usize, Infallible> {
        self.store.read_at(slot, offset, buf)
    }
}

impl Storage for Images {
    fn append(&mut self, slot: Slot<'_>, bytes: &[u8]) -> Result<(), Infallible> {
        for byte in bytes.chunks(1) {
            self.keep();
            self.store.append(slot, byte)?;
        }
        Ok(())
    }

    fn truncate(&mut self, slot: Slot<'_>, len: u64) -> Result<(), Infallible> {
        self.keep();
        self.store.truncate(slot, len)
    }

    fn sync(&mut self, slot: Slot<'_>) -> Result<(), Infallible> {
        self.store.sync(slot)
    }

    fn replace(&mut self, slot: Slot<'_>, bytes: &[u8]) -> Result<(), Infallible> {
        self.keep();
        self.store.replace(slot, bytes)
    }

    fn remove(&mut self, slot: Slot<'_>) -> Result<(), Infallible> {
        self.keep();
        self.store.remove(slot)
    }
}
