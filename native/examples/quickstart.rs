//! The life of a log on real events: `cargo run --release --example quickstart [-- PATH]`
//!
//! `PATH` is any JSONL file whose lines are objects with `type`, `data` and `ts` (Unix seconds).

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{env, fmt, thread};

use eventfold::{Durability, Event, EventLog, EventReader, Record, WaitResult};

/// The largest file taken: unlike the log, this example holds all events in memory.
const MAX_INPUT: u64 = 256 << 20;
/// The state of our views. Any type will do that serde can save.
type Counts = BTreeMap<String, u64>;

fn main() -> Result<(), Failure> {
    let native = Path::new(env!("CARGO_MANIFEST_DIR"));
    let matches = native.with_file_name("tests/fixtures/football-matches.jsonl");
    let path = env::args_os().nth(1).map_or(matches, PathBuf::from);
    let events = load(&path)?;
    let none = format!("{} has no events", path.display());
    let (last, rest) = events.split_last().ok_or(none)?;
    let (first, later) = rest.split_at(rest.len().saturating_sub(400));
    let dir = tempfile::TempDir::with_prefix("eventfold-")?.keep();
    let mut log = open(&dir)?;
    append(&mut log, first)?;
    fold(&mut log)?;
    let refused = EventLog::open(&dir).err().ok_or("two writers at once")?;
    let refused = refused.to_string().replace(" (", "\n         (");
    let refused = refused.replace("; ", ";\n         ");
    println!("lock     a second writer is told at once:\n         {refused}");
    rotate_under_a_reader(&mut log, later)?;
    drop(log);
    let log = crash(&dir, last)?;
    let start = Instant::now();
    let back: Vec<Record> = log.read_full()?.collect::<io::Result<_>>()?;
    let (n, took) = (back.len(), start.elapsed());
    if !back.iter().map(|record| &record.event).eq(&events) {
        return Err("what was read back is not what went in".into());
    }
    println!("check    {n} events read back, all equal, in {took:.1?}");
    println!("look     cd {}", dir.display());
    println!("         zstd -dc archive.jsonl.zst | head -n 3");
    println!("         cat app.jsonl torn.bin views/types.snapshot.json");
    println!("remove   rm -r {}", dir.display());
    Ok(())
}

/// A program names its views each time it opens the log; they go on from their snapshots.
fn open(dir: &Path) -> io::Result<EventLog> {
    let counted = |mut counts: Counts, name: String| {
        *counts.entry(name).or_default() += 1;
        counts
    };
    EventLog::builder(dir)
        .durability(Durability::Buffered)
        .view("types", move |counts, event: &Event| {
            counted(counts, event.event_type.clone())
        })
        .view("actors", move |counts, event: &Event| match &event.actor {
            Some(actor) => counted(counts, format!("{} by {actor}", event.event_type)),
            None => counts,
        })
        .open()
}

fn append(log: &mut EventLog, events: &[Event]) -> Result<(), Failure> {
    let (single, batched) = events.split_at(events.len().min(200));
    let start = Instant::now();
    for event in single {
        // Once this has returned, neither a crash nor a power cut takes the event.
        log.append_with(event, Durability::Synced)?;
    }
    let (n, took) = (single.len(), start.elapsed());
    println!("append   {n} events, each synced before the next, in {took:.1?}");
    let start = Instant::now();
    for batch in batched.chunks(500) {
        log.append_batch(batch)?;
    }
    // Until here a power cut could have taken the batches, since they are only buffered.
    log.sync()?;
    let (n, took) = (batched.len(), start.elapsed());
    println!("         {n} events in batches of 500, then one sync, in {took:.1?}");
    Ok(())
}

fn fold(log: &mut EventLog) -> Result<(), Failure> {
    let start = Instant::now();
    log.refresh_all()?;
    let took = start.elapsed();
    println!("fold     two views of these events, saved as snapshots, in {took:.1?}");
    for view in ["types", "actors"] {
        let mut counts: Vec<_> = log.view::<Counts>(view)?.iter().collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        for (name, count) in counts.iter().take(5) {
            let name = name.replace(char::is_control, "?");
            println!("         {count:8} {name:.60}");
        }
    }
    Ok(())
}

