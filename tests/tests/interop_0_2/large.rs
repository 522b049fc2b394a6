//! One frame of 0.2.0 holds a whole log, however large that was.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::Command;

use eventfold::{Event, EventReader, FileStore, LockMode, ZSTD};
use eventfold_0_2 as old;
use eventfold_core::{Access, Recovery, Scan, Slot, Source, Storage, Writer};
use serde_json::json;
use tempfile::tempdir;

/// Bytes of history in the frame, at least.
const FRAME: u64 = 30 << 20;
/// Set for the process whose memory is measured.
const CHILD: &str = "EVENTFOLD_TEST_LARGE_FRAME";

#[test]
fn a_large_frame_of_0_2_is_decoded_once_and_then_reached_into() {
    let dir = tempdir().unwrap();
    let (count, len) = archive_large_frame(dir.path());
    let archived = fs::metadata(dir.path().join("archive.jsonl.zst"))
        .unwrap()
        .len();

    let (store, recovery) = open(dir.path());
    assert_eq!(recovery.adopted_bytes, len);
    let first_open = store.archive_read.get();
    // Searched for a seal, and decoded.
    assert!(
        first_open < archived * 9 / 4,
        "{first_open} of {archived} bytes"
    );
    drop(store);

    let (store, recovery) = open(dir.path());
    assert!(recovery.is_clean());
    let second_open = store.archive_read.take();
    assert!(
        second_open < archived / 50,
        "{second_open} of {archived} bytes"
    );

    // All of it, without starting the frame again for each block.
    let mut scan = Scan::new(&store, ZSTD, 0);
    let (mut n, mut middle) = (0, 0);
    while let Some(record) = scan.next_record().unwrap() {
        assert_eq!(record.event, event(n));
        n += 1;
        if n == count / 2 {
            middle = record.next_position;
        }
    }
    assert_eq!((n, scan.position()), (count, len));
    let whole = store.archive_read.take();
    assert!(whole < archived * 5 / 4, "{whole} of {archived} bytes");

    let mut scan = Scan::new(&store, ZSTD, middle);
    let record = scan.next_record().unwrap().unwrap();
    assert_eq!((record.event, record.position), (event(count / 2), middle));
    let half = store.archive_read.take();
    assert!(half < archived * 3 / 4, "{half} of {archived} bytes");
    assert!(store.largest_read.get() <= 1 << 20);
}

#[test]
fn a_large_frame_of_0_2_is_opened_and_read_in_little_memory() {
    if let Some(dir) = std::env::var_os(CHILD) {
        return read_and_print_peak(Path::new(&dir));
    }
    if !cfg!(target_os = "linux") {
        return println!("memory is measured on Linux only");
    }
    let dir = tempdir().unwrap();
    archive_large_frame(dir.path());
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture"])
        .arg("large::a_large_frame_of_0_2_is_opened_and_read_in_little_memory")
        .env(CHILD, dir.path())
        .output()
        .unwrap();
    let output = String::from_utf8(child.stdout).unwrap();
    assert!(child.status.success(), "{output}");
    let grown = output
        .lines()
        .find_map(|line| line.split_once("KiB grown: "));
    let grown: u64 = grown.unwrap().1.parse().unwrap();
    assert!(
        grown << 10 < FRAME / 2,
        "{grown} KiB for a frame of {FRAME} bytes"
    );
}

/// A store that counts what is read of the archive.
struct Counted {
    inner: FileStore,
    archive_read: Cell<u64>,
    largest_read: Cell<usize>,
}

impl Source for Counted {
    type Error = io::Error;

    fn len(&self, slot: Slot<'_>) -> io::Result<u64> {
        self.inner.len(slot)
    }

    fn read_at(&self, slot: Slot<'_>, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read_at(slot, offset, buf)?;
        if slot == Slot::Archive {
            self.archive_read.set(self.archive_read.get() + n as u64);
            self.largest_read.set(self.largest_read.get().max(n));
        }
        Ok(n)
    }
}

impl Storage for Counted {
    fn append(&mut self, slot: Slot<'_>, bytes: &[u8]) -> io::Result<()> {
        self.inner.append(slot, bytes)
    }

    fn truncate(&mut self, slot: Slot<'_>, len: u64) -> io::Result<()> {
        self.inner.truncate(slot, len)
    }

    fn sync(&mut self, slot: Slot<'_>) -> io::Result<()> {
        self.inner.sync(slot)
    }

    fn replace(&mut self, slot: Slot<'_>, bytes: &[u8]) -> io::Result<()> {
        self.inner.replace(slot, bytes)
    }

    fn remove(&mut self, slot: Slot<'_>) -> io::Result<()> {
        self.inner.remove(slot)
    }
}

/// Opens and recovers; the store is handed back, still locked, to be read.
fn open(dir: &Path) -> (Counted, Recovery) {
    let mut store = Counted {
        inner: FileStore::open(dir, LockMode::Flock).unwrap(),
        archive_read: Cell::new(0),
        largest_read: Cell::new(0),
    };
    let (_, recovery) = Writer::open(&mut store, ZSTD, Access::Exclusive).unwrap();
    (store, recovery)
}

fn event(n: u64) -> Event {
    // Scattered digits, so that the archive does not shrink to nothing.
    let noise = n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let data =
        json!({ "n": n, "noise": format!("{noise:016x}"), "text": "lorem ipsum ".repeat(40) });
    Event::at(1_700_000_000 + n, "written", data)
}

/// A log of at least [`FRAME`] bytes, rotated by 0.2.0: how many events and bytes.
fn archive_large_frame(dir: &Path) -> (u64, u64) {
    let mut log = old::EventLog::open(dir).unwrap();
    let path = dir.join("app.jsonl");
    let mut file = BufWriter::new(File::create(&path).unwrap());
    let (mut count, mut len) = (0, 0);
    while len < FRAME {
        let line = serde_json::to_string(&event(count)).unwrap();
        writeln!(file, "{line}").unwrap();
        len += line.len() as u64 + 1;
        count += 1;
    }
    file.into_inner().unwrap();
    log.rotate().unwrap();
    assert_eq!(fs::metadata(path).unwrap().len(), 0);
    (count, len)
}

fn read_and_print_peak(dir: &Path) {
    let before = peak_kib();
    drop(open(dir));
    let read = EventReader::new(dir).read_full().unwrap();
    for (n, record) in (0..).zip(read) {
        assert_eq!(record.unwrap().event, event(n));
    }
    println!("KiB grown: {}", peak_kib() - before);
}

/// The most memory this process has had, in KiB.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap()
}
