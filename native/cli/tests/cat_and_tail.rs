//! `eventfold cat` and `eventfold tail`.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by them"
)]

#[path = "cat_and_tail/damage.rs"]
mod damage;
mod support;

use std::io::{BufRead, BufReader, Read as _};
use std::path::Path;

use eventfold::{Durability, Event, EventWriter};
use serde_json::json;
use support::{command, run, spawn, text};

/// Events 0 to 99, with two rotations among them.
fn filled(dir: &Path) -> EventWriter {
    let mut writer = EventWriter::open(dir).unwrap();
    for n in 0..100_u64 {
        let kind = if n % 10 == 0 { "ten.full" } else { "n" };
        let event = Event::at(1_000 + n, kind, json!(n)).with_id(n.to_string());
        let event = if n % 2 == 0 {
            event.with_actor("even")
        } else {
            event
        };
        writer.append_with(&event, Durability::Buffered).unwrap();
        if n == 30 || n == 60 {
            writer.rotate().unwrap();
        }
    }
    writer
}

fn numbers(jsonl: &str) -> Vec<u64> {
    let parse = |line| serde_json::from_str::<Event>(line).unwrap();
    jsonl
        .lines()
        .map(|line| parse(line).data.as_u64().unwrap())
        .collect()
}

#[test]
fn a_pipe_gets_the_lines_of_the_log_across_rotations() {
    let dir = tempfile::tempdir().unwrap();
    let writer = filled(dir.path());
    let all: String = writer
        .reader()
        .read_full()
        .unwrap()
        .map(|record| String::from_utf8(record.unwrap().line().to_vec()).unwrap() + "\n")
        .collect();
    assert_eq!(run(["cat", text(dir.path())]).ok(), all);
    // And the same where colours are forced.
    assert_eq!(
        run(["cat", text(dir.path()), "--json", "--color", "always"]).ok(),
        all
    );
}

#[test]
fn events_are_chosen_by_all_that_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let writer = filled(dir.path());
    let records: Vec<_> = writer
        .reader()
        .read_full()
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let position = |n: usize| records[n].position.to_string();
    let cat = |options: &[&str]| numbers(&run([&["cat", text(dir.path())], options].concat()).ok());
    assert_eq!(
        cat(&["--type", "ten*"]),
        (0..10).map(|n| n * 10).collect::<Vec<_>>()
    );
    assert_eq!(
        cat(&["--type", "t?n.full", "--type", "x", "--since", "1050"]),
        [50, 60, 70, 80, 90]
    );
    assert_eq!(
        cat(&["--since", "1970-01-01T00:17:00Z", "--until", "1021"]),
        [20, 21]
    );
    assert_eq!(
        cat(&["--from", &position(29), "--to", &position(33)]),
        [29, 30, 31, 32]
    );
    assert_eq!(cat(&["--actor", "even", "--to", &position(5)]), [0, 2, 4]);
    assert_eq!(cat(&["--id", "77"]), [77]);

    let tail =
        |options: &[&str]| numbers(&run([&["tail", text(dir.path())], options].concat()).ok());
    assert_eq!(tail(&[]), (90..100).collect::<Vec<_>>());
    assert_eq!(tail(&["-n", "0"]), [0_u64; 0]);
    assert_eq!(tail(&["-n", "45"]), (55..100).collect::<Vec<_>>());
    assert_eq!(tail(&["-n", "3", "--type", "ten.full"]), [70, 80, 90]);
    assert_eq!(tail(&["-n", "2", "--to", &position(40)]), [38, 39]);
    assert_eq!(tail(&["-n", "5", "--from", &position(98)]), [98, 99]);
    assert_eq!(tail(&["-n", "1000"]).len(), 100);
    assert_eq!(tail(&["-n", "1000", "--id", "7"]), [7]);
}

#[test]
fn what_is_not_there_is_told_by_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing");
    for command in ["cat", "tail"] {
        let error = run([command, text(&missing)]).failed(1);
        assert!(error.contains("missing; check the name"), "{error}");
    }
    filled(dir.path());
    let error = run(["cat", text(dir.path()), "--from", "3"]).failed(1);
    assert!(
        error.contains("position 3 is not the start of an event"),
        "{error}"
    );
    run(["cat", text(dir.path()), "--since", "soon"]).failed(2);
}

