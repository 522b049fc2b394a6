//! `eventfold info`, `view`, `state-at`, `export` and `rotate`.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by them"
)]

mod support;

use std::fs;
use std::path::Path;

use eventfold::{Event, EventLog, EventWriter};
use serde_json::{Value, json};
use support::{command, data, run, spawn, text};

fn filled(dir: &Path) -> EventLog {
    let mut log = EventLog::builder(dir)
        .view::<u64>("sum", |sum, event| sum + event.data.as_u64().unwrap_or(0))
        .open()
        .unwrap();
    for n in 0..30_u64 {
        let kind = if n % 3 == 0 { "three" } else { "n" };
        log.append(&Event::at(100 + n, kind, json!(n))).unwrap();
        if n == 9 {
            log.refresh_all().unwrap();
        }
        if n == 19 {
            log.rotate().unwrap();
        }
    }
    log
}

fn now() -> u64 {
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed();
    now.unwrap().as_secs()
}

#[test]
fn info_tells_what_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let log = filled(dir.path());
    let info: Value =
        serde_json::from_str(&run(["info", text(dir.path()), "--json"]).ok()).unwrap();
    assert_eq!(info["events"], 30);
    assert_eq!(
        (&info["first_ts"], &info["last_ts"]),
        (&json!(100), &json!(129))
    );
    assert_eq!(info["end_position"], log.end_position());
    let (archived, in_log) = (info["archived_bytes"].as_u64(), info["log_bytes"].as_u64());
    assert_eq!(archived.unwrap() + in_log.unwrap(), log.end_position());
    assert_eq!(
        info["types"],
        json!([{"type": "n", "events": 20}, {"type": "three", "events": 10}])
    );
    assert_eq!(info["views"][0]["name"], "sum");
    assert_eq!(info["views"][0]["events_behind"], 20);
    assert_eq!(info["locked"], true);
    assert_eq!(info["holder"]["pid"], std::process::id());
    assert!(cfg!(not(target_os = "linux")) || info["file_system"]["name"].is_string());

    drop(log);
    fs::write(dir.path().join("views/bad.snapshot.json"), "{}").unwrap();
    let page = run(["info", text(dir.path())]).ok();
    for line in [
        "events   30",
        "first    1970-01-01 00:01:40",
        "nobody writes",
        "bad      damaged, of another program",
        "behind",
        "  n      20 ████████████████████████████████████████\n",
        "  three  10 ████████████████████\n",
    ] {
        assert!(page.contains(line), "{line:?} is not in\n{page}");
    }
}

#[test]
fn info_of_an_empty_log_and_of_none() {
    let dir = tempfile::tempdir().unwrap();
    drop(EventWriter::open(dir.path()).unwrap());
    assert!(run(["info", text(dir.path())]).ok().contains("events   0"));
    let missing = dir.path().join("missing");
    for args in [
        vec!["info", text(&missing)],
        vec!["view", text(&missing), "sum"],
        vec!["rotate", text(&missing)],
        vec!["export", text(&missing)],
        vec!["state-at", text(&missing), "end", "--", "cat"],
    ] {
        let error = run(args).failed(1);
        assert!(error.contains("there is no directory"), "{error}");
        assert!(error.contains("missing; check the name"), "{error}");
    }
    assert!(!missing.exists());
}

#[test]
fn a_view_is_printed_with_its_age() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = filled(dir.path());
    let done = run(["view", text(dir.path()), "sum"]);
    assert_eq!(done.out, "45\n");
    assert!(
        done.err.contains("20 events, ") && done.err.contains(" behind"),
        "{}",
        done.err
    );
    let about: Value =
        serde_json::from_str(&run(["view", text(dir.path()), "sum", "--json"]).ok()).unwrap();
    assert_eq!(
        (&about["state"], &about["events_behind"]),
        (&json!(45), &json!(20))
    );
    let age = about["saved_ts"].as_u64().unwrap().abs_diff(now());
    assert!(age < 600, "{about}");
    log.refresh_all().unwrap();
    let done = run(["view", text(dir.path()), "sum"]);
    assert_eq!(done.out, "435\n");
    assert!(done.err.contains("up to date"), "{}", done.err);

    let error = run(["view", text(dir.path()), "other"]).failed(1);
    assert!(
        error.contains("nothing is saved; the saved views are sum"),
        "{error}"
    );
    let error = run(["view", text(dir.path()), "../x"]).failed(1);
    assert!(
        error.contains("view \"../x\": no view has such a name; the saved views are sum"),
        "{error}"
    );
    assert!(error.contains(text(dir.path())), "{error}");
}

