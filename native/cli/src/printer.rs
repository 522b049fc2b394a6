//! Events on standard output: a line each for people, JSONL for programs.

use std::fmt::Write as _;
use std::io::{self, BufWriter, StdoutLock, Write};

use clap::Args;
use eventfold::EventRef;
use unicode_width::UnicodeWidthChar;

use crate::failure::Outcome;
use crate::output::{BOLD, DIM, PALETTE, Screen, cannot_write, safe_line};
use crate::times;

/// In which form events are printed.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Form")]
pub(crate) struct Form {
    /// The log's own lines, JSONL; the default unless standard output is a terminal
    #[arg(long, conflicts_with = "human")]
    json: bool,
    /// A line for people: time, type, data, identifier and actor; the default on a terminal
    #[arg(long)]
    human: bool,
    /// Do not cut lines at the terminal's width
    #[arg(long)]
    full: bool,
    /// With the position of each event
    #[arg(short, long)]
    positions: bool,
}

pub(crate) struct Printer {
    form: Form,
    screen: Screen,
    human: bool,
    out: BufWriter<StdoutLock<'static>>,
}

impl Printer {
    pub(crate) fn new(form: Form) -> Self {
        let screen = Screen::of_stdout();
        Self {
            form,
            screen,
            human: form.human || (screen.is_terminal && !form.json),
            out: BufWriter::with_capacity(64 << 10, io::stdout().lock()),
        }
    }

    pub(crate) fn print(&mut self, event: &EventRef<'_>) -> Outcome {
        let written = if self.human {
            let line = self.for_people(event);
            writeln!(self.out, "{line}")
        } else {
            let line = event.line();
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let position = match self.form.positions {
                true => write!(self.out, "{}\t", event.position()),
                false => Ok(()),
            };
            position
                .and_then(|()| self.out.write_all(&self.screen.line(line)))
                .and_then(|()| self.out.write_all(b"\n"))
        };
        written.map_err(|error| cannot_write(&error))
    }

    pub(crate) fn flush(&mut self) -> Outcome {
        self.out.flush().map_err(|error| cannot_write(&error))
    }

    fn for_people(&self, event: &EventRef<'_>) -> String {
        let width = self.screen.width.filter(|_| !self.form.full);
        let is_narrow = width.is_some_and(|width| width < 72);
        let mut line = Line {
            text: String::new(),
            left: width,
            screen: self.screen,
        };
        if self.form.positions {
            line.add(DIM, &format!("{:>10} ", event.position()));
        }
        let time = times::local(event.ts());
        // Of a time of another day the date is what matters. A number of seconds has neither.
        let shown = match time.split_once(' ') {
            Some((date, clock)) if is_narrow => {
                match times::local(times::now()).starts_with(date) {
                    true => clock,
                    false => date,
                }
            }
            _ => &time,
        };
        line.add(DIM, shown);
        line.add(BOLD, " ");
        let color = hue(event.event_type());
        line.add(color, &safe_line(event.event_type()));
        for (mark, text) in [("#", event.id()), ("@", event.actor())] {
            if let Some(text) = text {
                line.add(DIM, &format!(" {mark}{}", safe_line(text)));
            }
        }
        line.add(anstyle::Style::new(), " ");
        line.add(anstyle::Style::new(), &data(event));
        if let Ok(Some(meta)) = event.meta() {
            line.add(DIM, &format!(" meta {}", safe_line(&meta.to_string())));
        }
        line.text
    }
}

/// The data as it stands in the line: its numbers keep their digits.
fn data(event: &EventRef<'_>) -> String {
    let data: io::Result<&serde_json::value::RawValue> = event.data();
    match data {
        Ok(data) => safe_line(data.get()).into_owned(),
        Err(error) => format!("({})", safe_line(&error.to_string())),
    }
}

/// The same type has the same colour everywhere.
fn hue(event_type: &str) -> anstyle::Style {
    let sum = event_type.bytes().fold(7_usize, |sum, byte| {
        sum.wrapping_mul(31) + usize::from(byte)
    });
    let color = PALETTE.get(sum % PALETTE.len());
    color.map_or(BOLD, |color| color.on_default().bold())
}

/// A line that ends where the terminal does.
struct Line {
    text: String,
    left: Option<usize>,
    screen: Screen,
}

impl Line {
    fn add(&mut self, style: anstyle::Style, text: &str) {
        let Some(left) = self.left else {
            self.text.push_str(&self.screen.paint(style, text));
            return;
        };
        if left == 0 {
            return;
        }
        let mut used = 0;
        let mut cut = None;
        for (at, c) in text.char_indices() {
            let width = c.width().unwrap_or(0);
            if used + width > left {
                cut = Some(at);
                break;
            }
            used += width;
        }
        match cut {
            None => {
                self.text.push_str(&self.screen.paint(style, text));
                self.left = Some(left - used);
            }
            Some(at) => {
                let kept = text.get(..at).unwrap_or_default();
                // The mark takes the place of the last character.
                let kept: String = {
                    let mut chars = kept.chars();
                    if used == left {
                        chars.next_back();
                    }
                    chars.collect()
                };
                self.text.push_str(&self.screen.paint(style, &kept));
                let _ = write!(self.text, "…");
                self.left = Some(0);
            }
        }
    }
}