#[test]
fn positions_at_which_nothing_can_be_are_errors() {
    let dir = tempfile::tempdir().unwrap();
    let end = filled(dir.path()).end_position().to_string();
    let second = run(["cat", text(dir.path()), "-p", "--id", "1"]).ok();
    let second = second.split_once('\t').unwrap().0;
    for command in ["cat", "tail"] {
        for (options, why) in [
            (
                &["--from", "5"][..],
                "position 5 is not the start of an event",
            ),
            (&["--from", "18446744073709551615"], "beyond the end"),
            (&["--to", "5"], "position 5 is not the start of an event"),
            (&["--to", "99999999"], "beyond the end"),
            (&["--from", &end, "--to", second], "is before --from"),
        ] {
            let error = run([&[command, text(dir.path())], options].concat()).failed(1);
            assert!(error.contains(why), "{command} {options:?}: {error}");
        }
        for (options, why) in [
            (["--from", "abc"], "expected a position: a whole number"),
            (["--to", "-1"], "a position is 0 or more"),
            (["--from", "99999999999999999999"], "less than 2^64"),
        ] {
            let error = run([&[command, text(dir.path())][..], &options].concat()).failed(2);
            assert!(error.contains(why) && !error.contains("tip"), "{error}");
        }
        run([command, text(dir.path()), "--from", &end, "--to", &end]).ok();
    }
    run(["tail", text(dir.path()), "-n", "x"]).failed(2);
    let since = run(["cat", text(dir.path()), "--since", "@1098"]).ok();
    assert_eq!(numbers(&since), [98, 99]);
}

#[test]
fn what_is_printed_ends_with_what_was_there_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = EventWriter::open(dir.path()).unwrap();
    // More than a pipe holds, so that neither can be further than somewhere in it.
    let many = vec![Event::at(1, "n", json!("before ".repeat(100))); 20_000];
    writer.append_batch(&many).unwrap();
    for command in ["cat", "export"] {
        let before = run([command, text(dir.path())]).ok();
        let mut child = spawn([command, text(dir.path())]);
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut shown = String::new();
        out.read_line(&mut shown).unwrap();
        writer
            .append(&Event::at(1, "n", json!("meanwhile")))
            .unwrap();
        writer.rotate().unwrap();
        writer.append(&Event::at(1, "n", json!("after"))).unwrap();
        out.read_to_string(&mut shown).unwrap();
        assert!(shown == before, "{command}: {} bytes", shown.len());
        let done = support::Done::of(child.wait_with_output().unwrap());
        assert_eq!((done.status, done.err.as_str()), (Some(0), ""));
    }
}

#[test]
fn nothing_in_an_event_reaches_people_as_it_is_if_a_terminal_would_act_on_it() {
    let dir = tempfile::tempdir().unwrap();
    let evil = "\u{1b}[2J\u{9b}31m\u{7f}\u{202e}\r\n\u{7}";
    let event = Event::at(5, evil, json!({ evil: evil }))
        .with_id(evil)
        .with_actor(evil);
    let mut writer = EventWriter::open(dir.path()).unwrap();
    writer.append(&event.with_meta(json!(evil))).unwrap();
    for command in ["cat", "tail"] {
        let line = run([command, text(dir.path()), "--human"]).ok();
        assert_eq!(line.matches('\n').count(), 1, "{line:?}");
        let acts = |c: char| c != '\n' && c.is_control() || c == '\u{202e}';
        assert!(!line.contains(acts), "{line:?}");
        assert!(
            line.starts_with("1970-01-01 00:00:05 \\u{1b}[2J\\u{9b}31m"),
            "{line:?}"
        );
    }
}

#[test]
fn a_line_for_people_is_coloured_where_that_was_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let args = ["cat", text(dir.path()), "--human", "--id", "42"];
    let plain = "1970-01-01 00:17:22 n #42 @even 42\n";
    assert_eq!(run(args).ok(), plain);
    let colored = |name: &str, value: &str| {
        let output = command(args).env(name, value).output().unwrap();
        String::from_utf8(output.stdout)
            .unwrap()
            .contains("\u{1b}[")
    };
    assert!(colored("CLICOLOR_FORCE", "1"));
    assert!(!colored("NO_COLOR", "1"));
    assert!(
        run([&args[..], &["--color", "always"]].concat())
            .ok()
            .contains("\u{1b}[")
    );
}

