//! Files that are not whole yet, streams, and what is refused.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;
#[cfg(unix)]
use std::{process::Stdio, thread, time::Duration};

#[cfg(unix)]
use super::support::run_with_stdin;
use super::support::{Done, data, run, text};
use super::{lines, numbers};

fn import(log: &Path, file: &Path, options: &[&str]) -> Done {
    run([&["import", text(log), text(file)], options].concat())
}

#[test]
fn a_last_line_that_is_not_whole_yet_is_left_to_the_next_run_and_not_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let (log, file) = (dir.path().join("log"), dir.path().join("growing.jsonl"));
    let whole = lines(0..3);
    fs::write(&file, "").unwrap();
    let add = |bytes: &str| {
        let mut file = OpenOptions::new().append(true).open(&file).unwrap();
        file.write_all(bytes.as_bytes()).unwrap();
    };
    // In the middle of the second line, with a line before that stays bad.
    let middle = whole.len() / 2;
    add("{no event\n");
    add(&whole[..middle]);
    let said = import(&log, &file, &["--skip-bad"]).ok();
    assert!(
        said.contains("passed over 1 bad line, left its last"),
        "{said}"
    );
    assert_eq!(data(&log), numbers(0..1));
    let said = import(&log, &file, &["--skip-bad"]).ok();
    assert!(
        said.contains("imported 0 events, 1 event in the log before, left"),
        "{said}"
    );
    add(&whole[middle..]);
    let said = import(&log, &file, &["--skip-bad"]).ok();
    assert!(
        said.ends_with("imported 2 events, 1 event in the log before\n"),
        "{said}"
    );
    assert_eq!(data(&log), numbers(0..3));
}

#[cfg(unix)]
#[test]
fn a_pipe_that_has_a_name_is_read_once() {
    use std::process::{Command, Stdio};

    let dir = tempfile::tempdir().unwrap();
    let (log, pipe) = (dir.path().join("log"), dir.path().join("pipe"));
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    for round in 0..2 {
        // More than a pipe holds.
        let content = lines(round * 20_000..(round + 1) * 20_000);
        let to = pipe.clone();
        let producer = std::thread::spawn(move || fs::write(to, content));
        let said = import(&log, &pipe, &[]).ok();
        assert!(said.contains("imported 20,000 events"), "{said}");
        producer.join().unwrap().unwrap();
    }
    // One that the shell makes.
    let output = Command::new("bash")
        .args(["-c", "\"$1\" import \"$2\" <(printf '%s' \"$3\")", "bash"])
        .args([
            env!("CARGO_BIN_EXE_eventfold"),
            text(&log),
            &lines(40_000..40_003),
        ])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Done::of(output).ok();
    assert_eq!(data(&log), numbers(0..40_003));
}

#[test]
fn the_logs_own_files_are_refused_and_the_log_is_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let (log, file) = (dir.path().join("log"), dir.path().join("some.jsonl"));
    fs::write(&file, lines(0..5)).unwrap();
    import(&log, &file, &[]).ok();
    run(["rotate", text(&log)]).ok();
    run(["append", text(&log), "n", "5"]).ok();
    for own in ["app.jsonl", "archive.jsonl.zst"] {
        let said = import(&log, &log.join(own), &[]).failed(1);
        assert!(
            said.contains(&format!("{own} is the log's own file")),
            "{said}"
        );
    }
    assert_eq!(data(&log), numbers(0..6));
}

#[test]
fn a_log_without_what_was_imported_is_told_also_when_the_file_has_nothing_new() {
    let dir = tempfile::tempdir().unwrap();
    let (log, file) = (dir.path().join("log"), dir.path().join("some.jsonl"));
    let damaged = lines(0..3).replace("\"data\":2", "\"data\":\0");
    for left in ["", &damaged] {
        fs::write(&file, lines(0..3)).unwrap();
        import(&log, &file, &[]).ok();
        fs::write(log.join("app.jsonl"), left).unwrap();
        for _ in 0..2 {
            let said = import(&log, &file, &[]).failed(1);
            assert!(
                said.contains("events are missing, or the log was made anew"),
                "{said}"
            );
            assert!(said.contains("--again"), "{said}");
        }
        fs::remove_file(log.join("app.jsonl")).unwrap();
        import(&log, &file, &["--again"]).ok();
        assert_eq!(data(&log), numbers(0..3));
    }
}

#[test]
fn a_damaged_line_where_an_import_goes_on_is_told_with_the_way_out() {
    let dir = tempfile::tempdir().unwrap();
    let (log, file) = (dir.path().join("log"), dir.path().join("some.jsonl"));
    fs::write(&file, lines(0..3)).unwrap();
    import(&log, &file, &[]).ok();
    fs::write(log.join("app.jsonl"), lines(0..3) + "nonsense\n").unwrap();
    fs::write(&file, lines(0..4)).unwrap();
    let said = import(&log, &file, &[]).failed(1);
    assert!(said.contains("eventfold doctor"), "{said}");
    run(["doctor", text(&log), "--repair"]).ok();
    import(&log, &file, &[]).ok();
    assert_eq!(data(&log), numbers(0..4));
}

