use std::ffi::c_int;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use eventfold::{Durability, Event, EventReader, EventWriter, SharedWriter};
use serde_json::{Value, json};
use signal_hook::consts::TERM_SIGNALS;

use crate::args;
use crate::disk::Disk;
use crate::failure::{Failure, Outcome};
use crate::files::{check_is_there, nameless};
use crate::output::{self, DIM, Screen, count, safe_line, wrapped};

/// What a row writes at most, however fast the disk is.
const MAX_BYTES: u64 = 64 << 20;
/// Appends under way at once, in the row of that name.
const IN_FLIGHT: usize = 64;

/// Measure what the disk under a directory can do.
///
/// In a directory of its own inside DIR, which is removed afterwards; a log that is in DIR is not
/// touched. Events are of about 490 bytes, as real ones often are. The bare row writes and syncs
/// the same bytes without a log, in turns with the durable appends. A row takes --seconds at most,
/// and 64 MiB.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  eventfold bench .
  eventfold bench /mnt/usb --seconds 10
  eventfold bench . --json | jq '.rows[0].p99_us'")]
pub(crate) struct Bench {
    /// A directory on the disk
    dir: PathBuf,
    /// How long a row takes
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = seconds, allow_negative_numbers = true)]
    seconds: u64,
    /// As one JSON object
    #[arg(long)]
    json: bool,
}

fn seconds(text: &str) -> Result<u64, String> {
    match args::seconds(text)? {
        seconds @ 1..=600 => Ok(seconds),
        _ => Err("a row takes from 1 to 600 seconds".into()),
    }
}

/// When a row ends.
#[derive(Debug)]
struct Limit {
    time: Duration,
    /// Ctrl-C and the like end all rows, so that what they wrote is removed: the signal, or 0.
    signal: Arc<AtomicUsize>,
}

impl Limit {
    fn of(time: Duration) -> io::Result<Self> {
        let signal = Arc::default();
        for which in TERM_SIGNALS {
            signal_hook::flag::register_usize(*which, Arc::clone(&signal), *which as usize)?;
        }
        Ok(Self { time, signal })
    }

    fn is_reached(&self, took: Duration, bytes: u64) -> bool {
        took >= self.time || bytes >= MAX_BYTES || self.signal() != 0
    }

    fn signal(&self) -> c_int {
        self.signal.load(Ordering::Relaxed) as c_int
    }
}

/// What came of one kind of work.
#[derive(Debug)]
struct Row {
    name: &'static str,
    events: u64,
    bytes: u64,
    took: Duration,
    /// How long each event took, where each was waited for.
    each: Vec<Duration>,
}

impl Bench {
    pub(crate) fn run(self) -> Outcome {
        check_is_there(&self.dir)?;
        let cannot = |error| {
            Failure::io(
                format_args!("cannot measure {}", self.dir.display()),
                &error,
            )
        };
        let place = tempfile::Builder::new()
            .prefix("eventfold-bench-")
            .tempdir_in(&self.dir)
            .map_err(|error| cannot(nameless(error)))?;
        let limit = Limit::of(Duration::from_secs(self.seconds)).map_err(cannot)?;
        let [bare, durable] = durable(place.path(), &limit).map_err(cannot)?;
        let rows = [
            bare,
            durable,
            in_flight(&place.path().join("shared"), &limit).map_err(cannot)?,
            buffered(&place.path().join("buffered"), &limit).map_err(cannot)?,
            replay(&place.path().join("buffered"), &limit).map_err(cannot)?,
        ];
        place.close().map_err(cannot)?;
        match limit.signal() {
            0 => {}
            signal => signal_hook::low_level::emulate_default_handler(signal).map_err(cannot)?,
        }
        match self.json {
            true => output::json(&self.to_json(&rows)),
            false => self.tell(&rows),
        }
    }

    fn to_json(&self, rows: &[Row]) -> Value {
        let rows = rows.iter().map(|row| {
            json!({
                "work": row.name,
                "events_per_second": row.events_per_second(),
                "bytes_per_second": row.bytes as f64 / row.seconds(),
                "median_us": row.quantile(0.5),
                "p99_us": row.quantile(0.99),
            })
        });
        json!({
            "dir": self.dir.to_string_lossy(),
            "file_system": Disk::of(&self.dir).map(|disk| disk.file_system),
            "rows": rows.collect::<Vec<_>>(),
        })
    }

    fn tell(&self, rows: &[Row]) -> Outcome {
        let screen = Screen::of_stdout();
        if let Some(disk) = Disk::of(&self.dir) {
            let text = format!(
                "{} on {}: {}",
                disk.file_system, disk.mounted_on, disk.reason
            );
            let width = screen.width.unwrap_or(usize::MAX);
            output::line(&wrapped(&safe_line(&text), 0, width))?;
        }
        for row in rows {
            output::line(&row.text(&screen))?;
        }
        Ok(())
    }
}