/// Appends, rotates and appends again, while a reader follows in another thread.
fn rotate_under_a_reader(log: &mut EventLog, events: &[Event]) -> Result<(), Failure> {
    let (reader, from, wanted) = (log.reader(), log.writer().end_position(), events.len());
    let follower = thread::spawn(move || follow(&reader, from, wanted));
    let (before, after) = events.split_at(wanted / 2);
    log.append_batch(before)?;
    let start = Instant::now();
    let rotation = log.rotate()?;
    let (took, lines, archive) = (start.elapsed(), rotation.bytes, rotation.archived);
    let ratio = lines as f64 / archive.max(1) as f64;
    println!("rotate   {lines} bytes became {archive} of archive ({ratio:.1} to 1) in {took:.1?};");
    println!("         app.jsonl is empty, but the next event starts at position {lines}");
    for event in after {
        log.append(event)?;
    }
    let seen = follower.join().map_err(|_| "the reader panicked")??;
    println!("follow   meanwhile a reader without a lock met {seen} of these {wanted} events");
    Ok(())
}

/// Reads events from `position` on as they come, until it has `wanted` of them.
fn follow(reader: &EventReader, position: u64, wanted: usize) -> io::Result<usize> {
    let (mut records, mut seen) = (reader.read_from(position)?, 0);
    let patience = Duration::from_secs(10);
    while seen < wanted {
        if reader.wait_for_events(records.position(), patience)? == WaitResult::Timeout {
            break;
        }
        // Its `None` is the end for now: the same iterator goes on when there is more.
        for record in &mut records {
            record?;
            seen += 1;
        }
    }
    Ok(seen)
}

/// Leaves what a crash in the middle of a write leaves, and opens the log again.
fn crash(dir: &Path, event: &Event) -> Result<EventLog, Failure> {
    let line = serde_json::to_vec(event)?;
    let (half, _) = line.split_at(line.len() / 2);
    let mut file = File::options().append(true).open(dir.join("app.jsonl"))?;
    file.write_all(half)?;
    let start = Instant::now();
    let mut log = open(dir)?;
    let (took, cut) = (start.elapsed(), log.recovery().torn_log_bytes);
    println!("crash    half an event was left at the end of app.jsonl: opening the log");
    println!("         again moved its {cut} bytes to torn.bin, in {took:.1?}");
    // It was never acknowledged, so the program appends it again.
    log.append_with(event, Durability::Synced)?;
    Ok(log)
}

/// The events of a file. A line that is none is left out; the first ten are named.
fn load(path: &Path) -> Result<Vec<Event>, Failure> {
    let (file, mut bytes) = (path.display(), Vec::new());
    File::open(path)
        .and_then(|file| file.take(MAX_INPUT + 1).read_to_end(&mut bytes))
        .map_err(|error| format!("cannot read {file}: {error}"))?;
    if bytes.len() as u64 > MAX_INPUT {
        return Err(format!("{file} is longer than the {MAX_INPUT} bytes taken here").into());
    }
    let (mut events, mut refused) = (Vec::new(), 0);
    for (line, at) in bytes.split(|byte| *byte == b'\n').zip(1..) {
        match serde_json::from_slice(line) {
            Ok(event) => events.push(event),
            Err(_) if line.trim_ascii().is_empty() => {}
            Err(error) => {
                refused += 1;
                if refused <= 10 {
                    let reason = error.to_string();
                    let reason = reason.split(" at line 1 ").next().unwrap_or_default();
                    eprintln!("{file}:{at}: {reason:.80}");
                }
            }
        }
    }
    let n = events.len();
    println!("events   {n} read and {refused} lines refused in\n         {file}");
    Ok(events)
}

/// An error as `main` prints it, which is by `Debug`.
struct Failure(String);
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl<E: fmt::Display> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}
