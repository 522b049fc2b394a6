//! `eventfold restore`: a log as it was at a position or a time.

use std::fs;

use eventfold::{Event, EventReader, EventWriter};
use serde_json::json;

use super::support::{data, run, text};
use super::{filled, goes_on, history};

/// As one on which something is mounted cannot be, either.
#[cfg(unix)]
#[test]
fn an_empty_directory_that_cannot_give_its_place_is_told_with_the_way_out() {
    let dir = tempfile::tempdir().unwrap();
    let [from, to, link] = ["from", "to", "link"].map(|name| dir.path().join(name));
    drop(filled(&from));
    fs::create_dir(&to).unwrap();
    std::os::unix::fs::symlink(&to, &link).unwrap();
    let error = run(["restore", text(&from), text(&link)]).failed(1);
    assert!(
        error.contains("; name a directory that is not there yet"),
        "{error}"
    );
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3);
    run(["restore", text(&from), text(&to)]).ok();
    goes_on(&to);
}

#[test]
fn a_log_is_restored_as_it_was_at_any_position() {
    let dir = tempfile::tempdir().unwrap();
    let from = dir.path().join("log");
    drop(filled(&from));
    let all = history(&from);
    for (n, (position, _)) in all.iter().enumerate() {
        let to = dir.path().join(format!("at-{n}"));
        run([
            "restore",
            text(&from),
            text(&to),
            "--at",
            &position.to_string(),
        ])
        .ok();
        assert_eq!(history(&to), all[..n]);
        assert_eq!(EventReader::new(&to).saved_views().unwrap(), [""; 0]);
        goes_on(&to);
    }
    let to = dir.path().join("inside");
    let inside = (all[3].0 + 1).to_string();
    let error = run(["restore", text(&from), text(&to), "--at", &inside]).failed(1);
    assert!(error.contains("position"), "{error}");
    run(["restore", text(&from), text(&to), "--at", "99999999"]).failed(1);
    assert!(!to.exists());
    assert_eq!(history(&from), all);
}

#[test]
fn a_log_is_restored_as_it_was_also_after_a_rotation_that_was_taken_back() {
    let dir = tempfile::tempdir().unwrap();
    let [from, to] = ["log", "restored"].map(|name| dir.path().join(name));
    let mut writer = EventWriter::open(&from).unwrap();
    let events = [1, 2].map(|n| Event::at(0, "n", n));
    let second = writer.append_batch(&events).unwrap()[1].position;
    drop(writer);
    fs::write(from.join("archive.jsonl.zst"), "").unwrap();
    let at = second.to_string();
    run(["restore", text(&from), text(&to), "--at", &at]).ok();
    assert_eq!(data(&to), [json!(1)]);
    goes_on(&to);
}

#[test]
fn a_log_is_restored_as_it_was_at_a_time_behind_which_a_power_cut_left_a_torn_tail() {
    let dir = tempfile::tempdir().unwrap();
    let [from, to] = ["log", "restored"].map(|name| dir.path().join(name));
    fs::create_dir(&from).unwrap();
    let log = "{\"type\":\"n\",\"data\":1,\"ts\":1}\n\0\0\0\n";
    fs::write(from.join("app.jsonl"), log).unwrap();
    run(["restore", text(&from), text(&to), "--at", "@1"]).ok();
    assert_eq!(data(&to), [json!(1)]);
    goes_on(&to);
}

#[test]
fn a_log_that_cannot_be_cut_behind_damage_is_told_as_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let [from, to] = ["log", "restored"].map(|name| dir.path().join(name));
    let archive = from.join("archive.jsonl.zst");
    let mut log = EventWriter::open(&from).unwrap();
    let mut ends = vec![];
    for n in 0..2 {
        log.append(&Event::at(0, "n", json!(n))).unwrap();
        log.rotate().unwrap();
        ends.push(fs::metadata(&archive).unwrap().len() as usize);
    }
    log.append(&Event::at(0, "n", json!(2))).unwrap();
    drop(log);
    let last = EventReader::new(&from).read_last(1).unwrap().position();
    let at = last.to_string();
    let whole = fs::read(&archive).unwrap();
    // In the content of the first block, which zstd notices, and in its seal, which it passes over.
    for damaged in [80, ends[0] - 10] {
        let mut bytes = whole.clone();
        bytes[damaged] ^= 1;
        fs::write(&archive, bytes).unwrap();
        let error = run(["restore", text(&from), text(&to), "--at", &at]).failed(1);
        let told = format!("{} could not be cut at position {at}", text(&from));
        assert!(error.contains(&told), "{error}");
        assert!(error.contains("eventfold doctor"), "{error}");
        assert!(!to.exists());
    }
}

