//! Other processes: this program again, with a role.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use eventfold::{Durability, Event, EventLog, EventReader, EventWriter};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

pub const FLAG: &str = "--child";

/// Starts this program as a child with a role, in `dir`.
pub fn start(role: &str, dir: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([FLAG, role])
        .arg(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The peak of a child's resident memory, in MiB.
pub fn peak(role: &str, dir: &Path) -> f64 {
    let output = start(role, dir).wait_with_output().unwrap();
    assert!(output.status.success(), "{role} failed");
    let peak = String::from_utf8(output.stdout).unwrap();
    peak.trim().parse::<f64>().unwrap() / 1024.0
}

/// Nanoseconds of a clock that all processes share.
pub fn now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

pub fn main(args: &[String]) {
    let [role, dir] = args else {
        panic!("a child is given its role and a directory");
    };
    let dir = Path::new(dir);
    match role.as_str() {
        "append" => append(dir),
        "append-0.2.0" => append_0_2(dir),
        "append-bare" => append_bare(dir),
        "wait" => wait(dir),
        "wait-0.2.0" => wait_0_2(dir),
        _ => {
            work(role, dir);
            let status = fs::read_to_string("/proc/self/status").unwrap();
            let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            println!("{}", peak.unwrap().trim().trim_end_matches(" kB"));
        }
    }
}

/// What is measured for its memory.
fn work(role: &str, dir: &Path) {
    match role {
        "idle" => {}
        "write" => write(dir),
        "read" => read(dir),
        "read-0.2.0" => read_0_2(dir),
        "point" => point(dir),
        "rotate" => drop(EventLog::open(dir).unwrap().rotate().unwrap()),
        "rotate-0.2.0" => eventfold_0_2::EventLog::open(dir)
            .unwrap()
            .rotate()
            .unwrap(),
        _ => panic!("no role {role}"),
    }
}

fn append(dir: &Path) {
    let mut log = EventWriter::open(dir).unwrap();
    when_told(|| {
        let event = Event::new("tick", json!({ "at": now() }));
        log.append_with(&event, Durability::Buffered).unwrap();
    });
}

fn append_0_2(dir: &Path) {
    let mut log = eventfold_0_2::EventWriter::open(dir).unwrap();
    when_told(|| {
        let event = eventfold_0_2::Event::new("tick", json!({ "at": now() }));
        log.append(&event).unwrap();
    });
}

fn append_bare(dir: &Path) {
    let path = dir.join("app.jsonl");
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .unwrap();
    when_told(|| file.write_all(format!("{}\n", now()).as_bytes()).unwrap());
}

fn wait(dir: &Path) {
    let reader = EventReader::new(dir);
    let end = EventLog::open(dir).unwrap().end_position();
    loop {
        reader
            .wait_for_events(end, Duration::from_secs(60))
            .unwrap();
    }
}

fn wait_0_2(dir: &Path) {
    let reader = eventfold_0_2::EventReader::new(dir);
    let end = reader.active_log_size().unwrap();
    loop {
        reader
            .wait_for_events(end, Duration::from_secs(60))
            .unwrap();
    }
}

/// For each byte of standard input, a little later: so that who waits for it does wait by then.
fn when_told(mut act: impl FnMut()) {
    println!("ready");
    let mut byte = [0];
    while io::stdin().read(&mut byte).unwrap() == 1 {
        std::thread::sleep(Duration::from_millis(2));
        act();
    }
}

/// Appends what `lines` beside the directory holds, one event in memory at a time.
fn write(dir: &Path) {
    let builder = EventLog::builder(dir).max_log_size(64 << 20);
    let mut log = builder.open().unwrap();
    let lines = BufReader::new(File::open(dir.with_file_name("lines")).unwrap());
    for line in lines.lines() {
        let event: Event = serde_json::from_str(&line.unwrap()).unwrap();
        log.append_with(&event, Durability::Buffered).unwrap();
    }
}

fn read(dir: &Path) {
    let events = EventReader::new(dir).read_full().unwrap();
    assert!(events.map(Result::unwrap).count() > 0);
}

/// One event from the midst of the archive.
fn point(dir: &Path) {
    let position = fs::read_to_string(dir.with_file_name("position")).unwrap();
    let position = position.parse().unwrap();
    let mut events = EventReader::new(dir).read_from(position).unwrap();
    assert_eq!(events.next().unwrap().unwrap().position, position);
}

fn read_0_2(dir: &Path) {
    let events = eventfold_0_2::EventReader::new(dir).read_full().unwrap();
    assert!(events.map(Result::unwrap).count() > 0);
}

/// When the event was appended, by its data.
pub fn at(data: &Value) -> u64 {
    data["at"].as_u64().unwrap()
}