#[test]
fn a_view_is_printed_also_where_a_line_behind_it_is_damaged() {
    let dir = tempfile::tempdir().unwrap();
    drop(filled(dir.path()));
    let log = dir.path().join("app.jsonl");
    let lines = fs::read_to_string(&log).unwrap();
    fs::write(&log, lines.replace("\"data\":25,", "\"data\":[,")).unwrap();
    for (options, state) in [(&[][..], "45\n"), (&["--json"], "\"state\":45}\n")] {
        let done = run([&["view", text(dir.path()), "sum"], options].concat());
        assert!(done.out.ends_with(state), "{}", done.out);
        let error = done.failed(1);
        assert!(error.contains("1 place could not be read"), "{error}");
    }
    run(["doctor", text(dir.path()), "--repair"]).ok();
    run(["append", text(dir.path()), "n", "30"]).ok();
    let done = run(["view", text(dir.path()), "sum"]);
    assert!(done.err.contains("20 events, "), "{}", done.err);
    assert_eq!(done.ok(), "45\n");
}

#[cfg(unix)]
#[test]
fn a_program_gets_the_events_up_to_a_position_or_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let log = filled(dir.path());
    let records: Vec<_> = log.read_full().unwrap().map(Result::unwrap).collect();
    let at = |at: &str, program: &[&str]| {
        run([&["state-at", text(dir.path()), at, "--"], program].concat())
    };
    let count = |place: &str| at(place, &["wc", "-l"]).ok().trim().parse::<u64>().unwrap();
    assert_eq!(count("end"), 30);
    assert_eq!(count("0"), 0);
    assert_eq!(count(&records[25].position.to_string()), 25);
    assert_eq!(count(&log.end_position().to_string()), 30);
    assert_eq!(count("@110"), 11);
    assert_eq!(count("1970-01-01T00:01:50Z"), 11);
    assert_eq!(at("end", &["head", "-n", "1"]).ok().lines().count(), 1);

    assert_eq!(at("end", &["sh", "-c", "cat >&2; exit 3"]).status, Some(3));
    assert!(
        at("5", &["cat"])
            .failed(1)
            .contains("position 5 is not the start of an event")
    );
    assert!(at("99999", &["cat"]).failed(1).contains("beyond the end"));
    assert!(
        at("end", &["no-such-program"])
            .failed(1)
            .contains("cannot run no-such-program")
    );
    at("soon", &["cat"]).failed(2);
    run(["state-at", text(dir.path()), "end"]).failed(2);
}

#[test]
fn an_export_comes_back_as_the_same_history() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let writer = filled(&log);
    let history = run(["cat", text(&log)]).ok();
    assert_eq!(run(["export", text(&log)]).ok(), history);

    let (plain, packed) = (dir.path().join("a.jsonl"), dir.path().join("a.jsonl.zst"));
    run(["export", text(&log), text(&plain)]).ok();
    assert_eq!(fs::read_to_string(&plain).unwrap(), history);
    let done = run(["export", text(&log), text(&packed)]);
    assert!(done.err.contains("30 events") && done.err.contains("read back and the same"));
    assert_eq!(
        zstd::decode_all(&fs::read(&packed).unwrap()[..]).unwrap(),
        history.as_bytes()
    );

    let again = dir.path().join("again");
    run(["import", text(&again), text(&packed)]).ok();
    assert_eq!(run(["cat", text(&again)]).ok(), history);

    let error = run(["export", text(&log), text(&plain)]).failed(1);
    assert!(error.contains("--force"), "{error}");
    run(["export", text(&log), text(&plain), "--force"]).ok();
    let inside = log.join("app.jsonl");
    run(["export", text(&log), text(&inside), "--force"]).failed(1);
    assert_eq!(run(["cat", text(&log)]).ok(), history);
    drop(writer);
}

#[test]
fn an_export_beside_a_writer_is_what_was_there_at_its_start() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let mut writer = EventWriter::open(&log).unwrap();
    let file = dir.path().join("a.jsonl.zst");
    std::thread::scope(|scope| {
        let (done, ended) = std::sync::mpsc::channel::<()>();
        let (file, log) = (&file, &log);
        scope.spawn(move || {
            for _ in 0..10 {
                run(["export", text(log), text(file), "--force"]).ok();
                let lines = zstd::decode_all(&fs::read(file).unwrap()[..]).unwrap();
                let lines = String::from_utf8(lines).unwrap();
                for (n, line) in lines.lines().enumerate() {
                    assert_eq!(serde_json::from_str::<Event>(line).unwrap().data, n);
                }
            }
            drop(done);
        });
        let mut n = 0;
        while ended.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
            writer.append(&Event::at(0, "n", json!(n))).unwrap();
            n += 1;
            if n % 50 == 0 {
                writer.rotate().unwrap();
            }
        }
    });
}

