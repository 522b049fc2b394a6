//! `eventfold bench`.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by them"
)]

mod support;

use std::fs;
#[cfg(unix)]
use std::{process::Command, thread, time::Duration};

use eventfold::{Event, EventWriter};
use serde_json::{Value, json};
#[cfg(unix)]
use support::command;
use support::{run, text};

#[test]
fn every_row_has_its_figures_and_nothing_is_left_behind() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = EventWriter::open(dir.path()).unwrap();
    writer.append(&Event::at(1, "a", json!(1))).unwrap();
    let log = || fs::read(dir.path().join("app.jsonl")).unwrap();
    let files = || fs::read_dir(dir.path()).unwrap().count();
    let (log_before, files_before) = (log(), files());

    let out = run(["bench", text(dir.path()), "--seconds", "1", "--json"]).ok();
    let measured: Value = serde_json::from_str(&out).unwrap();
    let rows = measured["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 5);
    for row in rows {
        assert!(row["events_per_second"].as_f64().unwrap() > 0.0, "{row}");
        assert!(row["bytes_per_second"].as_f64().unwrap() > 0.0, "{row}");
    }
    for row in &rows[..2] {
        assert!(row["p99_us"].as_f64() >= row["median_us"].as_f64(), "{row}");
    }
    assert_eq!((log(), files()), (log_before, files_before));
}

#[cfg(unix)]
#[test]
fn interrupted_it_leaves_nothing_behind() {
    use std::os::unix::process::ExitStatusExt as _;

    let dir = tempfile::tempdir().unwrap();
    let files = || fs::read_dir(dir.path()).unwrap().count();
    for (name, signal) in [("-INT", 2), ("-TERM", 15)] {
        let mut bench = command(["bench", text(dir.path()), "--seconds", "600"])
            .spawn()
            .unwrap();
        while files() == 0 {
            thread::sleep(Duration::from_millis(10));
        }
        thread::sleep(Duration::from_millis(100));
        let pid = bench.id().to_string();
        Command::new("kill").args([name, &pid]).status().unwrap();
        assert_eq!(bench.wait().unwrap().signal(), Some(signal));
        assert_eq!(files(), 0);
    }
}

#[test]
fn what_cannot_be_written_to_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing");
    let error = run(["bench", text(&missing)]).failed(1);
    assert!(error.contains("missing"), "{error}");
    run(["bench", text(dir.path()), "--seconds", "0"]).failed(2);
}
