//! A reader beside a writer, with the writer moving on between any two of the reader's calls.
#![cfg(not(target_arch = "wasm32"))]

use std::cell::Cell;
use std::convert::Infallible;

use eventfold_core::{
    Access, Codec, Durability, Error, Event, Fold, Line, MemoryStore, Scan, Slot, Source, Storage,
    Writer,
};
use eventfold_tests::faulty::{Fault, Faulty};
use eventfold_tests::places::Memory;
use eventfold_tests::{Place, append};
use serde_json::{Value, json};

/// What the disk held after each call of a writer that appends and rotates, also half way into
/// each append.
fn states() -> Vec<MemoryStore> {
    let mut states = Vec::new();
    for at in 0.. {
        for half in [0, 25] {
            let place = Memory::empty();
            let store = Faulty::new(place.store(), Fault::FromThenOn, at, half);
            let met = work(store);
            let state = place.image();
            if states.last() != Some(&state) {
                states.push(state);
            }
            if !met {
                return states;
            }
        }
    }
    unreachable!()
}

/// Works until the store stops; whether it did.
fn work(mut store: Faulty<Memory>) -> bool {
    let opened = eventfold_core::Writer::open(
        &mut store,
        Codec::PORTABLE,
        eventfold_core::Access::Exclusive,
    );
    if let Ok((mut writer, _)) = opened {
        for n in 0..8 {
            let synced = eventfold_core::Durability::Synced;
            let appended = writer.append(&eventfold_tests::event(n), synced);
            if appended.is_err() || (n % 3 == 2 && writer.rotate().is_err()) {
                break;
            }
        }
    }
    store.met()
}

/// A source that shows one state, and another after some calls.
struct Timeline<'a> {
    before: &'a MemoryStore,
    after: &'a MemoryStore,
    calls_before: Cell<usize>,
    /// Whether the change was yet to come when it was made by hand.
    early: Cell<bool>,
}

impl<'a> Timeline<'a> {
    fn new(before: &'a MemoryStore, after: &'a MemoryStore, calls_before: usize) -> Self {
        Self {
            before,
            after,
            calls_before: Cell::new(calls_before),
            early: Cell::new(false),
        }
    }

    /// Shows the later state from now on.
    fn move_on(&self) {
        self.early.set(self.calls_before.replace(0) > 0);
    }

    fn now(&self) -> &MemoryStore {
        match self.calls_before.get() {
            0 => self.after,
            left => {
                self.calls_before.set(left - 1);
                self.before
            }
        }
    }
}

impl Source for Timeline<'_> {
    type Error = Infallible;

    fn len(&self, slot: Slot<'_>) -> Result<u64, Infallible> {
        self.now().len(slot)
    }

    fn read_at(&self, slot: Slot<'_>, offset: u64, buf: &mut [u8]) -> Result<usize, Infallible> {
        self.now().read_at(slot, offset, buf)
    }
}

/// Runs `read` with every state, every later one, and every number of calls before the change.
/// `read` is given the source, and how many events are readable in the two states.
fn for_each_interleaving(read: impl Fn(&Timeline<'_>, u64, u64) -> Result<(), Error<Infallible>>) {
    let states = states();
    assert!(states.len() > 25, "only {} states", states.len());
    let counts: Vec<u64> = states
        .iter()
        .map(|state| numbers(state).len() as u64)
        .collect();
    assert_eq!(counts.last(), Some(&8));
    let mut interleavings = 0;
    for (from, before) in states.iter().enumerate() {
        for (to, after) in states.iter().enumerate().skip(from) {
            for calls in 0.. {
                let timeline = Timeline::new(before, after, calls);
                let context = || format!("from state {from} to {to} after {calls} calls");
                let read = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                    read(&timeline, counts[from], counts[to])
                }));
                match read {
                    Ok(Ok(())) => interleavings += 1,
                    Ok(Err(error)) => panic!("{}: {error}", context()),
                    Err(_) => panic!("{}", context()),
                }
                timeline
                    .early
                    .set(timeline.early.get() || timeline.calls_before.get() > 0);
                if timeline.early.get() {
                    break;
                }
            }
        }
    }
    assert!(interleavings > 4_000, "only {interleavings}");
}

