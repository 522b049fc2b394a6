//! `eventfold append`.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by them"
)]

mod support;

use eventfold::{EventReader, EventWriter};
use serde_json::{Value, json};
use support::{data, run, run_with_stdin, text};

#[test]
fn an_event_is_appended_with_all_that_was_said_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("new/log");
    let args = ["append", text(&log), "todo.added", "{ \"n\" : 1.10 }"];
    let more = [
        "--id",
        "1",
        "--actor",
        "ada",
        "--meta",
        "[1]",
        "--ts",
        "2024-06-01T12:00:00Z",
    ];
    let out = run([&args[..], &more].concat()).ok();
    let appended: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(appended["position"], 0);
    let record = EventReader::new(&log)
        .read_full()
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    assert_eq!(
        str::from_utf8(record.line()).unwrap(),
        r#"{"type":"todo.added","data":{"n":1.10},"ts":1717243200,"id":"1","actor":"ada","meta":[1]}"#
    );
    assert_eq!(appended["next_position"], record.next_position);

    run_with_stdin(
        ["append", text(&log), "todo.done", "-"],
        "{\n  \"b\": 2\n}\n",
    )
    .ok();
    run(["append", text(&log), "celsius", "-2.5", "--meta", "-1"]).ok();
    assert_eq!(
        data(&log),
        [json!({"n": 1.1}), json!({"b": 2}), json!(-2.5)]
    );
}

#[test]
fn what_is_not_json_is_a_usage_error_and_makes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let error = run(["append", text(&log), "a", "text"]).failed(2);
    assert!(
        error.contains("not JSON") && error.contains("'\"text\"'"),
        "{error}"
    );
    let error = run(["append", text(&log), "a", "1", "--meta", "x"]).failed(2);
    assert!(error.contains("--meta is not JSON") && error.contains("'\"text\"'"));
    let error = run(["append", text(&log), "a", "{\"a\""]).failed(2);
    assert!(!error.contains("quotes"), "{error}");
    run(["append", text(&log), "a", "1", "--ts", "soon"]).failed(2);
    run(["append", text(&log)]).failed(2);
    for (stdin, why) in [
        (&b"\n"[..], "standard input is empty"),
        (b"12\xff", "is not UTF-8, as JSON is: byte 0xff at offset 2"),
        (b"x", "not JSON"),
    ] {
        let error = run_with_stdin(["append", text(&log), "a", "-"], stdin).failed(1);
        assert!(error.contains(why), "{error}");
    }
    assert!(!log.exists());
}

#[test]
fn what_a_line_cannot_hold_is_refused_with_a_way_out() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let deep = "[".repeat(127) + &"]".repeat(127);
    for data in ["1e999", &deep] {
        let error = run(["append", text(&log), "a", data]).failed(1);
        assert!(error.contains("keep such a value as text"), "{error}");
    }
    let long = format!("\"{}\"", "x".repeat(64 << 20));
    for long in [long.clone(), long.repeat(2)] {
        let error = run_with_stdin(["append", text(&log), "a", "-"], long).failed(1);
        assert!(error.contains("keep it in a file"), "{error}");
    }
    assert_eq!(data(&log), [json!(null); 0]);
}

#[test]
fn a_time_in_milliseconds_is_not_taken_for_one_in_seconds() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let error = run(["append", text(&log), "a", "1", "--ts", "1717243200123"]).failed(2);
    assert!(
        error.contains("after the year 9999") && error.contains("looks like milliseconds"),
        "{error}"
    );
    let error = run(["append", text(&log), "a", "1", "--ts", "-5"]).failed(2);
    assert!(
        error.contains("0 or more") && !error.contains("use '--"),
        "{error}"
    );
    assert!(!log.exists());
    run(["append", text(&log), "a", "1", "--ts", "253402300799"]).ok();
}

#[test]
fn a_second_writer_is_told_who_the_first_one_is() {
    let dir = tempfile::tempdir().unwrap();
    let _writer = EventWriter::open(dir.path()).unwrap();
    let error = run(["append", text(dir.path()), "a", "1"]).failed(1);
    assert!(
        error.contains("another writer holds the lock on"),
        "{error}"
    );
    assert!(
        error.contains(&format!("pid {}", std::process::id())),
        "{error}"
    );
}

#[test]
fn an_error_never_hands_a_terminal_what_it_would_act_on() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a\u{1b}[2Jb");
    std::fs::write(&file, "").unwrap();
    let error = run(["append", text(&file), "a", "1"]).failed(1);
    assert!(error.contains("a\\u{1b}[2Jb is a file"), "{error}");
    assert!(!error.contains("\u{1b}[2J"));
}

#[cfg(target_os = "linux")]
#[test]
fn an_error_that_nobody_can_be_told_of_keeps_its_exit_status() {
    let dir = tempfile::tempdir().unwrap();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
    let missing = dir.path().join("missing");
    let mut cat = support::command(["cat", text(&missing)]);
    let status = cat.stderr(full.unwrap()).status().unwrap();
    assert_eq!(status.code(), Some(1));
}

#[test]
fn a_held_lock_is_waited_for_as_long_as_is_said_and_then_its_holder_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let held = EventWriter::open(&log).unwrap();
    for wait in [&["--wait", "1"][..], &[]] {
        let error = run([&["append", text(&log), "a", "1"], wait].concat()).failed(1);
        let pid = format!("pid {}", std::process::id());
        let said = match wait {
            [] => "or wait for it with --wait SECONDS",
            _ => "after 1 s",
        };
        assert!(error.contains(&pid) && error.contains(said), "{error}");
    }
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| run(["append", text(&log), "a", "1", "--wait", "60"]).ok());
        std::thread::sleep(std::time::Duration::from_millis(300));
        drop(held);
        waiting.join().unwrap();
    });
    assert_eq!(data(&log), [json!(1)]);
    run(["rotate", text(&log), "--wait", "60"]).ok();
    assert_eq!(data(&log), [json!(1)]);
}
