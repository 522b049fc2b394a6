//! What a process may do around a log that it has open: to fork, and to go elsewhere.

use std::env;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc;

use crate::store::ZSTD;
use crate::{Error, Event, EventLog, EventReader, EventWriter, SharedWriter};

/// Runs `act` in a child that was forked, which then ends at once.
#[expect(
    unsafe_code,
    reason = "a child with copies of all that is open is made by nothing else"
)]
fn in_a_child(act: impl FnOnce()) {
    // SAFETY: the child runs destructors and makes system calls; no other thread holds what they
    // take, and it ends without those of the test.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        let failed = catch_unwind(AssertUnwindSafe(act)).is_err();
        unsafe { libc::_exit(failed.into()) }
    }
    let mut status = 0;
    let ended = unsafe { libc::waitpid(pid, &raw mut status, 0) };
    assert_eq!((ended, status), (pid, 0));
}

fn data(dir: &Path) -> Vec<u64> {
    let events = EventReader::new(dir).read_full().unwrap().typed::<u64>();
    events.map(|record| record.unwrap().event.data).collect()
}

fn assert_locked(dir: &Path) {
    let error = EventWriter::open(dir).map(drop).unwrap_err();
    let Some(Error::Locked { holder, .. }) = Error::of(&error) else {
        panic!("{error}");
    };
    assert_eq!(holder.as_ref().unwrap().pid, std::process::id());
}

#[test]
fn a_forked_child_that_drops_its_copies_unlocks_and_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = EventWriter::open(dir.path()).unwrap();
    writer.append(&Event::at(0, "n", 1_u64)).unwrap();
    let mut writer = Some(writer);
    in_a_child(|| drop(writer.take()));
    assert_locked(dir.path());

    let shared = SharedWriter::new(writer.take().unwrap());
    let receipt = shared.submit(&Event::at(0, "n", 2_u64)).unwrap();
    let mut handles = Some((shared, receipt));
    in_a_child(|| drop(handles.take()));
    assert_locked(dir.path());
    let (shared, receipt) = handles.take().unwrap();
    receipt.wait().unwrap();
    shared.append(&Event::at(0, "n", 3_u64)).unwrap();
    drop(shared);
    EventWriter::open(dir.path())
        .unwrap()
        .append(&Event::at(0, "n", 4_u64))
        .unwrap();
    assert_eq!(data(dir.path()), [1, 2, 3, 4]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_forked_child_that_drops_its_copies_keeps_no_file_open() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Some(EventWriter::open(dir.path()).unwrap());
    in_a_child(|| {
        drop(writer.take());
        let open = fs::read_dir("/proc/self/fd").unwrap();
        let open = open.filter_map(|file| fs::read_link(file.unwrap().path()).ok());
        assert_eq!(open.filter(|file| file.starts_with(dir.path())).count(), 0);
    });
    assert_locked(dir.path());
}

#[test]
fn what_a_forked_child_gives_is_written_when_its_last_handle_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let writer = EventWriter::open(dir.path()).unwrap();
    let mut shared = Some(SharedWriter::new(writer));
    // As of a program that opens its log and goes into the background then.
    in_a_child(|| {
        let shared = shared.take().unwrap();
        drop(shared.submit(&Event::at(0, "n", 1_u64)).unwrap());
    });
    assert_eq!(data(dir.path()), [1]);
}

/// A block of the next rotation, or the next of an archive that is read.
#[test]
fn a_forked_child_does_anew_what_a_thread_that_it_does_not_have_was_doing() {
    let (end, ended) = mpsc::channel();
    let work = Box::new(move || ended.recv().ok());
    let mut waiting = (ZSTD.start)(work);
    in_a_child(|| assert_eq!(waiting.take().unwrap()(), None));
    end.send(vec![1]).unwrap();
    assert_eq!(waiting.take().unwrap()(), Some(vec![1]));
}

#[test]
fn a_relative_path_means_the_same_directory_wherever_the_process_goes() {
    let [before, after] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    env::set_current_dir(before.path()).unwrap();
    let sum = |sum: u64, event: &Event<u64>| sum + event.data;
    let mut log = EventLog::builder("log")
        .typed_view("sum", sum)
        .open()
        .unwrap();
    log.append(&Event::at(0, "n", 1_u64)).unwrap();
    let reader = EventReader::new("log");
    env::set_current_dir(after.path()).unwrap();

    log.append(&Event::at(0, "n", 2_u64)).unwrap();
    log.rotate().unwrap();
    log.refresh_all().unwrap();
    assert_eq!(*log.view::<u64>("sum").unwrap(), 3);
    assert_eq!(reader.read_full().unwrap().count(), 2);
    assert_eq!(log.writer().reader().read_full().unwrap().count(), 2);
    drop(log);
    assert_eq!(fs::read_dir(after.path()).unwrap().count(), 0);
    assert_eq!(data(&before.path().join("log")), [1, 2]);
}

/// So it is, too, for a process that gave up the rights by which it went there.
#[test]
fn a_relative_path_is_enough_where_the_process_cannot_be_found_by_an_absolute_one() {
    let dir = tempfile::tempdir().unwrap();
    let name = "d".repeat(255);
    // A child would wait for ever for what another thread makes once, as it is forked.
    drop(EventWriter::open(dir.path().join("first")).unwrap());
    in_a_child(|| {
        env::set_current_dir(dir.path()).unwrap();
        // Longer than a path may be.
        for _ in 0..17 {
            fs::create_dir(&name).unwrap();
            env::set_current_dir(&name).unwrap();
        }
        let mut writer = EventWriter::open("log").unwrap();
        writer.append(&Event::at(0, "n", 1_u64)).unwrap();
        writer.rotate().unwrap();
        writer.append(&Event::at(0, "n", 2_u64)).unwrap();
        assert_eq!(data(Path::new("log")), [1, 2]);
    });
}
