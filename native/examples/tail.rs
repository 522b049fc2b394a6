//! Two processes: one appends and rotates, the other follows. `cargo run --example tail`

use std::env;
use std::error::Error;
use std::process::Command;
use std::time::Duration;

use eventfold::{Event, EventLog, EventReader};

fn main() -> Result<(), Box<dyn Error>> {
    if let Some(dir) = env::args_os().nth(1) {
        return write(&dir);
    }
    let dir = tempfile::tempdir()?;
    let mut events = EventReader::new(dir.path()).read_full()?.typed::<u64>();
    let mut writer = Command::new(env::current_exe()?).arg(dir.path()).spawn()?;
    let mut sum = 0;
    for _ in 0..10 {
        // It sleeps until the system tells of a change.
        let record = events.wait_next(Duration::from_secs(60));
        let record = record.ok_or("nothing came for a minute")??;
        sum += record.event.data;
        println!("{:>4} {} {sum}", record.position, record.event.event_type);
    }
    match writer.wait()?.success() {
        true => Ok(()),
        false => Err("the writer failed".into()),
    }
}

/// The other process. It rotates in the middle, which changes no position.
fn write(dir: &std::ffi::OsStr) -> Result<(), Box<dyn Error>> {
    let mut log = EventLog::open(dir)?;
    for n in 1..=10_u64 {
        log.append(&Event::at(n, "counted", n))?;
        if n % 4 == 0 {
            log.rotate()?;
        }
    }
    Ok(())
}
