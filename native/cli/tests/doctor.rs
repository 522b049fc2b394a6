//! `eventfold doctor` finds what is wrong, and repairs what can be repaired.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by them"
)]

#[path = "doctor/archive.rs"]
mod archive;
#[path = "doctor/beside.rs"]
mod beside;
#[path = "doctor/images.rs"]
mod images;
mod support;

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use eventfold::{Event, EventLog, EventReader, EventWriter};
use serde_json::{Value, json};
use support::{Done, command, data, run, text};

const WRONG: i32 = 3;

/// A log of thirty events, of which two rotations archived twenty, and a view.
fn filled(dir: &Path) {
    let mut log = EventLog::builder(dir)
        .view::<u64>("sum", |sum, event| sum + event.data["n"].as_u64().unwrap())
        .open()
        .unwrap();
    for n in 0..30_u64 {
        let event = Event::at(100 + n, "counted", json!({ "n": n, "text": "some text" }));
        log.append(&event).unwrap();
        if n % 10 == 9 && n < 29 {
            log.rotate().unwrap();
        }
    }
    log.refresh_all().unwrap();
}

fn add(path: &Path, bytes: &[u8]) {
    let mut file = OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(bytes).unwrap();
}

fn doctor(dir: &Path, options: &[&str]) -> Done {
    let args = [&["doctor", text(dir)], options].concat();
    Done::of(command(args).output().unwrap())
}

fn findings(dir: &Path) -> (Option<i32>, Vec<String>) {
    let done = doctor(dir, &["--json"]);
    let report: Value = serde_json::from_str(&done.out).unwrap_or_else(|_| panic!("{}", done.err));
    let wrong = report["findings"].as_array().unwrap().iter();
    let wrong = wrong.filter(|finding| finding["wrong"] == true);
    let what = wrong.map(|finding| finding["what"].as_str().unwrap().to_owned());
    (done.status, what.collect())
}

fn copies(dir: &Path) -> PathBuf {
    let found = fs::read_dir(dir).unwrap().map(|file| file.unwrap().path());
    let mut copies: Vec<_> = found
        .filter(|path| path.to_str().unwrap().contains("before-repair-"))
        .collect();
    assert_eq!(copies.len(), 1, "{copies:?}");
    copies.remove(0)
}

/// It takes events as before, and what it took is there when it is opened again.
fn goes_on(dir: &Path, mut before: Vec<Value>) {
    let mut writer = EventWriter::open(dir).unwrap();
    writer.append(&Event::at(900, "later", json!("x"))).unwrap();
    drop(writer);
    drop(EventWriter::open(dir).unwrap());
    before.push(json!("x"));
    assert_eq!(data(dir), before);
}

#[test]
fn in_a_healthy_log_nothing_is_wrong_and_nothing_is_changed() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let page = doctor(dir.path(), &[]).ok();
    assert!(page.contains("read 30 events"), "{page}");
    assert!(page.ends_with("nothing is wrong\n"), "{page}");
    let before = fs::read_dir(dir.path()).unwrap().count();
    doctor(dir.path(), &["--repair"]).ok();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), before);
}

#[test]
fn a_torn_line_is_told_and_cut_off_after_a_copy() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let before = data(dir.path());
    add(&dir.path().join("app.jsonl"), b"{\"type\":\"torn");
    let torn = fs::read(dir.path().join("app.jsonl")).unwrap();

    let page = doctor(dir.path(), &[]);
    assert!(
        page.out.contains("13 bytes of an unfinished line"),
        "{}",
        page.out
    );
    assert!(page.out.contains("--repair"), "{}", page.out);
    assert_eq!(page.status, Some(WRONG));
    assert_eq!(fs::read(dir.path().join("app.jsonl")).unwrap(), torn);

    let page = doctor(dir.path(), &["--repair"]).ok();
    assert!(page.contains("nothing is wrong"), "{page}");
    assert_eq!(
        fs::read(copies(dir.path()).join("app.jsonl")).unwrap(),
        torn
    );
    goes_on(dir.path(), before);
}

#[test]
fn a_snapshot_that_cannot_be_used_is_moved_away_and_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let path = dir.path().join("views/sum.snapshot.json");
    fs::write(&path, "{}").unwrap();
    assert_eq!(findings(dir.path()).1.len(), 1);
    doctor(dir.path(), &["--repair"]).ok();
    assert!(!path.exists());
    let copy = copies(dir.path()).join("views/sum.snapshot.json");
    assert_eq!(fs::read_to_string(copy).unwrap(), "{}");

    let mut log = EventLog::builder(dir.path())
        .view::<u64>("sum", |sum, event| sum + event.data["n"].as_u64().unwrap())
        .open()
        .unwrap();
    log.refresh_all().unwrap();
    assert_eq!(*log.view::<u64>("sum").unwrap(), 435);
    assert_eq!(findings(dir.path()), (Some(0), vec![]));
}

