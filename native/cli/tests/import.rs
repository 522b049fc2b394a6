//! `eventfold import`: every event once, whatever the import was interrupted by.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by them"
)]

#[path = "import/compressed.rs"]
mod compressed;
#[path = "import/found.rs"]
mod found;
#[path = "import/sources.rs"]
mod sources;
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use eventfold::{Event, EventReader, EventWriter};
use serde_json::{Value, json};
use support::{data, run, run_with_stdin, spawn, text};

fn lines(numbers: std::ops::Range<u64>) -> String {
    numbers
        .map(|n| format!("{{\"type\":\"n\",\"data\":{n},\"ts\":{n}}}\n"))
        .collect()
}

fn numbers(numbers: std::ops::Range<u64>) -> Vec<Value> {
    numbers.map(|n| json!(n)).collect()
}

struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { dir }
    }

    fn log(&self) -> PathBuf {
        self.dir.path().join("log")
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    fn import(&self, file: &Path, options: &[&str]) -> support::Done {
        run([&["import", text(&self.log()), text(file)], options].concat())
    }
}

#[test]
fn a_log_that_was_exported_comes_back_byte_for_byte() {
    let place = Place::new();
    let content = "{\"type\":\"a\",\"data\":{\"n\":1.10,\"s\":\"\\u001b\"},\"ts\":1}\n\
                   {\"type\":\"b\",\"data\":null,\"ts\":2,\"id\":\"i\",\"actor\":\"c\",\"meta\":{\"m\":1}}\n";
    place.import(&place.file("a.jsonl", content), &[]).ok();
    assert_eq!(
        fs::read_to_string(place.log().join("app.jsonl")).unwrap(),
        content
    );
}

#[test]
fn the_first_lines_that_are_passed_over_are_named_with_what_is_wrong_with_them() {
    let place = Place::new();
    let file = place.file("a.jsonl", "nonsense\n".repeat(12) + &lines(0..3));
    let done = place.import(&file, &["--skip-bad"]);
    for part in [
        "line 1: it is not JSON (column 2)\n  nonsense",
        "line 10: ",
        "and 2 more",
    ] {
        assert!(done.err.contains(part), "{part:?}: {}", done.err);
    }
    assert!(!done.err.contains("line 11: "), "{}", done.err);
    assert!(done.ok().contains("passed over 12 bad lines"));

    let long = format!(
        "{{\"type\":\"long\",\"data\":\"{}\"}}\n",
        "x".repeat(66 << 20)
    );
    let error = place.import(&place.file("b.jsonl", long), &[]).failed(1);
    assert!(error.contains("  {\"type\":\"long\""), "{error}");
}

#[test]
fn other_programs_lines_become_events_by_naming_their_fields() {
    let place = Place::new();
    let line =
        r#"{"event":"push","created_at":"2024-06-01T12:00:00Z","actor":{"login":"ada"},"n":1}"#;
    let file = place.file("hub.json", line);
    let fields = [
        "--type-field",
        "event",
        "--ts-field",
        "created_at",
        "--actor-field",
        "actor.login",
    ];
    place.import(&file, &fields).ok();
    let record = EventReader::new(place.log())
        .read_full()
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    let event = Event::at(
        1_717_243_200,
        "push",
        json!({"actor": {"login": "ada"}, "n": 1}),
    );
    assert_eq!(record.event, event.with_actor("ada"));

    let error = place.import(&file, &["--type-field", "n"]).failed(1);
    assert!(
        error.contains("--ts-field created_at") && error.contains("--again"),
        "{error}"
    );
}

#[test]
fn a_bad_line_is_named_and_mended_or_passed_over() {
    let place = Place::new();
    let content = format!("{}\nnonsense \u{1b}[2J\n{}", lines(0..3), lines(3..5));
    let file = place.file("a.jsonl", &content);
    for _ in 0..2 {
        let error = place.import(&file, &[]).failed(1);
        assert!(error.contains("a.jsonl: line 5: "), "{error}");
        assert!(
            error.contains("--skip-bad") && error.contains("\\u{1b}[2J"),
            "{error}"
        );
        assert_eq!(data(&place.log()), numbers(0..3));
    }
    fs::write(
        &file,
        content.replace("nonsense \u{1b}[2J", "{\"type\":\"n\",\"data\":9}"),
    )
    .unwrap();
    place.import(&file, &[]).ok();
    assert_eq!(data(&place.log()), [0, 1, 2, 9, 3, 4]);

    let place = Place::new();
    let out = place
        .import(&place.file("b.jsonl", &content), &["--skip-bad"])
        .ok();
    assert!(
        out.contains("imported 5 events, passed over 1 bad line"),
        "{out}"
    );
    assert_eq!(data(&place.log()), numbers(0..5));
}

