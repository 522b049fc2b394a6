//! A point of a log's history, as it is typed.

use std::io;

use eventfold::{Error, EventReader};

use crate::args;
use crate::failure::{Failure, Outcome};
use crate::reading;
use crate::times;

/// The log as it stood there: the events before it.
#[derive(Debug, Clone, Copy)]
pub(super) enum At {
    Position(u64),
    /// Before the first event that is later.
    Time(u64),
    End,
}

pub(super) fn parse(text: &str) -> Result<At, String> {
    if text == "end" {
        return Ok(At::End);
    }
    match args::position(text) {
        Ok(position) => Ok(At::Position(position)),
        Err(_) => times::parse(text).map(At::Time).map_err(|_| {
            "expected a position, end, a time such as 2024-06-01T12:00:00Z, @1717243200 for Unix \
             seconds, or how long ago: 2h"
                .into()
        }),
    }
}

impl At {
    /// Its position in a log that ends at `end`.
    pub(super) fn position(self, reader: &EventReader, end: u64) -> Outcome<u64> {
        match self {
            Self::End => Ok(end),
            Self::Time(time) => first_later(reader, time, end),
            Self::Position(position) => match reading::check_position(reader, position) {
                Err(error) => Err(not_there(&error, position)),
                Ok(()) => Ok(position),
            },
        }
    }
}

fn not_there(error: &io::Error, position: u64) -> Failure {
    // Since 2001; few logs are longer than a gigabyte.
    let may_be_time = matches!(Error::of(error), Some(Error::Beyond { .. }))
        && (1_000_000_000..=times::LAST).contains(&position);
    Failure::new(match may_be_time {
        true => format!("{error}; for a time in Unix seconds write @{position}"),
        false => error.to_string(),
    })
}

/// Position of the first event that is later than `time`, or `end`.
fn first_later(reader: &EventReader, time: u64, end: u64) -> Outcome<u64> {
    let mut events = reader.read_full()?;
    while let Some(event) = reading::next_before(&mut events, end) {
        match event {
            Ok(event) if event.ts() > time => return Ok(event.position()),
            // It has no time, and is told by whoever reads up to there.
            Err(error) if error.kind() != io::ErrorKind::InvalidData => return Err(error.into()),
            _ => {}
        }
    }
    Ok(end)
}
