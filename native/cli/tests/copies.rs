//! `eventfold backup` and `restore`.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by them"
)]

#[path = "copies/restore.rs"]
mod restore;
mod support;

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use eventfold::{Event, EventLog, EventReader, EventWriter};
use serde_json::{Value, json};
use support::{data, run, text};

fn view(sum: u64, event: &Event) -> u64 {
    sum + event.data.as_u64().unwrap_or(0)
}

fn filled(dir: &Path) -> EventLog {
    let mut log = EventLog::builder(dir).view("sum", view).open().unwrap();
    for n in 0..30_u64 {
        log.append(&Event::at(100 + n, "counted", json!(n)))
            .unwrap();
        if n == 9 || n == 19 {
            log.rotate().unwrap();
        }
    }
    log.refresh_all().unwrap();
    log
}

fn history(dir: &Path) -> Vec<(u64, Value)> {
    let records = EventReader::new(dir).read_full().unwrap();
    records
        .map(|record| record.map(|record| (record.position, record.event.data)))
        .collect::<Result<_, _>>()
        .unwrap()
}

/// It takes events as before, and what it took is there when it is opened again.
fn goes_on(dir: &Path) {
    let mut before = data(dir);
    let mut writer = EventWriter::open(dir).unwrap();
    assert!(writer.recovery().is_clean(), "{}", writer.recovery());
    writer.append(&Event::at(900, "later", json!("x"))).unwrap();
    writer.rotate().unwrap();
    drop(writer);
    drop(EventWriter::open(dir).unwrap());
    before.push(json!("x"));
    assert_eq!(data(dir), before);
}

#[test]
fn a_backup_of_a_log_that_is_open_has_its_events_positions_and_views() {
    let dir = tempfile::tempdir().unwrap();
    let (from, to) = (dir.path().join("log"), dir.path().join("backup"));
    let log = filled(&from);
    let said = run(["backup", text(&from), text(&to)]).ok();
    assert!(said.contains("read back and the same"), "{said}");
    assert_eq!(history(&to), history(&from));
    let files = |dir: &Path| {
        let archive = fs::read(dir.join("archive.jsonl.zst")).unwrap();
        (archive, fs::read(dir.join("app.jsonl")).unwrap())
    };
    assert_eq!(files(&to), files(&from));
    let saved = EventReader::new(&to).saved_view("sum").unwrap().unwrap();
    assert_eq!(
        (saved.state.as_str(), saved.position),
        ("435", log.end_position())
    );
    assert!(!to.join("app.jsonl.writer").exists());
    goes_on(&to);

    let again = dir.path().join("again");
    run(["restore", text(&to), text(&again)]).ok();
    assert_eq!(history(&again), history(&to));
    // Nothing of the making is left.
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3);
}

#[test]
fn a_backup_beside_a_writer_that_rotates_all_the_time_loses_and_doubles_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let from = dir.path().join("log");
    let mut writer = EventWriter::open(&from).unwrap();
    writer.append(&Event::at(0, "counted", json!(0))).unwrap();
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut n = 1_u64;
            while !ended.load(Ordering::Relaxed) {
                writer.append(&Event::at(n, "counted", json!(n))).unwrap();
                if n.is_multiple_of(20) {
                    writer.rotate().unwrap();
                }
                n += 1;
            }
        });
        for n in 0..20 {
            let before = history(&from).len();
            let to = dir.path().join(format!("backup-{n}"));
            let done = run(["backup", text(&from), text(&to)]);
            let copied = data(&to);
            if copied.len() < before || done.status != Some(0) {
                ended.store(true, Ordering::Relaxed);
            }
            done.ok();
            assert!(copied.len() >= before, "{} of {before}", copied.len());
            let whole: Vec<_> = (0..copied.len()).map(|n| json!(n)).collect();
            assert_eq!(copied, whole);
            goes_on(&to);
        }
        ended.store(true, Ordering::Relaxed);
    });
}