#[test]
fn a_line_that_the_log_refuses_is_a_bad_line_too() {
    let place = Place::new();
    let deep = format!(
        "{{\"type\":\"n\",\"data\":{}1{}}}\n",
        "[".repeat(127),
        "]".repeat(127)
    );
    let content = format!("{}{deep}{}", lines(0..3), lines(3..5));
    let file = place.file("a.jsonl", &content);
    for _ in 0..2 {
        let error = place.import(&file, &[]).failed(1);
        assert!(error.contains("line 4: "), "{error}");
        assert_eq!(data(&place.log()), numbers(0..3));
    }
    place.import(&file, &["--skip-bad"]).ok();
    place.import(&file, &["--skip-bad"]).ok();
    assert_eq!(data(&place.log()), numbers(0..5));
}

#[test]
fn a_second_run_takes_only_what_came_since() {
    let place = Place::new();
    // Its last line is whole, but its newline is not there yet.
    let file = place.file("a.jsonl", lines(0..100).trim_end());
    place.import(&file, &[]).ok();
    let out = place.import(&file, &[]).ok();
    assert!(
        out.contains("imported 0 events, 100 events in the log before"),
        "{out}"
    );
    EventWriter::open(place.log())
        .unwrap()
        .append(&Event::at(0, "mine", json!("mine")))
        .unwrap();
    fs::write(&file, lines(0..150)).unwrap();
    place.import(&file, &[]).ok();
    let all = [numbers(0..100), vec![json!("mine")], numbers(100..150)].concat();
    assert_eq!(data(&place.log()), all);

    fs::write(&file, lines(1..200)).unwrap();
    let error = place.import(&file, &[]).failed(1);
    assert!(
        error.contains("is not what it was") && error.contains("--again"),
        "{error}"
    );
    assert_eq!(data(&place.log()), all);
    place.import(&file, &["--again"]).ok();
    assert_eq!(data(&place.log()), [all, numbers(1..200)].concat());
}

/// Kills imports after a while that differs from kill to kill; between them others append.
#[test]
fn killed_at_any_moment_it_goes_on_without_doubling_or_losing() {
    let place = Place::new();
    let last = 120_000;
    let file = place.file("a.jsonl", lines(0..last));
    let (mut kills, mut foreign, mut delay) = (0, 0, 1);
    loop {
        let mut import = spawn([
            "import",
            text(&place.log()),
            text(&file),
            "--rotate-at",
            "1",
        ]);
        thread::sleep(Duration::from_millis(delay));
        if import.try_wait().unwrap().is_some() {
            assert!(import.wait().unwrap().success());
            break;
        }
        import.kill().unwrap();
        import.wait().unwrap();
        kills += 1;
        delay = delay % 97 + 7 + kills / 8;
        if kills % 3 == 0 {
            let mut writer = EventWriter::open(place.log()).unwrap();
            writer.append(&Event::at(0, "mine", json!("mine"))).unwrap();
            foreign += 1;
        }
    }
    let (mine, theirs): (Vec<_>, Vec<_>) = data(&place.log())
        .into_iter()
        .partition(|data| *data == "mine");
    assert_eq!(mine.len(), foreign);
    assert_eq!(theirs, numbers(0..last));
    assert!(kills > 5, "only {kills} kills");
    println!("{kills} kills, {foreign} foreign events");
}

#[test]
fn a_stream_is_remembered_until_its_end() {
    let place = Place::new();
    let log = place.log();
    let args = ["import", text(&log), "-"];
    let bad = format!("{}nonsense\n", lines(0..10));
    run_with_stdin(args, &bad).failed(1);
    let error = run_with_stdin(args, lines(5..20)).failed(1);
    assert!(error.contains("pipe the same stream again"), "{error}");
    run_with_stdin(args, lines(0..20)).ok();
    assert_eq!(data(&log), numbers(0..20));
    // Another stream, from its start.
    run_with_stdin(args, lines(20..30)).ok();
    assert_eq!(data(&log), numbers(0..30));
}

#[test]
fn a_file_that_cannot_be_read_is_told_before_anything_is_made() {
    let place = Place::new();
    let good = place.file("good.jsonl", lines(0..3));
    let missing = place.dir.path().join("missing.jsonl");
    let error = run(["import", text(&place.log()), text(&good), text(&missing)]).failed(1);
    assert!(
        error.contains("cannot read") && error.contains("missing.jsonl"),
        "{error}"
    );
    let error = run(["import", text(&place.log()), text(place.dir.path())]).failed(1);
    assert!(error.contains("is a directory"), "{error}");
    assert!(!place.log().exists());
}
