//! What is wrong with the archive is told, and stays.

use std::fs;

use eventfold::EventReader;
use serde_json::json;

use super::{WRONG, add, copies, data, doctor, filled, goes_on, readable, run, text};

#[test]
fn damage_in_the_archive_is_named_and_stays() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let path = dir.path().join("archive.jsonl.zst");
    let mut archive = fs::read(&path).unwrap();
    archive[80] ^= 1;
    fs::write(&path, &archive).unwrap();
    let page = doctor(dir.path(), &["--repair"]);
    assert_eq!(page.status, Some(WRONG));
    assert!(page.out.contains("corrupt at position 0"), "{}", page.out);
    assert!(page.out.contains("cannot be repaired"), "{}", page.out);
    assert_eq!(fs::read(&path).unwrap(), archive);
    assert_eq!(readable(dir.path()).len(), 20);
}

/// Of an archive that is not the log's, or of what 0.2.0 took from a wrong program.
#[test]
fn a_line_of_the_log_is_repaired_however_much_of_the_archive_is_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let archived = zstd::encode_all("nonsense\n".repeat(1_001).as_bytes(), 3).unwrap();
    fs::write(dir.path().join("archive.jsonl.zst"), archived).unwrap();
    let log = dir.path().join("app.jsonl");
    fs::write(&log, "nonsense\n{\"type\":\"n\",\"data\":1,\"ts\":1}\n").unwrap();
    let page = doctor(dir.path(), &["--repair"]).failed_with_output(WRONG);
    assert!(page.contains("and 1 damaged place more"), "{page}");
    assert!(page.contains("repaired 1 thing;"), "{page}");
    assert!(fs::read_to_string(&log).unwrap().starts_with("\n\n\n"));
    run(["rotate", text(dir.path())]).ok();
}

#[test]
fn damage_that_hides_what_lies_behind_it_is_told_with_what_is_left() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    // A whole frame of another writer, but for a block of the type that is reserved.
    let frame = b"\x28\xb5\x2f\xfd\x20\x05\x07\x00\x00rest";
    let whole = zstd::encode_all(&b"{}\n"[..], 3).unwrap();
    add(
        &dir.path().join("archive.jsonl.zst"),
        &[&frame[..], &whole].concat(),
    );
    for options in [&[][..], &["--repair"]] {
        let page = doctor(dir.path(), options).failed_with_output(WRONG);
        assert!(page.contains("where the events behind it begin"), "{page}");
    }
    let new = dir.path().join("new");
    run(["import", text(&new), text(&dir.path().join("app.jsonl"))]).ok();
    assert_eq!(data(&new).len(), 10);
}

#[test]
fn an_archive_that_was_cut_is_told_from_a_rotation_that_a_crash_came_into() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let archive = dir.path().join("archive.jsonl.zst");
    let whole = fs::read(&archive).unwrap();
    // Without its last seal, which no crash takes when the log goes on behind it.
    let cut = whole.len() - 20;
    fs::write(&archive, &whole[..cut]).unwrap();
    let rest = EventReader::new(dir.path()).pending_recovery().unwrap();
    fs::write(&archive, &whole[..cut - rest.torn_archive_bytes as usize]).unwrap();
    let done = doctor(dir.path(), &[]).failed_with_output(WRONG);
    assert!(
        done.contains("app.jsonl is not what it was to move"),
        "{done}"
    );
    assert!(!done.contains("nothing is lost"), "{done}");

    // A repair of something else goes on without what is lost, and does not call that right.
    let log = dir.path().join("app.jsonl");
    let before = fs::read(&log).unwrap();
    add(&log, b"{\"type\":\"torn");
    let cut_archive = fs::read(&archive).unwrap();
    let done = doctor(dir.path(), &["--repair"]).failed_with_output(WRONG);
    for part in [
        "  damage  archive.jsonl.zst: a rotation has no end",
        "  repaired  app.jsonl: 13 bytes",
        "repaired 1 thing;",
        "something is wrong that cannot be repaired",
    ] {
        assert!(done.contains(part), "{part:?} is not in\n{done}");
    }
    let copied = fs::read(copies(dir.path()).join("archive.jsonl.zst"));
    assert_eq!(copied.unwrap(), cut_archive);
    assert_eq!(fs::read(&log).unwrap(), before);
    run(["append", text(dir.path()), "later", "1"]).ok();
    run(["cat", text(dir.path())]).ok();
    fs::write(&log, before).unwrap();

    // Cut so far that nothing can be compared: what is said holds either way.
    fs::write(&archive, &whole[..40]).unwrap();
    let done = doctor(dir.path(), &[]).failed_with_output(WRONG);
    assert!(
        done.contains("are no whole frame") && done.contains("where it does not"),
        "{done}"
    );
    fs::write(&archive, whole).unwrap();
    goes_on(
        dir.path(),
        (0..30)
            .map(|n| json!({ "n": n, "text": "some text" }))
            .collect(),
    );
}
