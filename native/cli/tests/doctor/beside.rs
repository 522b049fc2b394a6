//! What lies beside the events and says up to which position it knows them.

use std::fs;

use eventfold::{EventReader, EventWriter};

use super::support::{run, text};
use super::{WRONG, doctor, filled, findings};

/// All events are gone, and what is saved is the last that tells of them.
#[test]
fn a_snapshot_and_an_import_from_beyond_the_logs_end_are_damage_and_stay() {
    let dir = tempfile::tempdir().unwrap();
    let (log, file) = (dir.path().join("log"), dir.path().join("a.jsonl"));
    filled(&log);
    fs::write(&file, "{\"type\":\"a\",\"data\":{\"n\":1},\"ts\":1}\n").unwrap();
    run(["import", text(&log), text(&file)]).ok();
    let imported = EventReader::new(&log).read_last(0).unwrap().position();
    let saved = EventReader::new(&log).saved_view("sum").unwrap().unwrap();
    fs::write(log.join("app.jsonl"), "").unwrap();
    fs::remove_file(log.join("archive.jsonl.zst")).unwrap();
    let snapshot = log.join("views/sum.snapshot.json");
    let before = fs::read(&snapshot).unwrap();
    for options in [&[][..], &["--repair"]] {
        let page = doctor(&log, options).failed_with_output(WRONG);
        let folded = format!("was folded up to position {}", saved.position);
        let imported = format!("was imported up to position {imported}");
        for part in [
            &folded,
            &imported,
            "the log ends at 0",
            "cannot be repaired",
        ] {
            assert!(page.contains(part), "{part:?} is not in\n{page}");
        }
        assert!(!page.contains("no event is lost"), "{page}");
    }
    assert_eq!(fs::read(&snapshot).unwrap(), before);
    let page = run(["info", text(&log)]).ok();
    assert!(page.contains("events are missing"), "{page}");
    let error = run(["view", text(&log), "sum"]).failed(1);
    assert!(
        error.contains("the log ends at 0: events are missing"),
        "{error}"
    );

    // A copy of it whose own bytes are damaged tells of nothing.
    let bytes = String::from_utf8(before).unwrap();
    fs::write(&snapshot, bytes.replacen("435", "436", 1)).unwrap();
    let (_, what) = findings(&log);
    assert!(what[0].contains("damaged, of another program"), "{what:?}");
    let record = fs::read_dir(log.join("imports")).unwrap().next();
    fs::write(record.unwrap().unwrap().path(), "{}").unwrap();
    let (_, what) = findings(&log);
    assert!(
        what[1].contains("record of an import cannot be read"),
        "{what:?}"
    );
}

#[test]
fn a_snapshot_of_events_that_are_damaged_stays_since_its_view_cannot_be_folded_anew() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let [archive, snapshot] =
        ["archive.jsonl.zst", "views/sum.snapshot.json"].map(|file| dir.path().join(file));
    let block = fs::metadata(&archive).unwrap().len() as usize;
    EventWriter::open(dir.path()).unwrap().rotate().unwrap();
    let mut bytes = fs::read(&archive).unwrap();
    bytes[block + 100] ^= 1;
    fs::write(&archive, bytes).unwrap();
    let before = fs::read(&snapshot).unwrap();
    for options in [&[][..], &["--repair"]] {
        let page = doctor(dir.path(), options).failed_with_output(WRONG);
        assert!(page.contains("cannot be folded anew"), "{page}");
        assert!(!page.contains("no event is lost"), "{page}");
    }
    assert_eq!(fs::read(&snapshot).unwrap(), before);
}

#[test]
fn what_cannot_be_read_beside_the_events_is_told_with_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    // A directory can be read as a file by nobody.
    for path in ["views/other.snapshot.json", "imports/0.json"] {
        fs::create_dir_all(dir.path().join(path)).unwrap();
    }
    let page = doctor(dir.path(), &[]).failed_with_output(WRONG);
    for part in [
        "read 30 events",
        "other.snapshot.json: cannot read",
        "imports/0.json: this record of an import cannot be read",
    ] {
        assert!(page.contains(part), "{part:?} is not in\n{page}");
    }
    let page = run(["info", text(dir.path())]).ok();
    for part in ["events   30", "sum ", "other.snapshot.json: cannot read"] {
        assert!(page.contains(part), "{part:?} is not in\n{page}");
    }
}

#[cfg(unix)]
#[test]
fn pipes_in_the_place_of_files_are_not_waited_for() {
    use super::{add, support::data};

    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let file = dir.path().join("a.jsonl");
    fs::write(&file, "{\"type\":\"a\",\"data\":{\"n\":1},\"ts\":1}\n").unwrap();
    run(["import", text(dir.path()), text(&file)]).ok();
    let record = fs::read_dir(dir.path().join("imports")).unwrap().next();
    let record = record.unwrap().unwrap().path();
    fs::remove_file(&record).unwrap();
    add(&dir.path().join("app.jsonl"), b"{\"type\":");
    for pipe in [&record, &dir.path().join("torn.bin")] {
        let made = std::process::Command::new("mkfifo").arg(pipe).status();
        assert!(made.unwrap().success());
    }
    let page = doctor(dir.path(), &[]).failed_with_output(WRONG);
    assert!(page.contains("it is not a regular file"), "{page}");
    let error = doctor(dir.path(), &["--repair"]).failed(1);
    assert!(error.contains("torn.bin: cannot read"), "{error}");
    fs::remove_file(dir.path().join("torn.bin")).unwrap();
    doctor(dir.path(), &["--repair"]).failed_with_output(WRONG);
    let error = run(["import", text(dir.path()), text(&file)]).failed(1);
    assert!(error.contains("it is not a regular file"), "{error}");
    run(["import", text(dir.path()), text(&file), "--again"]).ok();
    doctor(dir.path(), &[]).ok();
    assert_eq!(data(dir.path()).len(), 32);
}
