//! Real events go in, are rotated and reopened on the way, and come out equal.
//!
//! The data lies in the directory that `EVENTFOLD_DATA` names, else in `../shared/data` beside
//! the repository; where there is neither, the fixture of this package is used. Each test says
//! what it used.

#![cfg(not(target_arch = "wasm32"))]

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use eventfold::{Durability, Event, EventLog, EventReader};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Number, Value};
use tempfile::tempdir;

#[path = "real_events/text.rs"]
mod text;

const SEGMENTS: usize = 6;
const BATCH: usize = 500;

macro_rules! come_back_equal {
    ($($name:ident: $file:literal $(, $check:expr)?;)*) => {
        $(#[test]
        fn $name() {
            let Some(file) = DataFile::read($file) else { return };
            let check: &[fn(&EventReader)] = &[$($check)?];
            come_back_equal(&file, check);
        })*
    };
}

come_back_equal! {
    crdt_changes: "crdt-changes", each_device_counts_without_a_gap;
    deep_syntax_trees: "deep-syntax-trees";
    football_matches: "football-matches";
    git_history_ant_design: "git-history-ant-design";
    github_webhooks: "github-webhooks";
    json_conformance: "json-conformance";
    number_extremes: "number-extremes";
    online_retail: "online-retail-2010-12-to-2011-06";
    text_keystrokes: "text-keystrokes";
    unicode_documents: "unicode-documents";
    vulnerability_records: "vulnerability-records";
    wikipedia_edits: "wikipedia-edits";
    windows_event_log: "windows-event-log";
}

type Counts = BTreeMap<String, u64>;

/// Appends all lines in segments, with a rotation and a new opening after each, and compares each
/// event as soon as it is readable and again at the end.
fn come_back_equal(file: &DataFile, checks: &[fn(&EventReader)]) {
    let start = Instant::now();
    let dir = tempdir().unwrap();
    let lines: Vec<&[u8]> = file.lines().collect();
    let mut counts = Counts::new();
    let mut refused = Vec::new();
    let mut history = Vec::new();
    let mut positions = Vec::new();
    // Reads on across every rotation and every new opening.
    let mut follower = None;

    let segment_len = lines.len().div_ceil(SEGMENTS);
    for (segment, lines) in lines.chunks(segment_len).enumerate() {
        let folded = Arc::new(AtomicU64::new(0));
        let mut log = open(dir.path(), Arc::clone(&folded));
        assert!(log.recovery().is_clean());
        assert_eq!(log.view::<Counts>("types").unwrap(), &counts);
        let follower = follower.get_or_insert_with(|| log.read_full().unwrap());
        let before = positions.len();
        for (batch, lines) in lines.chunks(BATCH).enumerate() {
            let first = segment * segment_len + batch * BATCH + 1;
            let mut events = Vec::new();
            for (number, line) in (first..).zip(lines) {
                match serde_json::from_slice::<Event>(line) {
                    Ok(event) => events.push(event),
                    Err(error) => refused.push((number, error.to_string())),
                }
            }
            let appended = log.append_batch(&events).unwrap();
            for (event, appended) in events.iter().zip(appended) {
                let record = follower.next().unwrap().unwrap();
                assert!(same_event(&record.event, event), "{event:?}");
                assert_eq!(record.position, appended.position);
                assert_eq!(record.next_position, appended.next_position);
                assert_eq!(record.hash(), appended.hash);
                positions.push(record.position);
                *counts.entry(event.event_type.clone()).or_default() += 1;
            }
            assert!(follower.next().is_none());
        }
        log.refresh_all().unwrap();
        assert_eq!(log.view::<Counts>("types").unwrap(), &counts);
        let new = positions.len() - before;
        assert_eq!(
            folded.load(Ordering::SeqCst),
            new as u64,
            "only what is new was folded"
        );
        history.extend(fs::read(dir.path().join("app.jsonl")).unwrap());
        if segment + 1 < SEGMENTS {
            log.rotate().unwrap();
        }
    }
    positions.push(history.len() as u64);
    let reader = EventReader::new(dir.path());
    assert_reads(&reader, &history, &positions);
    drop(open(dir.path(), Arc::default()));
    EventLog::open(dir.path()).unwrap().rotate().unwrap();
    assert_reads(&reader, &history, &positions);
    assert_archive_is(dir.path(), &history);
    for check in checks {
        check(&reader);
    }
    file.assert_refused(&refused);
    file.say(&format!(
        "{} events in {SEGMENTS} segments came back equal, {} lines refused, {:.1} s",
        positions.len() - 1,
        refused.len(),
        start.elapsed().as_secs_f64(),
    ));
}

fn open(dir: &Path, folded: Arc<AtomicU64>) -> EventLog {
    EventLog::builder(dir)
        .durability(Durability::Buffered)
        .typed_view(
            "types",
            move |mut counts: Counts, event: &Event<IgnoredAny>| {
                folded.fetch_add(1, Ordering::SeqCst);
                match counts.get_mut(&event.event_type) {
                    Some(count) => *count += 1,
                    None => drop(counts.insert(event.event_type.clone(), 1)),
                }
                counts
            },
        )
        .open()
        .unwrap()
}