#[cfg(target_os = "linux")]
#[test]
fn files_whose_names_are_no_text_are_told_apart() {
    use std::os::unix::ffi::OsStrExt as _;

    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    for (name, numbers) in [(b"a\xff".as_slice(), 0..2), (b"a\xfe", 0..4)] {
        let file = dir.path().join(std::ffi::OsStr::from_bytes(name));
        fs::write(&file, lines(numbers)).unwrap();
        let args = ["import".as_ref(), log.as_os_str(), file.as_os_str()];
        let output = super::support::command(args).output().unwrap();
        Done::of(output).ok();
    }
    assert_eq!(data(&log), [numbers(0..2), numbers(0..4)].concat());
}

/// A script that tries again must not double what is there.
#[cfg(target_os = "linux")]
#[test]
fn where_nobody_can_be_told_what_was_done_the_error_says_it() {
    let dir = tempfile::tempdir().unwrap();
    let (log, file) = (dir.path().join("log"), dir.path().join("some.jsonl"));
    fs::write(&file, lines(0..3)).unwrap();
    for (args, done) in [
        (
            ["append", text(&log), "n", "7"],
            "the event was appended, at position 0",
        ),
        (
            ["import", text(&log), text(&file), "--wait=0"],
            "what was imported is in the log",
        ),
    ] {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = super::support::command(args).stdout(full).output().unwrap();
        let said = Done::of(output).failed(1);
        assert!(said.contains(done), "{said}");
    }
    assert_eq!(data(&log), [numbers(7..8), numbers(0..3)].concat());
}

/// As with `| head -n 0`: what is to be told is lost, and what is to be done is not.
#[test]
fn an_import_that_nobody_listens_to_takes_every_file_and_ends_with_its_status() {
    let dir = tempfile::tempdir().unwrap();
    let [log, first, bad, last] = ["log", "first", "bad", "last"].map(|name| dir.path().join(name));
    fs::write(&first, lines(0..3)).unwrap();
    fs::write(&bad, lines(3..4) + "nonsense\n").unwrap();
    fs::write(&last, lines(4..6)).unwrap();
    let unheard = |files: &[&Path]| {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let args = ["import", text(&log)].into_iter();
        let args = args.chain(files.iter().map(|file| text(file)));
        let mut command = super::support::command(args);
        Done::of(command.stdout(writer).output().unwrap())
    };
    unheard(&[&first, &last]).ok();
    assert_eq!(data(&log), [numbers(0..3), numbers(4..6)].concat());
    let error = unheard(&[&bad]).failed(1);
    assert!(error.contains("line 2: it is not JSON"), "{error}");
    fs::write(&bad, lines(3..4)).unwrap();
    unheard(&[&bad]).ok();
    assert_eq!(data(&log).len(), 6);
}

#[cfg(unix)]
#[test]
fn what_a_slow_stream_has_written_is_in_the_log_before_it_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let mut import = super::support::command(["import", text(&log), "-"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stream = import.stdin.take().unwrap();
    let (whole, mut from) = (lines(0..3), 0);
    // With the second line the beginning of the third.
    for (count, to) in [
        (1, lines(0..1).len()),
        (2, whole.len() - 5),
        (3, whole.len()),
    ] {
        stream.write_all(&whole.as_bytes()[from..to]).unwrap();
        from = to;
        while !log.join("app.jsonl").exists() || data(&log) != numbers(0..count) {
            thread::sleep(Duration::from_millis(10));
        }
    }
    import.kill().unwrap();
    import.wait().unwrap();
    run_with_stdin(["import", text(&log), "-"], lines(0..5)).ok();
    assert_eq!(data(&log), numbers(0..5));
}

/// Run again, as it is told to be.
#[cfg(target_os = "linux")]
#[test]
fn a_stream_whose_end_nobody_was_told_of_is_piped_again_and_doubles_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (log, file) = (dir.path().join("log"), dir.path().join("some.jsonl"));
    fs::write(&file, lines(0..3)).unwrap();
    let piped = || {
        let mut command = super::support::command(["import", text(&log), "-"]);
        command.stdin(fs::File::open(&file).unwrap());
        command
    };
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let said = Done::of(piped().stdout(full).output().unwrap()).failed(1);
    assert!(said.contains("run it again"), "{said}");
    Done::of(piped().output().unwrap()).ok();
    assert_eq!(data(&log), numbers(0..3));
    // It is known to be told now: another stream, from its start.
    fs::write(&file, lines(3..5)).unwrap();
    Done::of(piped().output().unwrap()).ok();
    assert_eq!(data(&log), numbers(0..5));
}