#[test]
fn what_a_kill_leaves_of_an_export_is_known_by_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let [log, file] = ["log", "a.jsonl"].map(|name| dir.path().join(name));
    let mut writer = EventWriter::open(&log).unwrap();
    let events = vec![Event::at(1, "n", json!("text ".repeat(100))); 20_000];
    writer.append_batch(&events).unwrap();
    let left = || {
        let names = fs::read_dir(dir.path()).unwrap();
        let mut paths = names.map(|name| name.unwrap().path());
        paths.find(|path| *path != log && *path != file)
    };
    let path = loop {
        let mut export = spawn(["export", text(&log), text(&file), "--force"]);
        while left().is_none() && export.try_wait().unwrap().is_none() {}
        export.kill().unwrap();
        export.wait().unwrap();
        if let Some(path) = left() {
            break path;
        }
    };
    let name = path.file_name().unwrap().to_str().unwrap();
    assert!(name.starts_with(".eventfold-"), "{name}");
    fs::remove_file(path).unwrap();
    run(["export", text(&log), text(&file), "--force"]).ok();
    assert_eq!(
        fs::read(&file).unwrap(),
        fs::read(log.join("app.jsonl")).unwrap()
    );
}

#[test]
fn a_damaged_log_is_not_exported_as_if_it_were_whole() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    drop(filled(&log));
    let mut lines = fs::read(log.join("app.jsonl")).unwrap();
    lines[3] = b'!';
    fs::write(log.join("app.jsonl"), lines).unwrap();
    let file = dir.path().join("a.jsonl");
    let error = run(["export", text(&log), text(&file)]).failed(1);
    assert!(error.contains("corrupt at position"), "{error}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[cfg(unix)]
#[test]
fn an_export_takes_the_place_of_regular_files_only() {
    let dir = tempfile::tempdir().unwrap();
    let (log, link) = (dir.path().join("log"), dir.path().join("link"));
    drop(filled(&log));
    std::os::unix::fs::symlink("/dev/null", &link).unwrap();
    for place in [text(&link), "/dev/null", text(dir.path())] {
        for force in [[].as_slice(), &["--force"]] {
            let args = [&["export", text(&log), place], force].concat();
            let said = run(args).failed(1);
            let why = match place == text(dir.path()) {
                true => "is a directory; name a file in it",
                false => "is no regular file",
            };
            assert!(said.contains(why), "{said}");
        }
    }
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
}

#[test]
fn a_rotation_empties_the_log_and_keeps_history() {
    let dir = tempfile::tempdir().unwrap();
    drop(filled(dir.path()));
    let before = data(dir.path());
    let out: Value = serde_json::from_str(&run(["rotate", text(dir.path())]).ok()).unwrap();
    assert!(out["bytes"].as_u64().unwrap() > 0);
    assert_eq!(fs::metadata(dir.path().join("app.jsonl")).unwrap().len(), 0);
    assert_eq!(data(dir.path()), before);
    let holder = EventWriter::open(dir.path()).unwrap();
    assert!(
        run(["rotate", text(dir.path())])
            .failed(1)
            .contains("another writer")
    );
    drop(holder);
}

#[test]
fn a_pipe_that_closes_ends_every_command_quietly() {
    let dir = tempfile::tempdir().unwrap();
    drop(filled(dir.path()));
    for args in [
        vec!["cat", text(dir.path())],
        vec!["info", text(dir.path())],
        vec!["view", text(dir.path()), "sum"],
        vec!["export", text(dir.path())],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = command(&args).stdout(writer).output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        assert!(!err.contains("error"), "{args:?}: {err}");
    }
}

/// As with `| head -n 1` in a shell that looks at it.
#[test]
fn a_pipe_that_closes_changes_no_exit_status() {
    let dir = tempfile::tempdir().unwrap();
    let [log, copy] = ["log", "copy"].map(|name| dir.path().join(name));
    drop(filled(&log));
    let mut lines = fs::OpenOptions::new();
    let lines = lines.append(true).open(log.join("app.jsonl"));
    std::io::Write::write_all(&mut lines.unwrap(), b"broken\n").unwrap();
    for (args, status) in [
        (["info", text(&log)].as_slice(), 1),
        (&["backup", text(&log), text(&copy)], 1),
        (&["doctor", text(&log)], 3),
        (&["doctor", text(&log), "--json"], 3),
        (&["doctor", text(&log), "--repair"], 0),
        (&["doctor", text(&copy)], 3),
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = command(args).stdout(writer).output().unwrap();
        assert_eq!(output.status.code(), Some(status), "{args:?}");
    }
    run(["append", text(&log), "n", "1"]).ok();
    run(["cat", text(&log)]).ok();
}