#[test]
fn where_nothing_can_be_made_is_told_by_the_name_that_was_given() {
    let dir = tempfile::tempdir().unwrap();
    let (from, file) = (dir.path().join("log"), dir.path().join("file"));
    drop(filled(&from));
    fs::write(&file, "").unwrap();
    let (nowhere, inside) = (dir.path().join("nowhere/x"), from.join("sub"));
    for command in ["backup", "restore", "export"] {
        let error = run([command, text(&from), text(&nowhere)]).failed(1);
        assert!(
            error.contains("nowhere does not exist; make it first"),
            "{error}"
        );
        let error = run([command, text(&from), text(&inside)]).failed(1);
        assert!(error.contains("in the log's own directory"), "{error}");
    }
    for to in [&file, &file.join("x")] {
        for command in ["backup", "restore"] {
            let error = run([command, text(&from), text(to)]).failed(1);
            assert!(error.contains("file is a file; name a dir"), "{error}");
        }
    }
    let error = run(["bench", text(&dir.path().join("nowhere"))]).failed(1);
    assert!(error.contains("does not exist; make it first"), "{error}");
    assert!(!inside.exists());
}

#[test]
fn nothing_is_written_over_and_nothing_is_made_of_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (from, to) = (dir.path().join("log"), dir.path().join("to"));
    drop(filled(&from));
    fs::create_dir(&to).unwrap();
    run(["backup", text(&from), text(&to)]).ok();
    let error = run(["backup", text(&from), text(&to)]).failed(1);
    assert!(error.contains("is not empty"), "{error}");
    let error = run(["restore", text(&to), text(&from)]).failed(1);
    assert!(error.contains("is not empty"), "{error}");
    let missing = dir.path().join("missing");
    let error = run(["backup", text(&missing), text(&dir.path().join("x"))]).failed(1);
    assert!(error.contains("missing"), "{error}");
    assert!(!dir.path().join("x").exists());
}

/// Else a backup of a disk that is not there would succeed every night.
#[test]
fn a_directory_without_a_log_is_not_taken_for_an_empty_one() {
    let dir = tempfile::tempdir().unwrap();
    let (from, to) = (dir.path().join("from"), dir.path().join("to"));
    fs::create_dir(&from).unwrap();
    for args in [
        ["backup", text(&from), text(&to)].as_slice(),
        &["restore", text(&from), text(&to)],
        &["export", text(&from), text(&to)],
        &["rotate", text(&from)],
        &["cat", text(&from)],
        &["tail", text(&from)],
        &["info", text(&from)],
        &["view", text(&from), "sum"],
        &["state-at", text(&from), "end", "--", "cat"],
    ] {
        let said = run(args).failed(1);
        assert!(
            said.contains("there is no log in") && said.contains("eventfold append"),
            "{args:?}: {said}"
        );
    }
    assert!(!to.exists());
    assert_eq!(fs::read_dir(&from).unwrap().count(), 0);
    let said = run(["doctor", text(&from)]).failed_with_output(3);
    assert!(said.contains("there is no log here"), "{said}");
}