/// Each line stands where it was appended, read in one go and from 50 positions by themselves.
fn assert_reads(reader: &EventReader, history: &[u8], positions: &[u64]) {
    let line = |n: usize| &history[positions[n] as usize..positions[n + 1] as usize - 1];
    let mut read = reader.read_full().unwrap().typed::<IgnoredAny>();
    for (n, position) in positions[..positions.len() - 1].iter().enumerate() {
        let record = read.next().unwrap().unwrap();
        assert_eq!(
            (record.position, record.next_position),
            (*position, positions[n + 1])
        );
        assert!(record.line() == line(n));
    }
    assert!(read.next().is_none());
    let mut random = history.len();
    for _ in 0..50 {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let n = (random >> 33) % (positions.len() - 1);
        let mut from = reader
            .read_from(positions[n])
            .unwrap()
            .typed::<IgnoredAny>();
        let record = from.next().unwrap().unwrap();
        assert_eq!(record.position, positions[n]);
        assert!(record.line() == line(n));
    }
}

/// What `zstd -dc` prints is the history.
fn assert_archive_is(dir: &Path, history: &[u8]) {
    let file = File::open(dir.join("archive.jsonl.zst")).unwrap();
    let mut decoder = zstd::Decoder::new(file).unwrap();
    let mut rest = history;
    let mut buffer = vec![0; 1 << 20];
    loop {
        let n = decoder.read(&mut buffer).unwrap();
        if n == 0 {
            return assert!(rest.is_empty());
        }
        rest = rest.strip_prefix(&buffer[..n]).unwrap();
    }
}

fn each_device_counts_without_a_gap(reader: &EventReader) {
    #[derive(Deserialize)]
    struct Change {
        actor: String,
        seq: u64,
    }
    let mut last = BTreeMap::new();
    for record in reader.read_full().unwrap().typed::<Change>() {
        let event = record.unwrap().event;
        assert!(
            event
                .data
                .actor
                .starts_with(event.actor.as_deref().unwrap())
        );
        let last = last.entry(event.data.actor).or_insert(0);
        *last += 1;
        assert_eq!(*last, event.data.seq);
    }
    assert!(!last.is_empty());
}

/// One file of events.
struct DataFile {
    name: String,
    bytes: Vec<u8>,
}

impl DataFile {
    /// `None`, and said so, where the data is not at hand.
    fn read(name: &str) -> Option<Self> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let beside = manifest.join("../../shared/data");
        let given = env::var_os("EVENTFOLD_DATA").map(PathBuf::from);
        let path = match given.or_else(|| beside.is_dir().then_some(beside)) {
            Some(dir) => dir.join(format!("{name}.jsonl.zst")),
            None => manifest.join(format!("fixtures/{name}.jsonl")),
        };
        let path = path.canonicalize().unwrap_or(path);
        let shown = path.display();
        if !path.exists() {
            say(&format!(
                "{name}: NOT RUN, there is no {shown}; set EVENTFOLD_DATA"
            ));
            return None;
        }
        let opened = File::open(&path).unwrap_or_else(|error| panic!("{shown}: {error}"));
        let mut bytes = Vec::new();
        if path.extension().is_some_and(|extension| extension == "zst") {
            let mut decoder = zstd::Decoder::new(opened).unwrap();
            decoder.read_to_end(&mut bytes).unwrap();
        } else {
            (&opened).read_to_end(&mut bytes).unwrap();
        }
        let file = Self {
            name: name.to_owned(),
            bytes,
        };
        file.say(&format!("{} bytes of {shown}", file.bytes.len()));
        Some(file)
    }

    fn lines(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes
            .split(|&byte| byte == b'\n')
            .filter(|line| !line.is_empty())
    }

    /// Exactly the lines with a time before 1970 were refused, for that reason.
    fn assert_refused(&self, refused: &[(usize, String)]) {
        let before_1970 = (1..).zip(self.lines()).filter_map(|(number, line)| {
            let text = std::str::from_utf8(line).unwrap();
            text.contains(r#","ts":-"#).then_some(number)
        });
        let numbers: Vec<usize> = before_1970.collect();
        assert!(refused.iter().map(|(number, _)| number).eq(&numbers));
        for (number, error) in refused {
            let named =
                error.contains("invalid value: integer `-") && error.contains("expected u64");
            assert!(named, "{} line {number}: {error}", self.name);
        }
        if let (Some((first, error)), Some((last, _))) = (refused.first(), refused.last()) {
            let gaps = last - first + 1 != refused.len();
            self.say(&format!(
                "line {first} refused: {error}; and so on, {} lines from {first} to {last}{}",
                refused.len(),
                if gaps {
                    ", with gaps"
                } else {
                    ", without a gap"
                },
            ));
        }
    }

    fn say(&self, what: &str) {
        say(&format!("{}: {what}", self.name));
    }
}

/// Prints past the test harness, which hides what a passing test prints.
fn say(what: &str) {
    let line = format!("{what}\n");
    io::stderr().write_all(line.as_bytes()).unwrap();
}

/// Equal, and each number of the same kind and bits.
fn same_event(a: &Event, b: &Event) -> bool {
    let same_meta = match (&a.meta, &b.meta) {
        (Some(a), Some(b)) => same(a, b),
        (a, b) => a.is_none() && b.is_none(),
    };
    (&a.event_type, a.ts, &a.id, &a.actor) == (&b.event_type, b.ts, &b.id, &b.actor)
        && same(&a.data, &b.data)
        && same_meta
}

fn same(a: &Value, b: &Value) -> bool {
    let bits = |number: &Number| number.as_f64().map(f64::to_bits);
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b && (!a.is_f64() || bits(a) == bits(b)),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            let mut pairs = a.iter().zip(b);
            a.len() == b.len() && pairs.all(|(a, b)| a.0 == b.0 && same(a.1, b.1))
        }
        (a, b) => a == b,
    }
}
