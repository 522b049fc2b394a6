//! What cannot be read is told, and the rest is printed.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use eventfold::{Event, EventWriter};

use super::numbers;
use super::support::{Done, run, spawn, text};

#[test]
fn damage_is_told_and_the_rest_is_printed() {
    let dir = tempfile::tempdir().unwrap();
    let good = "{\"type\":\"n\",\"data\":1,\"ts\":1}\n";
    std::fs::write(
        dir.path().join("app.jsonl"),
        format!("{good}nonsense\n{good}"),
    )
    .unwrap();
    for command in ["cat", "tail"] {
        let done = run([command, text(dir.path())]);
        assert_eq!(done.out, format!("{good}{good}"));
        let error = done.failed(1);
        assert!(
            error.contains("corrupt at position 29") && error.contains("1 place"),
            "{error}"
        );
        let way_out = format!("eventfold doctor {} says what to do", text(dir.path()));
        assert!(error.contains(&way_out), "{error}");
    }
}

#[test]
fn damage_that_hides_what_lies_behind_it_is_told_as_that() {
    let dir = tempfile::tempdir().unwrap();
    EventWriter::open(dir.path())
        .and_then(|mut writer| writer.append(&Event::at(1, "n", 1)))
        .unwrap();
    hide_all(dir.path());
    let done = run(["cat", text(dir.path())]);
    assert_eq!(done.out, "");
    let error = done.failed(1);
    assert!(
        error.contains("1 place could not be read, nor what lies behind it; eventfold doctor "),
        "{error}"
    );
}

#[test]
fn a_tail_that_follows_ends_where_damage_comes_that_hides_what_lies_behind_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = EventWriter::open(dir.path()).unwrap();
    writer.append(&Event::at(1, "n", 1)).unwrap();
    let mut tail = spawn(["tail", text(dir.path()), "-f"]);
    let mut out = BufReader::new(tail.stdout.take().unwrap());
    out.read_line(&mut String::new()).unwrap();
    hide_all(dir.path());
    writer.append(&Event::at(1, "n", 2)).unwrap();
    let error = Done::of(tail.wait_with_output().unwrap()).failed(1);
    assert!(
        error.contains("corrupt at position 0") && error.contains("nor what lies behind it"),
        "{error}"
    );
}

/// Leaves an archive of which nobody can say where the log begins.
fn hide_all(dir: &Path) {
    let line = "{\"type\":\"n\",\"data\":1,\"ts\":1}\n";
    // A block of the type that is reserved, and a whole frame of another writer behind it.
    let damaged = b"\x28\xb5\x2f\xfd\x20\x05\x07\x00\x00rest";
    let archive = [&damaged[..], &zstd::encode_all(line.as_bytes(), 3).unwrap()].concat();
    fs::write(dir.join("archive.jsonl.zst"), archive).unwrap();
}

#[test]
fn tail_prints_the_last_events_before_and_behind_a_damaged_block() {
    let dir = tempfile::tempdir().unwrap();
    let archive = dir.path().join("archive.jsonl.zst");
    let mut writer = EventWriter::open(dir.path()).unwrap();
    let mut damaged = 0;
    for n in 0..4 {
        if n == 1 {
            // In the content of the block that comes.
            damaged = fs::metadata(&archive).unwrap().len() as usize + 80;
        }
        writer.append(&Event::at(0, "n", n)).unwrap();
        if n < 2 {
            writer.rotate().unwrap();
        }
    }
    drop(writer);
    let mut bytes = fs::read(&archive).unwrap();
    bytes[damaged] ^= 1;
    fs::write(&archive, bytes).unwrap();
    for (args, printed) in [
        (["-n", "3"].as_slice(), [0, 2, 3].as_slice()),
        (&["-n", "9"], &[0, 2, 3]),
        (&["-n", "9", "--from", "29"], &[2, 3]),
    ] {
        let done = run([&["tail", text(dir.path())], args].concat());
        assert_eq!(numbers(&done.out), printed, "{args:?}");
        let error = done.failed(1);
        assert!(error.contains("1 place could not be read"), "{error}");
    }
    let last = run(["tail", text(dir.path()), "-n", "2"]).ok();
    assert_eq!(numbers(&last), [2, 3]);
}

/// Damage that a look at a line's ends does not find.
#[test]
fn a_line_whose_data_cannot_be_read_is_damage_to_every_command() {
    let dir = tempfile::tempdir().unwrap();
    let (log, copy) = (dir.path().join("log"), dir.path().join("copy.jsonl"));
    fs::create_dir(&log).unwrap();
    for data in ["{\"x\":}", "\"\0\"", "\"\\ud800\"", "1e999"] {
        let lines = [
            "{\"type\":\"a\",\"data\":1,\"ts\":1}\n",
            &format!("{{\"type\":\"a\",\"data\":{data},\"ts\":1}}\n"),
            "{\"type\":\"a\",\"data\":2,\"ts\":1}\n",
        ];
        fs::write(log.join("app.jsonl"), lines.concat()).unwrap();
        for command in ["cat", "tail"] {
            let done = run([command, text(&log)]);
            assert_eq!(
                done.out,
                [lines[0], lines[2]].concat(),
                "{command} {data:?}"
            );
            assert!(done.err.contains("corrupt at position 29"), "{}", done.err);
            assert_eq!(done.status, Some(1));
        }
        let done = run(["info", text(&log), "--json"]);
        assert!(done.out.contains("\"events\":2"), "{}", done.out);
        assert_eq!(done.status, Some(1));
        for args in [
            ["export", text(&log), text(&copy)].as_slice(),
            &["state-at", text(&log), "end", "--", "cat"],
            &["rotate", text(&log)],
        ] {
            let said = run(args).failed(1);
            assert!(said.contains("corrupt at position 29"), "{args:?}: {said}");
            assert!(said.contains("eventfold doctor"), "{args:?}: {said}");
        }
        assert!(!copy.exists() && !log.join("archive.jsonl.zst").exists());
    }
    run(["doctor", text(&log), "--repair"]).ok();
    run(["rotate", text(&log)]).ok();
    assert_eq!(run(["cat", text(&log)]).ok().lines().count(), 2);
}