#[test]
fn a_reader_that_has_seen_enough_ends_it_quietly() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.jsonl");
    let line = "{\"type\":\"n\",\"data\":\"some text that is not short\",\"ts\":1}\n";
    std::fs::write(&file, line.repeat(20_000)).unwrap();
    let log = dir.path().join("log");
    run(["import", text(&log), text(&file)]).ok();
    let mut cat = spawn(["cat", text(&log)]);
    let mut first = String::new();
    BufReader::new(cat.stdout.take().unwrap())
        .read_line(&mut first)
        .unwrap();
    assert_eq!(first, line);
    let done = support::Done::of(cat.wait_with_output().unwrap());
    assert_eq!((done.status, done.err.as_str()), (Some(0), ""));
}

#[test]
fn tail_follows_across_rotations_and_ends_when_nobody_reads() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = filled(dir.path());
    let mut tail = spawn(["tail", text(dir.path()), "-f", "-n", "1", "--type", "n"]);
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines();
    let mut next = || numbers(&lines.next().unwrap().unwrap())[0];
    assert_eq!(next(), 99);
    for n in 200..230 {
        writer.append(&Event::at(0, "n", json!(n))).unwrap();
        writer.append(&Event::at(0, "other", json!(n))).unwrap();
        if n % 10 == 5 {
            writer.rotate().unwrap();
        }
        assert_eq!(next(), n);
    }
    // Without another event that it could fail to print.
    drop(lines);
    let done = support::Done::of(tail.wait_with_output().unwrap());
    assert_eq!((done.status, done.err.as_str()), (Some(0), ""));
}

#[test]
fn tail_that_follows_ends_at_the_position_that_it_was_given() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = filled(dir.path());
    let mut append = |n: u64| writer.append(&Event::at(0, "n", json!(n))).unwrap();
    let first = append(200);
    let len = first.next_position - first.position;
    let to = (first.next_position + 3 * len).to_string();
    let mut tail = spawn(["tail", text(dir.path()), "-f", "-n", "1", "--to", &to]);
    let mut out = BufReader::new(tail.stdout.take().unwrap());
    let mut shown = String::new();
    // It waits from here on, and is told of more than it wants.
    out.read_line(&mut shown).unwrap();
    for n in 201..210 {
        append(n);
    }
    out.read_to_string(&mut shown).unwrap();
    assert_eq!(numbers(&shown), [200, 201, 202, 203]);
    let done = support::Done::of(tail.wait_with_output().unwrap());
    assert_eq!((done.status, done.err.as_str()), (Some(0), ""));
}

#[cfg(target_os = "linux")]
#[test]
fn ctrl_c_ends_a_tail_without_a_word() {
    use std::process::{Command, Stdio};

    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    // Who runs the tests in the background has them ignore Ctrl-C.
    let mut tail = Command::new("env")
        .args(["--default-signal=INT", env!("CARGO_BIN_EXE_eventfold")])
        .args(["tail", text(dir.path()), "-f", "-n", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(tail.stdout.take().unwrap());
    out.read_line(&mut String::new()).unwrap();
    let pid = tail.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .unwrap()
            .success()
    );
    let done = support::Done::of(tail.wait_with_output().unwrap());
    assert_eq!(done.err, "");
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
}

/// A log of 100 MiB, in the log and in the archive, in 64 MiB of address space beyond what the
/// program and its libraries take.
#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_the_log() {
    use std::process::Command;

    let dir = tempfile::tempdir().unwrap();
    let mut writer = EventWriter::open(dir.path()).unwrap();
    let data = json!("0123456789abcdef".repeat(64));
    for round in 0..2 {
        for n in 0..50 {
            let batch: Vec<_> = (0..1000).map(|_| Event::at(n, "n", data.clone())).collect();
            writer
                .append_batch_with(&batch, Durability::Buffered)
                .unwrap();
        }
        if round == 0 {
            writer.rotate().unwrap();
        }
    }
    for args in [
        "cat \"$2\"",
        "tail -n 60000 \"$2\"",
        "tail -n 5 --type x \"$2\"",
    ] {
        let script = format!("ulimit -v 81920; \"$1\" {args} | wc -l");
        let output = Command::new("bash")
            .args(["-o", "pipefail", "-c", &script, "bash"])
            .args([env!("CARGO_BIN_EXE_eventfold"), text(dir.path())])
            // A thread that allocates could reserve nearly all of it for itself.
            .env("MALLOC_ARENA_MAX", "1")
            .output()
            .unwrap();
        let done = support::Done::of(output);
        let lines: u64 = done.ok().trim().parse().unwrap();
        let expected = match args.as_bytes()[0] {
            b'c' => 100_000,
            _ if args.contains("60000") => 60_000,
            _ => 0,
        };
        assert_eq!(lines, expected, "{args}");
    }
}