#[test]
fn a_reader_sees_every_event_once_wherever_the_writer_moves_on() {
    for_each_interleaving(|source, before, after| {
        let numbers = try_numbers(&mut Scan::new(source, Codec::PORTABLE, 0))?;
        assert!(
            numbers.iter().copied().eq(0..numbers.len() as u64),
            "{numbers:?}"
        );
        let count = numbers.len() as u64;
        assert!(
            before <= count && count <= after,
            "{count} of {before} to {after}"
        );
        Ok(())
    });
}

#[test]
fn a_reader_at_the_end_misses_nothing_and_reads_nothing_twice() {
    let ends = ends();
    for_each_interleaving(|source, before, after| {
        let mut scan = Scan::new(source, Codec::PORTABLE, ends[before as usize]);
        let first = try_numbers(&mut scan)?;
        // Asked again, all that came since is there.
        source.move_on();
        let second = try_numbers(&mut scan)?;
        assert!([first, second].concat().into_iter().eq(before..after));
        Ok(())
    });
}

/// A copy of several blocks that a killed writer left is dropped, and another one is put in its place.
#[test]
fn a_reader_takes_no_archive_that_changes_under_it_for_a_damaged_one() {
    let place = Memory::empty();
    let mut writer = place.open();
    let long = |n| Event::at(n, "long", json!({ "n": n, "text": "x".repeat(700_000) }));
    for n in 0..3 {
        writer.append(&long(n), Durability::Buffered).unwrap();
    }
    drop(writer);
    // Killed after the second block.
    let mut store = Faulty::new(place.store(), Fault::FromThenOn, 3, 0);
    let opened = Writer::open(&mut store, Codec::PORTABLE, Access::Exclusive);
    assert!(opened.unwrap().0.rotate().is_err());
    let before = place.image();
    let mut writer = place.open();
    writer.append(&long(3), Durability::Buffered).unwrap();
    writer.rotate().unwrap();
    let after = place.image();

    for calls in 0.. {
        let timeline = Timeline::new(&before, &after, calls);
        let numbers = try_numbers(&mut Scan::new(&timeline, Codec::PORTABLE, 0));
        let numbers = numbers.unwrap_or_else(|error| panic!("after {calls} calls: {error}"));
        assert!(numbers == [0, 1, 2] || numbers == [0, 1, 2, 3]);
        if timeline.calls_before.get() > 0 {
            assert!(calls > 10, "{calls} calls only");
            break;
        }
    }
}

/// Two writers in a row are killed while they rotate: the rotation of the first is undone, and that of
/// the second leaves an archive of the same length, which holds more.
#[test]
fn a_reader_takes_a_rotation_in_the_place_of_one_of_the_same_length_for_another() {
    let place = Memory::empty();
    // The log is synced, the archive appended to and synced; then the log is cut and synced.
    let before = rotation_killed(&place, 1000, 3);
    let after = rotation_killed(&place, 20, 5);
    let len = |state: &MemoryStore, slot| state.len(slot).unwrap();
    assert_eq!(len(&before, Slot::Archive), len(&after, Slot::Archive));
    assert!(len(&before, Slot::Log) > 0 && len(&after, Slot::Log) == 0);

    let timeline = Timeline::new(&before, &after, usize::MAX);
    let mut scan = Scan::new(&timeline, Codec::PORTABLE, 0);
    assert_eq!(try_numbers(&mut scan).unwrap().len(), 1000);
    timeline.move_on();
    assert_eq!(try_numbers(&mut scan).unwrap().len(), 20);
    scan.seek(0);
    assert_eq!(try_numbers(&mut scan).unwrap().len(), 1020);
}

