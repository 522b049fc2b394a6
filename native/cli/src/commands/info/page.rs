//! What is in a log, for people.

use std::fmt::Write as _;
use std::path::Path;

use anstyle::{AnsiColor, Style};
use eventfold::LockState;

use super::Facts;
use crate::disk::Fsync;
use crate::output::{self, BOLD, DIM, Screen, count, counted, safe, safe_line, size, wrapped};
use crate::times;

/// More than these are named in --json only.
const SHOWN_TYPES: usize = 20;

impl Facts {
    pub(super) fn text(&self, dir: &Path, screen: &Screen) -> String {
        let mut page = Page {
            text: String::new(),
            screen,
        };
        let name = safe_line(&dir.to_string_lossy()).into_owned();
        page.text.push_str(&screen.paint(BOLD, &name));
        page.text.push('\n');
        page.row("events", &count(self.events));
        if let (Some(first), Some(last)) = (self.first, self.last) {
            page.row("first", &times::local(first));
            page.row("last", &times::local(last));
        }
        page.row("log", &size(self.log_len));
        if self.archive_len > 0 {
            let ratio = self.archived() as f64 / self.archive_len as f64;
            let (archive, raw) = (size(self.archive_len), size(self.archived()));
            let gain = match ratio >= 1.0 {
                true => format!("{ratio:.1} times smaller"),
                false => "larger, for what each rotation adds".to_owned(),
            };
            page.row("archive", &format!("{archive} for {raw} of events: {gain}"));
        }
        let holder = match &self.lock {
            LockState::Free => "nobody writes".to_owned(),
            LockState::Held(None) => "held, it is not known by whom".to_owned(),
            LockState::Held(Some(holder)) => match holder.since {
                None => format!("held by {}", output::holder(holder)),
                Some(since) => {
                    format!(
                        "held by {} since {}",
                        output::holder(holder),
                        times::local(since)
                    )
                }
            },
        };
        page.row("lock", &safe(&holder));
        match &self.disk {
            None => page.row("disk", "this system does not tell what file system it is"),
            Some(disk) => {
                let style = match disk.fsync {
                    Fsync::Yes => Style::new(),
                    Fsync::No => AnsiColor::Red.on_default(),
                    Fsync::Unknown => AnsiColor::Yellow.on_default(),
                };
                let on = safe_line(&disk.mounted_on);
                page.row("disk", &format!("{} on {on}", disk.file_system));
                page.row("", &screen.paint(style, &page.behind_name(disk.reason)));
            }
        }
        page.views(self);
        page.types(self);
        page.text
    }
}

/// What stands in it is safe already.
struct Page<'s> {
    text: String,
    screen: &'s Screen,
}

impl Page<'_> {
    fn row(&mut self, name: &str, value: &str) {
        let name = self.screen.paint(DIM, &format!("{name:<8}"));
        let _ = writeln!(self.text, "  {name} {value}");
    }

    /// In lines that stand where a row's value does.
    fn behind_name(&self, text: &str) -> String {
        wrapped(text, 11, self.screen.width.unwrap_or(usize::MAX))
    }

    fn views(&mut self, facts: &Facts) {
        if facts.views.is_empty() {
            return;
        }
        let _ = writeln!(self.text, "{}", self.screen.paint(BOLD, "views"));
        for view in &facts.views {
            let state = match &view.saved {
                Ok(saved) if saved.events_behind == 0 => "up to date".to_owned(),
                Ok(saved) => {
                    let behind = facts.end.saturating_sub(saved.position);
                    let events = counted(saved.events_behind, "event");
                    format!("{events}, {} behind", size(behind))
                }
                Err(why) => safe_line(why).into_owned(),
            };
            let state = self.behind_name(&state);
            let _ = writeln!(self.text, "  {:<8} {state}", safe_line(&view.name));
        }
    }

    fn types(&mut self, facts: &Facts) {
        if facts.types.is_empty() {
            return;
        }
        let _ = writeln!(self.text, "{}", self.screen.paint(BOLD, "types"));
        let shown = facts.types.iter().take(SHOWN_TYPES);
        let names: Vec<String> = shown
            .clone()
            .map(|(name, _)| cut(&safe_line(name), 24))
            .collect();
        let counts: Vec<String> = shown.clone().map(|(_, n)| count(*n)).collect();
        let longest = |texts: &[String]| texts.iter().map(|text| text.chars().count()).max();
        let (names_len, counts_len) = (
            longest(&names).unwrap_or_default(),
            longest(&counts).unwrap_or_default(),
        );
        let columns = self.screen.width.unwrap_or(72).min(100);
        let room = columns.saturating_sub(names_len + counts_len + 6).min(40);
        let most = facts.types.first().map_or(1, |(_, n)| *n).max(1);
        for ((name, number), (_, n)) in names.iter().zip(&counts).zip(shown) {
            let bar = bar(*n as f64 / most as f64, room);
            let bar = self.screen.paint(AnsiColor::Cyan.on_default(), &bar);
            let _ = writeln!(
                self.text,
                "  {name:<names_len$}  {number:>counts_len$} {bar}"
            );
        }
        let rest = facts.types.get(SHOWN_TYPES..).unwrap_or_default();
        let others = rest.iter().map(|(_, n)| n).sum::<u64>() + facts.other_types;
        if others > 0 {
            let at_least = if facts.other_types > 0 {
                "at least "
            } else {
                ""
            };
            let events = counted(others, "event");
            let _ = writeln!(
                self.text,
                "  {at_least}{} more types, {events}",
                count(rest.len() as u64)
            );
        }
    }
}

fn bar(share: f64, room: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (share * room as f64 * 8.0).round() as usize;
    let rest = EIGHTHS.get(eighths % 8).copied().unwrap_or_default();
    "█".repeat(eighths / 8) + rest
}

fn cut(text: &str, len: usize) -> String {
    match text.chars().count() > len {
        true => text.chars().take(len - 1).chain(['…']).collect(),
        false => text.to_owned(),
    }
}