#[test]
fn a_repair_says_what_it_repaired_and_what_it_could_not() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let archive = dir.path().join("archive.jsonl.zst");
    let mut bytes = fs::read(&archive).unwrap();
    bytes[80] ^= 1;
    fs::write(&archive, &bytes).unwrap();
    fs::write(dir.path().join("views/sum.snapshot.json"), "{}").unwrap();
    let mut log = fs::read(dir.path().join("app.jsonl")).unwrap();
    log[0] = b'x';
    fs::write(dir.path().join("app.jsonl"), log).unwrap();
    let page = doctor(dir.path(), &[]).failed_with_output(WRONG);
    let cat = format!("eventfold cat {} > FILE", text(dir.path()));
    for part in [
        &cat,
        "\n2 things cannot be repaired\n2 things can be repaired: ",
    ] {
        assert!(page.contains(part), "{part:?} is not in\n{page}");
    }

    let position = EventReader::new(dir.path()).read_last(10).unwrap();
    let position = format!("corrupt at position {}", position.position());
    let done = doctor(dir.path(), &["--repair", "--json"]);
    let report: Value = serde_json::from_str(&done.failed_with_output(WRONG)).unwrap();
    let repaired = report["repaired"].as_array().unwrap();
    assert_eq!(repaired.len(), 2, "{report}");
    assert!(
        repaired[0].as_str().unwrap().contains(&position),
        "{report}"
    );
    add(&dir.path().join("app.jsonl"), b"{\"type\":\"torn");
    let page = doctor(dir.path(), &["--repair"]).failed_with_output(WRONG);
    assert!(page.contains("  repaired  app.jsonl: 13 bytes"), "{page}");
    assert!(
        page.contains("\nrepaired 1 thing; what was there"),
        "{page}"
    );
}

#[test]
fn lines_that_are_no_events_give_way_to_blank_ones_and_no_position_changes() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let path = dir.path().join("app.jsonl");
    let whole = readable(dir.path());
    let mut log = fs::read(&path).unwrap();
    let lines: Vec<usize> = (0..log.len())
        .filter(|at| *at == 0 || log[at - 1] == b'\n')
        .collect();
    // The first, two in a row, one that is no JSON, one of NULs, one that is no event.
    for (line, bytes) in [(0, &b"["[..]), (3, b"x"), (4, b"\0\0\0"), (7, b"[1]  ")] {
        log[lines[line]..][..bytes.len()].copy_from_slice(bytes);
    }
    fs::write(&path, &log).unwrap();
    let kept = readable(dir.path());
    assert_eq!(kept.len(), 26);

    assert_eq!(findings(dir.path()).1.len(), 4);
    // As a program has it open that writes without the lock.
    let mut open = OpenOptions::new().append(true).open(&path).unwrap();
    let page = doctor(dir.path(), &["--repair"]).ok();
    assert!(page.contains("nothing is wrong"), "{page}");
    assert_eq!(fs::read(copies(dir.path()).join("app.jsonl")).unwrap(), log);
    assert_eq!(fs::metadata(&path).unwrap().len(), log.len() as u64);
    open.write_all(b"\n").unwrap();
    assert_eq!(fs::metadata(&path).unwrap().len(), log.len() as u64 + 1);
    assert_eq!(readable(dir.path()), kept);
    assert!(kept.iter().all(|event| whole.contains(event)));

    let mut log = EventLog::builder(dir.path())
        .view::<u64>("count", |count, _| count + 1)
        .open()
        .unwrap();
    log.refresh_all().unwrap();
    assert_eq!(*log.view::<u64>("count").unwrap(), 26);
    log.rotate().unwrap();
    drop(log);
    assert_eq!(findings(dir.path()), (Some(0), vec![]));
    goes_on(dir.path(), kept.into_iter().map(|(_, data)| data).collect());
}

#[cfg(target_os = "linux")]
#[test]
fn a_repair_without_room_for_its_copies_changes_nothing_and_leaves_none() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let (path, before) = (dir.path().join("app.jsonl"), data(dir.path()));
    add(&path, &[&[b'x'; 2000][..], b"\n"].concat());
    let log = fs::read(&path).unwrap();
    let script = "trap '' XFSZ; ulimit -f 2; exec \"$0\" doctor \"$1\" --repair";
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", script, env!("CARGO_BIN_EXE_eventfold")]);
    let done = Done::of(shell.arg(dir.path()).output().unwrap());
    let error = done.failed(1);
    assert!(error.contains("cannot copy to"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), log);
    let left = fs::read_dir(dir.path()).unwrap();
    let mut left = left.map(|file| file.unwrap().file_name().into_string().unwrap());
    assert!(!left.any(|name| name.starts_with("before-repair-")));

    doctor(dir.path(), &["--repair"]).ok();
    assert_eq!(fs::read(copies(dir.path()).join("app.jsonl")).unwrap(), log);
    goes_on(dir.path(), before);
}

