//! Lines: torn, short, with CRLF, long.

use std::cell::Cell;
use std::convert::Infallible;
use std::fmt;
use std::fs;

use eventfold::{Error, Event, EventLog, EventReader, EventWriter, ZSTD};
use eventfold_0_2 as old;
use eventfold_core::{Access, Durability, MemoryStore, Slot, Source, Storage, Writer};
use serde_json::json;
use tempfile::tempdir;

use crate::support::{
    LOG, append_bytes, event, event_0_2, events, goes_on, line, made_by_0_2, made_here, read,
    read_store,
};

#[test]
fn an_append_after_a_torn_tail_keeps_both_lines_wherever_it_was_torn() {
    let dir = tempdir().unwrap();
    made_by_0_2(dir.path(), 2, 1);
    append_bytes(&dir.path().join(LOG), &line(2)[..9]);
    let mut theirs = old::EventWriter::open(dir.path()).unwrap();
    theirs.append(&event_0_2(2)).unwrap();
    let found = theirs.reader().read_full().unwrap();
    assert_eq!(found.filter(Result::is_ok).count(), 2, "0.2.0 fuses them");

    let whole = line(2);
    for cut in 0..whole.len() {
        let dir = tempdir().unwrap();
        made_here(dir.path(), 2, &[1]);
        append_bytes(&dir.path().join(LOG), &whole[..cut]);
        let is_event = cut == whole.len() - 1;
        let recovery = goes_on(dir.path(), if is_event { 3 } else { 2 });
        assert_eq!(recovery.completed_line, is_event);
        let torn = if is_event { 0 } else { cut };
        assert_eq!(recovery.torn_log_bytes, torn as u64);
        let kept = fs::read(dir.path().join("torn.bin")).unwrap_or_default();
        assert_eq!(kept.is_empty(), torn == 0);
        let kept = kept.strip_suffix(b"\n").unwrap_or_default();
        assert!(kept.ends_with(&whole[..torn]), "{cut}");
    }
}

#[test]
fn a_short_write_leaves_no_fragment_and_no_event_that_failed() {
    let batch = [line(2), line(3)].concat();
    for written in 0..=batch.len() {
        let mut writer = writer_of_two();
        let before = writer.store().inner.clone();
        writer.store().short_append.set(Some(written));
        let error = writer
            .append_batch(&[event(2), event(3)], Durability::Buffered)
            .unwrap_err();
        assert!(matches!(error, eventfold_core::Error::Storage { .. }));
        assert_eq!(writer.store().inner, before, "{written} bytes were written");

        writer.append(&event(2), Durability::Synced).unwrap();
        assert_eq!(read_store(writer.store()), events(3));
        writer.rotate().unwrap();
        assert_eq!(read_store(writer.store()), events(3));
        let image = writer.store().inner.clone();
        crate::support::store_goes_on(image, 3);
    }
}

#[test]
fn a_short_write_that_cannot_be_cut_back_stops_the_writer_until_the_log_is_opened_again() {
    let whole = line(2);
    for written in 0..=whole.len() {
        let mut writer = writer_of_two();
        writer.store().short_append.set(Some(written));
        writer.store().fail_truncate.set(true);
        let error = writer.append(&event(2), Durability::Synced).unwrap_err();
        assert!(matches!(
            error,
            eventfold_core::Error::DurabilityUnknown { .. }
        ));
        writer.store().fail_truncate.set(false);
        for _ in 0..2 {
            let error = writer.append(&event(2), Durability::Synced).unwrap_err();
            assert!(matches!(error, eventfold_core::Error::Poisoned { .. }));
            let error = writer.rotate().unwrap_err();
            assert!(matches!(error, eventfold_core::Error::Poisoned { .. }));
        }
        let image = writer.store().inner.clone();
        let kept = written + 1 >= whole.len();
        crate::support::store_goes_on(image, if kept { 3 } else { 2 });
    }
}

#[test]
fn positions_do_not_drift_on_lines_that_end_in_cr_lf() {
    let text = |n: u64| [line(n).trim_ascii_end(), b"\r\n"].concat();
    let lines: Vec<_> = (0..4).map(text).collect();
    let dir = tempdir().unwrap();
    fs::write(dir.path().join(LOG), lines.concat()).unwrap();
    let theirs = old::EventReader::new(dir.path());
    let (_, next, _) = theirs.read_from(0).unwrap().next().unwrap().unwrap();
    assert_ne!(next, lines[0].len() as u64, "0.2.0 drifts");

    for rotated in [false, true] {
        if rotated {
            EventWriter::open(dir.path()).unwrap().rotate().unwrap();
        }
        let reader = EventReader::new(dir.path());
        let mut position = 0;
        for (n, line) in (0..).zip(&lines) {
            let record = reader.read_from(position).unwrap().next().unwrap().unwrap();
            assert_eq!((record.event, record.position), (event(n), position));
            position += line.len() as u64;
            assert_eq!(record.next_position, position);
        }
        assert!(!reader.has_new_events(position).unwrap());
    }
    goes_on(dir.path(), 4);
}