/// The power goes while a log is rotated, and leaves zeros. The next writer rotates the same log.
#[test]
fn a_reader_takes_a_rotation_in_the_place_of_a_torn_one_of_the_same_length_for_another() {
    let place = Memory::empty();
    let len = rotation_killed(&place, 20, 2).len(Slot::Archive).unwrap();
    place.set(Slot::Archive, &vec![0; len as usize]);
    let before = place.image();
    let after = rotation_killed(&place, 0, 5);
    assert_eq!(after.len(Slot::Archive), Ok(len));
    assert_eq!(after.len(Slot::Log), Ok(0));

    let timeline = Timeline::new(&before, &after, usize::MAX);
    let mut scan = Scan::new(&timeline, Codec::PORTABLE, 0);
    assert_eq!(try_numbers(&mut scan).unwrap().len(), 20);
    timeline.move_on();
    assert_eq!(try_numbers(&mut scan).unwrap().len(), 0);
    scan.seek(0);
    assert_eq!(try_numbers(&mut scan).unwrap().len(), 20);
}

/// What is left of a writer that appends so many events that are the same, and is killed when its
/// rotation has made so many calls.
fn rotation_killed(place: &Memory, events: usize, calls: usize) -> MemoryStore {
    let mut store = Faulty::new(place.store(), Fault::FromThenOn, usize::MAX, 0);
    let opened = Writer::open(&mut store, Codec::PORTABLE, Access::Exclusive);
    let mut writer = opened.unwrap().0;
    for _ in 0..events {
        let same = Event::at(0, "same", json!({ "n": 0 }));
        writer.append(&same, Durability::Buffered).unwrap();
    }
    let store = writer.store_mut();
    store.at = store.calls + calls;
    assert!(writer.rotate().is_err());
    place.image()
}

#[test]
fn a_reader_in_front_of_a_torn_tail_reads_what_was_appended_in_its_place() {
    let place = Memory::empty();
    append(&mut place.open(), 0);
    let torn = b"{\"type\":\"\0\0\0\"\n\n";
    place.store().append(Slot::Log, torn).unwrap();
    let before = place.image();
    let mut writer = place.open();
    append(&mut writer, 1);
    append(&mut writer, 2);
    let after = place.image();

    let timeline = Timeline::new(&before, &after, usize::MAX);
    let mut scan = Scan::new(&timeline, Codec::PORTABLE, 0);
    assert!(scan.next_line().unwrap().is_some());
    timeline.move_on();
    assert_eq!(try_numbers(&mut scan).unwrap(), [1, 2]);
}

#[test]
fn a_view_refreshed_wherever_the_writer_moves_on_is_a_fold_of_a_prefix() {
    let ends = ends();
    for_each_interleaving(|source, before, after| {
        let count = |n, line: &Line<'_>| {
            assert_eq!(line.event::<Value, Infallible>()?.data["n"], n);
            Ok::<_, Error<_>>(n + 1)
        };
        let fold = Fold::new(0_u64).refreshed(source, Codec::PORTABLE, count)?;
        let fold = fold.unwrap_or_else(|| Fold::new(0));
        assert!(before <= *fold.state() && *fold.state() <= after);
        assert_eq!(fold.position(), ends[*fold.state() as usize]);
        Ok(())
    });
}

/// Where each event starts, and the end after the last.
fn ends() -> Vec<u64> {
    let place = Memory::empty();
    let mut writer = place.open();
    let mut ends = vec![0];
    ends.extend((0..8).map(|n| append(&mut writer, n).next_position));
    ends
}

fn numbers(state: &MemoryStore) -> Vec<u64> {
    try_numbers(&mut Scan::new(state, Codec::PORTABLE, 0)).unwrap()
}

fn try_numbers<S: Source>(scan: &mut Scan<S>) -> Result<Vec<u64>, Error<S::Error>> {
    let mut numbers = Vec::new();
    while let Some(record) = scan.next_record::<Value>()? {
        numbers.push(record.event.data["n"].as_u64().unwrap());
    }
    Ok(numbers)
}