#[test]
fn what_a_living_writer_is_in_the_midst_of_is_no_damage_and_is_not_repaired() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let path = dir.path().join("app.jsonl");
    let writer = EventWriter::open(dir.path()).unwrap();
    add(&path, b"{\"type\":\"under way");
    let page = doctor(dir.path(), &[]).ok();
    assert!(page.contains("is writing"), "{page}");
    assert!(page.contains("up to the last line that is whole"), "{page}");
    let refused = doctor(dir.path(), &["--repair"]).failed(1);
    let pid = format!("pid {}", std::process::id());
    assert!(
        refused.contains("nothing was repaired: ") && refused.contains(&pid),
        "{refused}"
    );
    fs::write(dir.path().join("views/sum.snapshot.json"), "{}").unwrap();
    assert!(
        doctor(dir.path(), &["--repair"])
            .failed(1)
            .contains("is writing")
    );
    drop(writer);
}

#[test]
fn a_writer_that_comes_while_it_is_looked_at_is_no_damage() {
    let dir = tempfile::tempdir().unwrap();
    let lines: Vec<_> = (0..2_000)
        .map(|n| Event::at(n, "n", json!({ "n": n, "text": "some text" })))
        .collect();
    let write = || {
        let mut writer = EventWriter::open(dir.path()).unwrap();
        writer.append_batch(&lines).unwrap();
        writer.rotate().unwrap();
    };
    write();
    let ended = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(std::sync::atomic::Ordering::Relaxed) {
                std::thread::sleep(std::time::Duration::from_millis(10));
                write();
            }
        });
        let wrong: Vec<_> = (0..20)
            .map(|_| doctor(dir.path(), &[]))
            .filter(|done| done.status != Some(0))
            .map(|done| done.out)
            .collect();
        ended.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(wrong.is_empty(), "{wrong:?}");
    });
    assert_eq!(doctor(dir.path(), &[]).status, Some(0));
}

#[test]
fn a_clock_that_went_back_is_worth_a_remark_and_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = EventWriter::open(dir.path()).unwrap();
    for ts in [5, 9, 7, 8, 9] {
        writer.append(&Event::at(ts, "a", json!(ts))).unwrap();
    }
    drop(writer);
    let page = doctor(dir.path(), &[]).ok();
    assert!(
        page.contains("2 of 5 events are of an earlier second"),
        "{page}"
    );
}

#[test]
fn what_is_no_log_cannot_be_checked() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing");
    let error = run(["doctor", text(&missing)]).failed(1);
    assert!(error.contains("missing"), "{error}");
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    run(["doctor", text(&file)]).failed(1);
}

/// A bit of each byte of each file: what the doctor calls healthy is, and what it repairs loses
/// nothing that could be read before.
#[test]
fn a_bit_that_flipped_is_found_or_does_no_harm() {
    let whole = tempfile::tempdir().unwrap();
    filled(whole.path());
    let (events, lines) = (data(whole.path()), zstd_lines(whole.path()).unwrap());
    let (mut tried, mut found, mut repaired) = (0, 0, 0);
    for file in ["archive.jsonl.zst", "views/sum.snapshot.json", "app.jsonl"] {
        let bytes = fs::read(whole.path().join(file)).unwrap();
        for at in 0..bytes.len() {
            let dir = tempfile::tempdir().unwrap();
            copy_log(whole.path(), dir.path());
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << (at % 8);
            fs::write(dir.path().join(file), flipped).unwrap();
            tried += 1;

            let readable = readable(dir.path());
            let (status, what) = findings(dir.path());
            if status == Some(0) {
                assert_eq!(what, [""; 0]);
                assert_eq!(readable.len(), events.len(), "{file}, byte {at}");
                if file != "app.jsonl" {
                    // A log's line holds nothing by which a changed letter could be told.
                    assert_eq!(data(dir.path()), events, "{file}, byte {at}");
                    assert_eq!(zstd_lines(dir.path()).unwrap(), lines, "{file}, byte {at}");
                }
                continue;
            }
            found += 1;
            assert_eq!(status, Some(WRONG), "{file}, byte {at}");
            let status = doctor(dir.path(), &["--repair"]).status;
            let after = self::readable(dir.path());
            for event in &readable {
                assert!(
                    after.contains(event),
                    "{file}, byte {at}: {event:?} is gone"
                );
            }
            if status == Some(0) {
                repaired += 1;
                assert_eq!(findings(dir.path()), (Some(0), vec![]), "{file}, byte {at}");
                goes_on(dir.path(), data(dir.path()));
            }
        }
    }
    println!("{tried} flips, {found} found, {repaired} repaired");
    assert!(found > tried / 2, "{found} of {tried} found");
    assert!(repaired > 0);
}

fn copy_log(from: &Path, to: &Path) {
    fs::create_dir(to.join("views")).unwrap();
    for file in ["app.jsonl", "archive.jsonl.zst", "views/sum.snapshot.json"] {
        fs::copy(from.join(file), to.join(file)).unwrap();
    }
}

/// Positions and data of the events that can be read.
fn readable(dir: &Path) -> Vec<(u64, Value)> {
    let records = EventReader::new(dir).read_full().unwrap();
    let records = records.filter_map(Result::ok);
    records
        .map(|record| (record.position, record.event.data))
        .collect()
}

fn zstd_lines(dir: &Path) -> std::io::Result<Vec<u8>> {
    zstd::decode_all(fs::File::open(dir.join("archive.jsonl.zst"))?)
}
