//! A writer that works until it is killed.
//!
//! It says each thing that it is about to do, and what came of it:
//!
//! | | |
//! |---|---|
//! | `open`, then `opened NUMBER POSITION` | the number and the place of the next event |
//! | `append NUMBER COUNT`, then COUNT times `appended NUMBER POSITION` | the append has returned |
//! | `rotate`, `refresh`, `sync`, then `done` | |

use std::fmt::Write;
use std::io;
use std::path::Path;

use eventfold::{Durability, Event, EventLog, View};
use serde_json::json;

use super::say;
use crate::sim::image::mix;
use crate::sim::random::Random;

/// The name of the writer's one view.
pub const VIEW: &str = "chain";

/// How many events, and a hash over their numbers in order.
pub type Chain = (u64, u64);

pub fn fold((count, hash): Chain, event: &Event) -> Chain {
    (count + 1, mix(hash, event.ts))
}

/// The event of this number: most are short, some are longer than a page, and a few so long that
/// a kill can come in the midst of their write.
pub fn event(number: u64) -> Event {
    let mut random = Random(number);
    let len = match random.below(25) {
        0 => 4097 << random.below(6),
        _ => random.below(80),
    };
    let letter = char::from(b'a' + (number % 26) as u8);
    let text = String::from(letter).repeat(len);
    let event = Event::at(number, "worked", json!({ "text": text }));
    match random.below(3) {
        0 => event.with_id(format!("id {number}")),
        _ => event,
    }
}

/// How a writer works.
struct Habits {
    /// At most so many events in an append.
    batch: usize,
    /// One append in so many waits for the disk.
    synced: usize,
    /// One append in so many is followed by a rotation.
    rotation: usize,
    /// One append in so many is followed by a refresh.
    refresh: usize,
    max_log_size: Option<u64>,
}

impl Habits {
    fn drawn(random: &mut Random) -> Self {
        Self {
            batch: [1, 1, 2, 5][random.below(4)],
            synced: [1, 1, 2, 1000][random.below(4)],
            rotation: [2, 6, 30][random.below(3)],
            refresh: [2, 6, 30][random.below(3)],
            max_log_size: random.one_in(3).then(|| 1 << (8 + random.below(6))),
        }
    }
}

/// Goes on where the log ends, with habits and moves drawn from the seed, until it is killed.
///
/// # Errors
/// Whatever the log fails with, which nothing here should make it do.
pub fn work(dir: &Path, seed: u64) -> io::Result<()> {
    let mut random = Random(seed);
    let habits = Habits::drawn(&mut random);
    let mut builder = EventLog::builder(dir).view(VIEW, fold);
    if let Some(bytes) = habits.max_log_size {
        builder = builder.max_log_size(bytes);
    }
    say("open")?;
    let mut log = builder.open()?;
    let mut next = View::new(VIEW, fold)?.refresh(&log.reader())?.0;
    say(format_args!("opened {next} {}", log.end_position()))?;
    loop {
        let count = 1 + random.below(habits.batch) as u64;
        let events: Vec<Event> = (next..next + count).map(event).collect();
        let durability = match random.one_in(habits.synced) {
            true => Durability::Synced,
            false => Durability::Buffered,
        };
        say(format_args!("append {next} {count}"))?;
        let appended = match &events[..] {
            [event] => vec![log.append_with(event, durability)?],
            events => log.append_batch_with(events, durability)?,
        };
        let mut said = String::new();
        for (number, at) in (next..).zip(&appended) {
            let _ = writeln!(said, "appended {number} {}", at.position);
        }
        say(said.trim_end())?;
        next += count;
        if random.one_in(habits.rotation) {
            say("rotate")?;
            log.rotate()?;
            say("done")?;
        }
        if random.one_in(habits.refresh) {
            say("refresh")?;
            log.refresh_all()?;
            say("done")?;
        }
        if random.one_in(20) {
            say("sync")?;
            log.sync()?;
            say("done")?;
        }
    }
}
