//! What a person sees: colours, numbers, and text that cannot harm a terminal.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use eventfold::{Holder, Recovery};
use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use crate::failure::{Failure, Outcome};

pub(crate) const DIM: Style = Style::new().dimmed();
pub(crate) const BOLD: Style = Style::new().bold();
/// Of types, told apart by it.
pub(crate) const PALETTE: [AnsiColor; 6] = [
    AnsiColor::Cyan,
    AnsiColor::Green,
    AnsiColor::Yellow,
    AnsiColor::Magenta,
    AnsiColor::Blue,
    AnsiColor::BrightRed,
];

pub(crate) const fn style_of_errors() -> Style {
    AnsiColor::Red.on_default().bold()
}

/// Whether people read standard output, and how it may be written to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Screen {
    pub(crate) is_terminal: bool,
    pub(crate) color: bool,
    /// In columns; `None` where lines may have any length.
    pub(crate) width: Option<usize>,
}

impl Screen {
    pub(crate) fn of_stdout() -> Self {
        let is_terminal = io::stdout().is_terminal();
        Self {
            is_terminal,
            color: AutoStream::choice(&io::stdout()) != ColorChoice::Never,
            width: is_terminal.then(width).flatten(),
        }
    }

    /// A log's line, as it may be shown.
    pub(crate) fn line<'l>(&self, line: &'l [u8]) -> Cow<'l, [u8]> {
        match self.is_terminal {
            true => {
                let line = String::from_utf8_lossy(line);
                Cow::Owned(safe_json(&line).into_owned().into_bytes())
            }
            false => Cow::Borrowed(line),
        }
    }

    /// `text` in `style`, where there are colours.
    pub(crate) fn paint(&self, style: Style, text: &str) -> String {
        match self.color {
            true => format!("{style}{text}{style:#}"),
            false => text.to_owned(),
        }
    }
}

/// The columns of the terminal that any of our streams is on.
pub(crate) fn width() -> Option<usize> {
    terminal_size::terminal_size().map(|(width, _)| usize::from(width.0).max(1))
}

/// `text` with everything that a terminal would act on written out: control characters, and marks
/// that turn the direction of what follows.
pub(crate) fn safe(text: &str) -> Cow<'_, str> {
    escaped(
        text,
        |c| c != '\n' && acts(c),
        |c| format!("\\u{{{:x}}}", u32::from(c)),
    )
}

/// [`safe`] for what has to stay on one line.
pub(crate) fn safe_line(text: &str) -> Cow<'_, str> {
    escaped(text, acts, |c| match c {
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        c => format!("\\u{{{:x}}}", u32::from(c)),
    })
}

/// JSON text that means the same and that a terminal does not act on. JSON escapes the control
/// characters of ASCII itself, but not those above.
pub(crate) fn safe_json(text: &str) -> Cow<'_, str> {
    escaped(
        text,
        |c| c != '\n' && acts(c),
        |c| format!("\\u{:04x}", u32::from(c)),
    )
}

fn escaped(
    text: &str,
    acts: impl Fn(char) -> bool,
    escape: impl Fn(char) -> String,
) -> Cow<'_, str> {
    if !text.contains(&acts) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match acts(c) {
            true => safe.push_str(&escape(c)),
            false => safe.push(c),
        }
    }
    Cow::Owned(safe)
}

/// All of these lie in the basic plane.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// `text`, which starts behind `indent` columns, in lines of at most `width`, each after the first
/// behind as many spaces. A word that is too long for a line has one of its own.
pub(crate) fn wrapped(text: &str, indent: usize, width: usize) -> String {
    let (mut lines, mut column) = (String::with_capacity(text.len() + 32), indent);
    for word in text.split(' ') {
        let len = word.width();
        if lines.is_empty() {
        } else if column + 1 + len > width {
            let _ = write!(lines, "\n{:indent$}", "");
            column = indent;
        } else {
            lines.push(' ');
            column += 1;
        }
        lines.push_str(word);
        column += len;
    }
    lines
}

/// `1,234,567`.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3 + 1);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1,234 events`, `1 event`.
pub(crate) fn counted(n: u64, thing: &str) -> String {
    format!("{} {thing}{}", count(n), if n == 1 { "" } else { "s" })
}

/// `1.5 MiB`.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1 << 10 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = UNITS[0];
    for next in &UNITS[1..] {
        if value < 999.95 {
            break;
        }
        (value, unit) = (value / 1024.0, next);
    }
    format!("{value:.1} {unit}")
}

/// `3 s`, `2 min`, `5 h`, `3 days`.
pub(crate) fn duration(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", count(seconds / 86_400)),
    }
}

/// Writes a line to standard output. That nobody reads it ends nothing, and is no failure: what is
/// left is done, and its exit status is the true one.
pub(crate) fn line(text: &str) -> Outcome {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(cannot_write(&error)),
        _ => Ok(()),
    }
}

/// Writes JSON to standard output, on a line of its own.
pub(crate) fn json(value: &Value) -> Outcome {
    line(&safe_json(&value.to_string()))
}

/// Why standard output took no more.
pub(crate) fn cannot_write(error: &io::Error) -> Failure {
    Failure::io("cannot write to standard output", error)
}

/// Says beside the result, on standard error, what is worth knowing.
pub(crate) fn note(text: &str) {
    // Nobody may be there to be told.
    let _ = writeln!(io::stderr(), "{}", safe(text));
}

pub(crate) fn note_recovery(dir: &Path, recovery: &Recovery) {
    if !recovery.is_clean() {
        note(&format!("{}: {recovery}", dir.display()));
    }
}

/// Who holds a lock.
pub(crate) fn holder(holder: &Holder) -> String {
    let mut text = match &holder.program {
        Some(program) => format!("{program}, pid {}", holder.pid),
        None => format!("pid {}", holder.pid),
    };
    if let Some(host) = &holder.host {
        let _ = write!(text, " on {host}");
    }
    text
}

/// Who writes, as a person is told.
pub(crate) fn writer(by: Option<&Holder>) -> String {
    by.map_or_else(|| "somebody".to_owned(), holder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_acts_on_is_left() {
        let evil = "a\u{1b}[2J\u{7}\u{9b}31m\u{7f}\u{202e}b\r\n";
        assert_eq!(
            safe_line(evil),
            "a\\u{1b}[2J\\u{7}\\u{9b}31m\\u{7f}\\u{202e}b\\r\\n"
        );
        assert_eq!(safe_line("héllo 你好"), "héllo 你好");
        let json = "\"\u{7f}\u{9b}\u{202e}\"";
        assert_eq!(safe_json(json), "\"\\u007f\\u009b\\u202e\"");
        let (before, after): (String, String) = (
            serde_json::from_str(json).unwrap(),
            serde_json::from_str(&safe_json(json)).unwrap(),
        );
        assert_eq!(before, after);
    }

    #[test]
    fn lines_are_wrapped_between_words() {
        assert_eq!(wrapped("aa bb cc", 2, 80), "aa bb cc");
        assert_eq!(wrapped("aa bb cc", 2, 7), "aa bb\n  cc");
        assert_eq!(wrapped("longest bb", 2, 6), "longest\n  bb");
    }

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(
            [0, 999, 1_000, 1_234_567].map(count),
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!(
            [0, 1_023, 1_024, 1_536 << 10, 1 << 40].map(size),
            ["0 B", "1023 B", "1.0 KiB", "1.5 MiB", "1.0 TiB"]
        );
        assert_eq!(counted(1, "event"), "1 event");
    }
}