#[test]
fn damage_is_copied_as_it_is_and_told() {
    // The one is seen at the line's ends, the other where its data is looked at.
    for (at, byte) in [(0, b'x'), (r#"{"type":"counted","data":"#.len(), b',')] {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("log"), dir.path().join("to"));
        drop(filled(&from));
        let mut log = fs::read(from.join("app.jsonl")).unwrap();
        log[at] = byte;
        fs::write(from.join("app.jsonl"), &log).unwrap();
        let said = run(["backup", text(&from), text(&to)]).failed(1);
        assert!(
            said.contains("1 place of the log could not be read"),
            "{said}"
        );
        assert_eq!(fs::read(to.join("app.jsonl")).unwrap(), log);
        assert_eq!(run(["doctor", text(&to)]).status, Some(3));
    }
}

/// Of events that are gone it is the last that tells.
#[test]
fn a_last_event_without_its_newline_behind_a_torn_line_is_copied_and_the_damage_told() {
    let dir = tempfile::tempdir().unwrap();
    let [from, to] = ["log", "backup"].map(|name| dir.path().join(name));
    let line = |n| format!("{{\"type\":\"n\",\"data\":{n},\"ts\":1}}");
    fs::create_dir(&from).unwrap();
    let log = [&line(1), "\n{\"type\":\0\0\n", &line(2)].concat();
    fs::write(from.join("app.jsonl"), &log).unwrap();
    let error = run(["backup", text(&from), text(&to)]).failed(1);
    assert!(error.contains("1 place of the log"), "{error}");
    assert_eq!(fs::read_to_string(from.join("app.jsonl")).unwrap(), log);
    let copied = fs::read_to_string(to.join("app.jsonl")).unwrap();
    assert_eq!(copied, log + "\n");
    run(["doctor", text(&to), "--repair"]).ok();
    assert_eq!(data(&to), [json!(1), json!(2)]);
    goes_on(&to);
}

#[test]
fn a_snapshot_that_cannot_be_used_any_more_is_copied_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let (from, to) = (dir.path().join("log"), dir.path().join("backup"));
    drop(filled(&from));
    fs::write(from.join("app.jsonl"), "").unwrap();
    assert!(EventReader::new(&from).saved_view("sum").unwrap().is_err());
    run(["backup", text(&from), text(&to)]).ok();
    let [before, copied] =
        [&from, &to].map(|dir| fs::read(dir.join("views/sum.snapshot.json")).unwrap());
    assert_eq!(copied, before);
}

#[cfg(unix)]
#[test]
fn a_copy_is_as_private_as_the_log() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let (from, to) = (dir.path().join("log"), dir.path().join("to"));
    drop(filled(&from));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for (file, mode) in [
        ("", 0o750),
        ("app.jsonl", 0o600),
        ("archive.jsonl.zst", 0o640),
    ] {
        let mode = fs::Permissions::from_mode(mode);
        fs::set_permissions(from.join(file), mode).unwrap();
    }
    run(["backup", text(&from), text(&to)]).ok();
    for file in ["", "app.jsonl", "archive.jsonl.zst", "views"] {
        assert_eq!(mode(&to.join(file)), mode(&from.join(file)), "{file}");
    }
}

#[cfg(unix)]
#[test]
fn whoever_copies_a_write_protected_log_can_write_the_copy() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let (from, to) = (dir.path().join("log"), dir.path().join("to"));
    drop(filled(&from));
    let files = [
        ("app.jsonl", 0o440, 0o640),
        ("archive.jsonl.zst", 0o444, 0o644),
        ("views/sum.snapshot.json", 0o400, 0o600),
        ("", 0o550, 0o750),
    ];
    let set = |mode| fs::Permissions::from_mode(mode);
    for (file, mode, _) in files {
        fs::set_permissions(from.join(file), set(mode)).unwrap();
    }
    run(["backup", text(&from), text(&to)]).ok();
    fs::set_permissions(&from, set(0o750)).unwrap();
    for (file, _, mode) in files {
        let found = fs::metadata(to.join(file)).unwrap().permissions().mode();
        assert_eq!(found & 0o777, mode, "{file}");
    }
    run(["append", text(&to), "sent", "1"]).ok();
    run(["rotate", text(&to)]).ok();
    assert!(run(["cat", text(&to)]).ok().contains("\"sent\""));
}

#[cfg(unix)]
#[test]
fn what_cannot_be_copied_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let [from, to] = ["log", "backup"].map(|name| dir.path().join(name));
    drop(filled(&from));
    // A directory cannot be listed where a file is, whoever asks.
    fs::write(from.join("imports"), "").unwrap();
    let error = run(["backup", text(&from), text(&to)]).failed(1);
    let imports = from.join("imports");
    assert!(
        error.contains(&format!("cannot copy {}", imports.display())),
        "{error}"
    );
    assert!(!to.exists());
    fs::remove_file(imports).unwrap();
    run(["backup", text(&from), text(&to)]).ok();
    goes_on(&to);
}
