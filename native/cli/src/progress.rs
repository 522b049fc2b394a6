//! How far a long command is, for whoever waits at a terminal.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use crate::output::{self, count, duration};

const PAUSE: Duration = Duration::from_millis(150);

/// A line at the bottom of the terminal that standard error is on; nothing anywhere else.
pub(crate) struct Progress {
    shown: bool,
    is_terminal: bool,
    began: Instant,
    last: Instant,
}

impl Progress {
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        Self {
            shown: false,
            is_terminal: io::stderr().is_terminal(),
            began: now,
            last: now,
        }
    }

    /// Shows, from time to time, how many events are done and which `share` of all that is.
    pub(crate) fn show(&mut self, events: u64, share: Option<f64>) {
        if !self.is_terminal || self.last.elapsed() < PAUSE {
            return;
        }
        self.last = Instant::now();
        self.shown = true;
        let seconds = self.began.elapsed().as_secs_f64();
        let text = text(events, share, seconds);
        let text: String = text
            .chars()
            .take(output::width().unwrap_or(80) - 1)
            .collect();
        let _ = write!(io::stderr(), "\r\x1b[K{text}");
    }

    pub(crate) fn clear(&mut self) {
        if std::mem::take(&mut self.shown) {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

/// The most important first: a narrow terminal cuts off the end.
fn text(events: u64, share: Option<f64>, seconds: f64) -> String {
    let rate = (events as f64 / seconds) as u64;
    let mut text = match share {
        Some(share) => format!("{:3.0}%  ", share * 100.0),
        None => String::new(),
    };
    if let Some(share) = share.filter(|share| *share > 0.005) {
        let left = seconds / share - seconds;
        text.push_str(&format!("{} left  ", duration(left.ceil() as u64)));
    }
    text.push_str(&format!("{} events  {}/s", count(events), count(rate)));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_follows_from_what_was_done() {
        assert_eq!(
            text(1_000, Some(0.25), 10.0),
            " 25%  30 s left  1,000 events  100/s"
        );
        assert_eq!(text(1_000, None, 10.0), "1,000 events  100/s");
    }
}