#[test]
fn the_hash_of_a_line_over_8192_bytes_is_right_and_append_if_goes_on_after_it() {
    let long = |len: usize| Event::at(1, "long", json!("x".repeat(len)));
    let dir = tempdir().unwrap();
    let mut theirs = old::EventWriter::open(dir.path()).unwrap();
    let at = theirs
        .append(&old::Event::new("long", json!("x".repeat(9000))))
        .unwrap();
    let again = theirs.append_if(&event_0_2(0), at.end_offset, &at.line_hash);
    assert!(again.is_err(), "0.2.0 conflicts with its own last append");

    // Around each size at which a reader might stop looking back.
    for len in [
        8_100,
        8_160,
        8_192,
        8_193,
        9_000,
        16_384,
        65_536,
        262_144,
        1 << 20,
        3 << 20,
    ] {
        let dir = tempdir().unwrap();
        let mut writer = EventWriter::open(dir.path()).unwrap();
        writer.append(&event(0)).unwrap();
        let at = writer.append(&long(len)).unwrap();
        let text = fs::read(dir.path().join(LOG)).unwrap();
        let text = &text[at.position as usize..at.next_position as usize - 1];
        assert_eq!(at.hash.to_string(), old::line_hash(text));
        drop(writer);

        let mut writer = EventWriter::open(dir.path()).unwrap();
        assert_eq!(writer.last_hash().unwrap(), at.hash);
        let next = writer
            .append_if(&long(len), at.next_position, at.hash)
            .unwrap();
        writer.rotate().unwrap();
        drop(writer);
        let mut writer = EventWriter::open(dir.path()).unwrap();
        let last = writer
            .append_if(&event(1), next.next_position, next.hash)
            .unwrap();
        let refused = writer
            .append_if(&event(2), next.next_position, next.hash)
            .unwrap_err();
        assert!(matches!(
            Error::of(&refused),
            Some(Error::Conflict { found, found_hash, .. })
                if (*found, *found_hash) == (last.next_position, last.hash)
        ));
    }
}

#[test]
fn json_that_nests_too_deep_to_be_read_is_refused_before_anything_is_written() {
    let nested = |levels: usize| (0..levels).fold(json!(0), |inner, _| json!([inner]));
    let dir = tempdir().unwrap();
    let mut theirs = old::EventWriter::open(dir.path()).unwrap();
    theirs
        .append(&old::Event::new("deep", nested(130)))
        .unwrap();
    let mut found = theirs.reader().read_full().unwrap();
    assert!(found.next().unwrap().is_err(), "0.2.0 cannot read it back");
    drop(theirs);

    let dir = tempdir().unwrap();
    let mut log = EventLog::open(dir.path()).unwrap();
    let mut accepted = Vec::new();
    for levels in 120..140 {
        let deep = Event::at(0, "deep", nested(levels)).with_meta(nested(levels));
        let before = fs::read(dir.path().join(LOG)).unwrap();
        match log.append(&deep) {
            Ok(_) => accepted.push(deep),
            Err(error) => {
                assert!(matches!(Error::of(&error), Some(Error::Unreadable { .. })));
                assert!(levels >= 127);
                assert_eq!(fs::read(dir.path().join(LOG)).unwrap(), before);
            }
        }
        assert_eq!(read(dir.path()), accepted);
    }
    assert_eq!(accepted.len(), 7);
}

fn writer_of_two() -> Writer<Faulty> {
    let (mut writer, _) = Writer::open(Faulty::default(), ZSTD, Access::Exclusive).unwrap();
    writer.append(&event(0), Durability::Synced).unwrap();
    writer.rotate().unwrap();
    writer.append(&event(1), Durability::Synced).unwrap();
    writer
}

/// A store in memory that fails where it is told to.
#[derive(Debug, Default)]
struct Faulty {
    inner: MemoryStore,
    /// The next append writes so many bytes and fails.
    short_append: Cell<Option<usize>>,
    fail_truncate: Cell<bool>,
}

#[derive(Debug)]
struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refused")
    }
}

impl std::error::Error for Refused {}

impl From<Infallible> for Refused {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl Source for Faulty {
    type Error = Refused;

    fn len(&self, slot: Slot<'_>) -> Result<u64, Refused> {
        Ok(self.inner.len(slot)?)
    }

    fn read_at(&self, slot: Slot<'_>, offset: u64, buf: &mut [u8]) -> Result<usize, Refused> {
        Ok(self.inner.read_at(slot, offset, buf)?)
    }
}

impl Storage for Faulty {
    fn append(&mut self, slot: Slot<'_>, bytes: &[u8]) -> Result<(), Refused> {
        if let Some(written) = self.short_append.take() {
            self.inner.append(slot, &bytes[..written])?;
            return Err(Refused);
        }
        Ok(self.inner.append(slot, bytes)?)
    }

    fn truncate(&mut self, slot: Slot<'_>, len: u64) -> Result<(), Refused> {
        if self.fail_truncate.get() {
            return Err(Refused);
        }
        Ok(self.inner.truncate(slot, len)?)
    }

    fn sync(&mut self, slot: Slot<'_>) -> Result<(), Refused> {
        Ok(self.inner.sync(slot)?)
    }

    fn replace(&mut self, slot: Slot<'_>, bytes: &[u8]) -> Result<(), Refused> {
        Ok(self.inner.replace(slot, bytes)?)
    }

    fn remove(&mut self, slot: Slot<'_>) -> Result<(), Refused> {
        Ok(self.inner.remove(slot)?)
    }
}
