//! What an import finds in the log of what was imported before.

use std::fs;

use eventfold::{Event, EventWriter};
use serde_json::{Value, json};

use super::support::{data, run, run_with_stdin, text};
use super::{Place, lines, numbers};

/// The record as it is while a run appends behind it.
fn begun(record: &[u8]) -> Value {
    let mut record: Value = serde_json::from_slice(record).unwrap();
    record["is_done"] = json!(false);
    record
}

#[test]
fn a_record_may_lag_behind_the_log_and_doubles_nothing() {
    let place = Place::new();
    let imports = place.log().join("imports");
    // Without times: they are those of the run that appended them.
    let lines = |n: u64| {
        (0..n)
            .map(|n| format!("{{\"type\":\"n\",\"data\":{n}}}\n"))
            .collect::<String>()
    };
    let file = place.file("a.jsonl", lines(1000));
    place.import(&file, &[]).ok();
    let record = fs::read_dir(&imports)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let mut lagging = begun(&fs::read(&record).unwrap());
    fs::write(&file, lines(3000)).unwrap();
    place.import(&file, &[]).ok();
    // As it was written before the second run appended its first event.
    let new: Value = serde_json::from_slice(&fs::read(&record).unwrap()).unwrap();
    lagging["began"] = new["began"].clone();
    fs::write(&record, lagging.to_string()).unwrap();
    EventWriter::open(place.log())
        .unwrap()
        .append(&Event::at(0, "mine", json!("mine")))
        .unwrap();
    fs::write(&file, lines(4000)).unwrap();
    place.import(&file, &["--rotate-at", "1"]).ok();
    let all = [numbers(0..3000), vec![json!("mine")], numbers(3000..4000)].concat();
    assert_eq!(data(&place.log()), all);
}

#[test]
fn behind_a_line_that_a_repair_blanked_nothing_is_imported_twice() {
    let place = Place::new();
    let imports = place.log().join("imports");
    let record = || {
        fs::read_dir(&imports)
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .path()
    };
    let file = place.file("a.jsonl", lines(0..10));
    place.import(&file, &[]).ok();
    let lagging = begun(&fs::read(record()).unwrap());
    fs::write(&file, lines(0..30)).unwrap();
    place.import(&file, &[]).ok();
    // As a power cut leaves a batch, and what is known of it.
    fs::write(record(), lagging.to_string()).unwrap();
    let log = place.log().join("app.jsonl");
    let damaged = fs::read_to_string(&log)
        .unwrap()
        .replace("\"data\":20,", "\"data\":\0\0,");
    fs::write(&log, damaged).unwrap();
    run(["doctor", text(&place.log()), "--repair"]).ok();

    let there = [numbers(0..20), numbers(21..30)].concat();
    assert_eq!(data(&place.log()), there);
    fs::write(&file, lines(0..40)).unwrap();
    let error = place.import(&file, &[]).failed(1);
    assert!(error.contains("from line 21 was damaged"), "{error}");
    let there = [there, numbers(30..40)].concat();
    assert_eq!(data(&place.log()), there);
    place.import(&file, &[]).ok();
    assert_eq!(data(&place.log()), there);
}

#[test]
fn a_stream_with_lines_that_a_repair_blanked_is_piped_again_and_doubles_nothing() {
    let place = Place::new();
    let log = place.log();
    let args = ["import", text(&log), "-"];
    let bad = |n| format!("{}nonsense\n", lines(0..n));
    run_with_stdin(args, bad(10)).failed(1);
    let imports = fs::read_dir(log.join("imports")).unwrap();
    let record = imports.map(|file| file.unwrap().path()).next().unwrap();
    let lagging = begun(&fs::read(&record).unwrap());
    run_with_stdin(args, bad(30)).failed(1);
    fs::write(&record, lagging.to_string()).unwrap();
    let file = log.join("app.jsonl");
    let damaged = fs::read_to_string(&file).unwrap();
    fs::write(&file, damaged.replace("\"data\":20,", "\"data\":\0\0,")).unwrap();
    run(["doctor", text(&log), "--repair"]).ok();

    let there = [numbers(0..20), numbers(21..40)].concat();
    let error = run_with_stdin(args, lines(0..40)).failed(1);
    assert!(error.contains("from line 21 was damaged"), "{error}");
    assert_eq!(data(&log), there);
    run_with_stdin(args, lines(0..40)).ok();
    assert_eq!(data(&log), there);
}

#[test]
fn behind_blank_lines_that_were_no_event_of_the_source_nothing_is_guessed() {
    let place = Place::new();
    let file = place.file("a.jsonl", lines(0..10));
    place.import(&file, &[]).ok();
    let imports = fs::read_dir(place.log().join("imports")).unwrap();
    let record = imports.map(|file| file.unwrap().path()).next().unwrap();
    fs::write(&record, begun(&fs::read(&record).unwrap()).to_string()).unwrap();
    let log = place.log().join("app.jsonl");
    let before = fs::read_to_string(&log).unwrap();
    let with_blank = |len| before.clone() + &"\n".repeat(len) + &lines(90..91);
    fs::write(&log, with_blank(40)).unwrap();
    let there = [numbers(0..10), numbers(90..91)].concat();
    // The first of them could have been there, and something else with it.
    for n in [11, 20] {
        fs::write(&file, lines(0..n)).unwrap();
        let error = place.import(&file, &[]).failed(1);
        assert!(error.contains("it is not clear"), "{error}");
        assert_eq!(data(&place.log()), there);
    }

    // No event stood in so little.
    fs::write(&log, with_blank(3)).unwrap();
    place.import(&file, &[]).ok();
    assert_eq!(data(&place.log()), [there, numbers(10..20)].concat());
}

#[test]
fn what_a_repair_blanked_behind_an_import_that_was_done_was_none_of_its_source() {
    let place = Place::new();
    let file = place.file("a.jsonl", lines(0..10));
    place.import(&file, &[]).ok();
    let mut log = EventWriter::open(place.log()).unwrap();
    for other in ["a long event of another writer", "the next"] {
        log.append(&Event::at(0, "other", json!(other))).unwrap();
    }
    drop(log);
    let file_of_log = place.log().join("app.jsonl");
    let damaged = fs::read_to_string(&file_of_log).unwrap();
    fs::write(&file_of_log, damaged.replace("long", "\0\0\0\0")).unwrap();
    run(["doctor", text(&place.log()), "--repair"]).ok();
    for n in [11, 20] {
        fs::write(&file, lines(0..n)).unwrap();
        place.import(&file, &[]).ok();
        let there = [numbers(0..10), vec![json!("the next")], numbers(10..n)].concat();
        assert_eq!(data(&place.log()), there);
    }
}

#[test]
fn a_line_that_the_log_refused_is_not_looked_for_behind_other_events() {
    let place = Place::new();
    let refused = "{\"type\":\"n\",\"data\":1e999,\"ts\":1}\n";
    let file = place.file("a.jsonl", lines(0..2) + refused + &lines(2..4));
    place.import(&file, &[]).failed(1);
    EventWriter::open(place.log())
        .unwrap()
        .append(&Event::at(0, "other", json!("mine")))
        .unwrap();
    let error = place.import(&file, &[]).failed(1);
    assert!(error.contains("line 3"), "{error}");
    place.import(&file, &["--skip-bad"]).ok();
    let all = [numbers(0..2), vec![json!("mine")], numbers(2..4)].concat();
    assert_eq!(data(&place.log()), all);
}