impl Row {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            events: 0,
            bytes: 0,
            took: Duration::ZERO,
            each: Vec::new(),
        }
    }

    fn add(&mut self, events: u64, bytes: u64, took: Duration) {
        self.events += events;
        self.bytes += bytes;
        self.each.push(took);
    }

    fn seconds(&self) -> f64 {
        self.took.as_secs_f64().max(1e-9)
    }

    fn events_per_second(&self) -> f64 {
        self.events as f64 / self.seconds()
    }

    /// In microseconds.
    fn quantile(&self, share: f64) -> Option<f64> {
        let mut each = self.each.clone();
        each.sort_unstable();
        let at = (each.len() as f64 * share) as usize;
        each.get(at.min(each.len().saturating_sub(1)))
            .map(|time| time.as_secs_f64() * 1e6)
    }

    fn text(&self, screen: &Screen) -> String {
        let rate = format!("{} events/s", count(self.events_per_second() as u64));
        let more = match (self.quantile(0.5), self.quantile(0.99)) {
            (Some(median), Some(p99)) => format!("median {median:.0} µs, p99 {p99:.0} µs"),
            _ => format!("{:.1} MB/s", self.bytes as f64 / self.seconds() / 1e6),
        };
        let name = screen.paint(DIM, &format!("{:<30}", self.name));
        match screen.width.is_some_and(|width| width < 80) {
            true => format!("{}\n  {rate}, {more}", name.trim_end()),
            false => format!("{name} {rate:>18}   {more}"),
        }
    }
}

/// Of about 490 bytes as a line.
fn event(n: u64) -> Event {
    let text = "what happened, in words and figures as they come; ".repeat(8);
    Event::at(
        1_700_000_000 + n,
        "bench.event",
        json!({ "n": n, "text": text }),
    )
}

/// Bare writes with a sync, and durable appends, in turns.
fn durable(dir: &Path, limit: &Limit) -> io::Result<[Row; 2]> {
    let mut writer = EventWriter::open(dir.join("durable"))?;
    let path = dir.join("bare");
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    let mut rows = ["write + fdatasync, bare", "durable append"].map(Row::new);
    let start = Instant::now();
    for n in 0.. {
        let [bare, ours] = &mut rows;
        let event = event(n);
        let begin = Instant::now();
        let appended = writer.append(&event)?;
        let bytes = appended.next_position - appended.position;
        ours.add(1, bytes, begin.elapsed());
        let line = vec![b'x'; bytes as usize];
        let begin = Instant::now();
        file.write_all(&line)?;
        file.sync_data()?;
        bare.add(1, bytes, begin.elapsed());
        if limit.is_reached(start.elapsed() / 2, ours.bytes) {
            break;
        }
    }
    for row in &mut rows {
        row.took = row.each.iter().sum();
    }
    Ok(rows)
}

fn in_flight(dir: &Path, limit: &Limit) -> io::Result<Row> {
    let writer = SharedWriter::new(EventWriter::open(dir)?);
    let mut row = Row::new("durable append, 64 under way");
    let start = Instant::now();
    while !limit.is_reached(start.elapsed(), row.bytes) {
        let receipts: Vec<_> = (0..IN_FLIGHT as u64)
            .map(|n| writer.submit(&event(n)))
            .collect::<io::Result<_>>()?;
        for receipt in receipts {
            let appended = receipt.wait()?;
            row.events += 1;
            row.bytes += appended.next_position - appended.position;
        }
    }
    row.took = start.elapsed();
    Ok(row)
}

fn buffered(dir: &Path, limit: &Limit) -> io::Result<Row> {
    let mut writer = EventWriter::open(dir)?.with_durability(Durability::Buffered);
    let mut row = Row::new("buffered append");
    let event = event(0);
    let start = Instant::now();
    while !limit.is_reached(start.elapsed(), row.bytes) {
        let appended = writer.append(&event)?;
        row.events += 1;
        row.bytes += appended.next_position - appended.position;
    }
    row.took = start.elapsed();
    Ok(row)
}

/// Of what was just written, which the system keeps in memory as a rule.
fn replay(dir: &Path, limit: &Limit) -> io::Result<Row> {
    let mut row = Row::new("replay that looks at the type");
    let start = Instant::now();
    loop {
        let mut events = EventReader::new(dir).read_full()?;
        while let Some(event) = events.next_ref() {
            row.events += u64::from(event?.event_type() == "bench.event");
        }
        row.bytes += events.position();
        if limit.is_reached(start.elapsed(), 0) {
            break;
        }
    }
    row.took = start.elapsed();
    Ok(row)
}