#[test]
fn a_log_is_restored_as_it_was_before_the_first_event_that_is_later_than_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let from = dir.path().join("log");
    drop(filled(&from));
    for (at, events) in [
        ("@99", 0),
        ("@100", 1),
        ("@114", 15),
        ("@5000", 30),
        ("end", 30),
    ] {
        let to = dir.path().join(at);
        run(["restore", text(&from), text(&to), "--at", at]).ok();
        assert_eq!(history(&to), history(&from)[..events], "{at}");
    }
    run([
        "restore",
        text(&from),
        text(&dir.path().join("x")),
        "--at",
        "soon",
    ])
    .failed(2);
}

/// Also where a clock was set back.
#[cfg(unix)]
#[test]
fn a_time_is_the_same_place_to_state_at_as_to_restore() {
    let dir = tempfile::tempdir().unwrap();
    let from = dir.path().join("log");
    let mut writer = EventWriter::open(&from).unwrap();
    for ts in [10, 30, 20, 40] {
        writer.append(&Event::at(ts, "a", json!(ts))).unwrap();
    }
    for (at, events) in [("@9", 0), ("@25", 1), ("@30", 3), ("@40", 4)] {
        let to = dir.path().join(at);
        run(["restore", text(&from), text(&to), "--at", at]).ok();
        assert_eq!(data(&to).len(), events, "{at}");
        let lines = run(["state-at", text(&from), at, "--", "wc", "-l"]).ok();
        assert_eq!(lines.trim(), events.to_string(), "{at}");
    }
    let at = ["state-at", text(&from), "1717243200", "--", "wc", "-l"];
    let error = run(at).failed(1);
    assert!(error.contains("write @1717243200"), "{error}");
    let at = ["state-at", text(&from), "abc", "--", "wc", "-l"];
    let error = run(at).failed(2);
    assert!(
        error.contains("expected a position, end, a time"),
        "{error}"
    );
}

#[test]
fn what_is_behind_what_a_repair_blanked_is_not_before_the_end_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let from = dir.path().join("log");
    let line = |n| format!("{{\"type\":\"n\",\"data\":{n},\"ts\":{n}}}\n");
    fs::create_dir(&from).unwrap();
    fs::write(from.join("app.jsonl"), line(1) + "garbage\n").unwrap();
    run(["doctor", text(&from), "--repair"]).ok();
    let repaired = fs::read_to_string(from.join("app.jsonl")).unwrap();
    let second = repaired.len().to_string();
    for (behind, places) in [
        (line(2), vec![&*second, "@1"]),
        ("damaged\n".into(), vec![&second]),
    ] {
        fs::write(from.join("app.jsonl"), repaired.clone() + &behind).unwrap();
        for at in places {
            let to = dir.path().join(format!("{at}{}", behind.len()));
            run(["restore", text(&from), text(&to), "--at", at]).ok();
            assert_eq!(data(&to), [json!(1)]);
            goes_on(&to);
            let state = run(["state-at", text(&from), at, "--", "cat"]).ok();
            assert_eq!(state, line(1));
        }
        for command in ["cat", "tail"] {
            let shown = run([command, text(&from), "--to", &second]).ok();
            assert_eq!(shown, line(1), "{command}");
        }
    }
}

#[test]
fn a_log_is_restored_as_it_was_at_a_time_behind_damage_which_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let [from, to] = ["log", "restored"].map(|name| dir.path().join(name));
    let mut writer = EventWriter::open(&from).unwrap();
    for ts in [1, 2, 3, 4] {
        writer.append(&Event::at(ts, "n", json!(ts))).unwrap();
    }
    drop(writer);
    let log = fs::read_to_string(from.join("app.jsonl")).unwrap();
    fs::write(
        from.join("app.jsonl"),
        log.replace("\"data\":2", "\"data\":,"),
    )
    .unwrap();
    let error = run(["restore", text(&from), text(&to), "--at", "@3"]).failed(1);
    assert!(error.contains("1 place of the log"), "{error}");
    // A state of some of the events would be a wrong one.
    run(["state-at", text(&from), "@3", "--", "cat"]).failed(1);
    run(["state-at", text(&from), "@1", "--", "cat"]).failed(1);
    run(["doctor", text(&to), "--repair"]).ok();
    assert_eq!(data(&to), [json!(1), json!(3)]);
    goes_on(&to);
}
