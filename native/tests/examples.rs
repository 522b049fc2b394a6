//! The examples do what they say. They are built with the tests.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by them"
)]

use std::path::Path;
use std::process::Command;

use eventfold::{Event, EventWriter};

/// What the example prints, and whether it succeeded.
fn run(name: &str, args: &[&str]) -> (String, bool) {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    path.set_file_name("examples");
    path.push(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    let found = path.exists();
    assert!(
        found,
        "{} is missing: cargo build --examples",
        path.display()
    );
    let output = Command::new(path).args(args).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (String::from_utf8(text).unwrap(), output.status.success())
}

fn done(name: &str, args: &[&str]) -> String {
    let (text, succeeded) = run(name, args);
    assert!(succeeded, "{name}: {text}");
    text
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_todo_list_is_what_happened_to_it() {
    let dir = tempfile::tempdir().unwrap();
    let list = dir.path().join("list");
    let todo = |args: &[&str]| run("todo", &[&[text(&list)], args].concat());
    assert_eq!(todo(&["add", "write"]), ("  1 write\n".into(), true));
    assert_eq!(
        todo(&["add", "read"]),
        ("  1 write\n  2 read\n".into(), true)
    );
    assert_eq!(todo(&["done", "1"]), ("  2 read\n".into(), true));
    let mut log = EventWriter::open(&list).unwrap();
    log.append(&Event::new("todo.moved", "elsewhere")).unwrap();
    drop(log);
    assert_eq!(todo(&[]), ("  2 read\n".into(), true));
    assert_eq!(todo(&["done", "1"]), ("1 is not open\n".into(), false));
    let usage = "usage: todo LIST [add TITLE | done NUMBER]\n";
    assert_eq!(todo(&["do"]), (usage.into(), false));
    assert_eq!(run("todo", &[]), (usage.into(), false));
    assert_eq!(todo(&[]), ("  2 read\n".into(), true));
}

#[test]
fn a_session_goes_on_where_it_was_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let first = done("session_log", &[text(dir.path())]);
    assert_eq!(first.lines().next(), Some("0 turns before"));
    assert!(first.ends_with("1 tool calls in all\n"), "{first}");
    let log = dir.path().join("app.jsonl");
    let mut bytes = std::fs::read(&log).unwrap();
    bytes.extend(b"{\"type\":\"turn\",\"da");
    std::fs::write(&log, bytes).unwrap();
    let second = done("session_log", &[text(dir.path())]);
    let lines: Vec<&str> = second.lines().collect();
    assert!(lines[0].contains("torn.bin"), "{second}");
    assert_eq!(lines[1], "2 turns before");
    assert!(lines[2].contains("That was 7 words."), "{second}");
}

#[test]
fn a_decision_on_what_is_no_longer_so_is_refused() {
    assert_eq!(
        done("audit", &[]),
        "bob is refused: the log went on\n\
         bob looks again: bob sees 20 and cannot take 80\n \
         100 paid in by ada\n \
         -80 withdrawn by ada\n"
    );
}

#[test]
fn a_tail_sees_what_another_process_appends_and_rotates() {
    let text = done("tail", &[]);
    let sums: Vec<&str> = text
        .lines()
        .map(|line| line.rsplit(' ').next().unwrap())
        .collect();
    assert_eq!(
        sums,
        ["1", "3", "6", "10", "15", "21", "28", "36", "45", "55"]
    );
}

#[test]
fn a_view_can_be_asked_how_it_was() {
    assert_eq!(
        done("time_travel", &[]),
        "after day 0: {}\n\
         after day 1: {\"tea\":12}\n\
         after day 2: {\"tea\":7}\n\
         after day 3: {\"cups\":4,\"tea\":7}\n\
         after day 4: {\"cups\":4,\"tea\":4}\n\
         sold in all: 8\n"
    );
}
