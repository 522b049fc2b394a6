use std::path::PathBuf;

use anstyle::{AnsiColor, Style};
use clap::Args;
use serde_json::json;

use crate::doctor::{Finding, Kind, Report, repair};
use crate::failure::{Failure, Outcome};
use crate::files::check_dir;
use crate::output::{self, BOLD, DIM, Screen, counted, safe_line};

/// Of a log in which something is wrong.
const WRONG: u8 = 3;

/// Check everything in a log: lines, events, archive, snapshots, permissions, clock, disk.
///
/// Needs no lock, changes nothing, and reads all of it. What a living writer is in the middle of
/// is not damage, and is left alone.
///
/// With --repair, what a crash left is put right as by a writer that opens the log, a line of the
/// log that is no event gives way to blank lines, and snapshots that cannot be used are moved away.
/// First a copy is made of each file that this changes, in before-repair-… in the log's directory;
/// remove it when you are content. Damage in the archive is named and stays. A repair takes the
/// writer's lock, and does not wait for it.
///
/// Exit status: 0 when nothing is wrong or all was repaired, 3 when something is wrong or there is
/// no log in the directory, 1 when it could not be checked, or not repaired because another
/// program writes.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  eventfold doctor todos
  eventfold doctor todos --repair
  eventfold doctor todos --json | jq '.findings[].what'")]
pub(crate) struct Doctor {
    /// The log's directory
    dir: PathBuf,
    /// Repair what can be repaired, after a copy
    #[arg(long)]
    repair: bool,
    /// As one JSON object
    #[arg(long)]
    json: bool,
}

impl Doctor {
    pub(crate) fn run(self) -> Outcome {
        check_dir(&self.dir)?;
        let mut report = Report::of(&self.dir)?;
        let mut repaired = None;
        if self.repair && (report.under_way || report.count(Kind::is_repairable) > 0) {
            let copies = match repair(&self.dir, &report) {
                Ok(copies) => copies,
                Err(failure) => {
                    self.tell(&report, None)?;
                    return Err(failure);
                }
            };
            let mut before = std::mem::replace(&mut report, Report::of(&self.dir)?);
            let lost = before
                .findings
                .extract_if(.., |found| found.kind == Kind::Lost);
            report.findings.extend(lost);
            repaired = Some(Repaired::of(before, &report, copies));
        }
        self.tell(&report, repaired.as_ref())?;
        match report.is_healthy() {
            true => Ok(()),
            false => Err(Failure::Status(WRONG)),
        }
    }

    fn tell(&self, report: &Report, repaired: Option<&Repaired>) -> Outcome {
        if self.json {
            let findings = report.findings.iter().map(|found| {
                json!({
                    "wrong": found.kind != Kind::Remark,
                    "what": found.what,
                    "meaning": found.meaning,
                    "repairable": found.kind.is_repairable(),
                })
            });
            let json = json!({
                "dir": self.dir.to_string_lossy(),
                "events": report.events,
                "healthy": report.is_healthy(),
                "findings": findings.collect::<Vec<_>>(),
                "damaged_places_not_named": report.unnamed,
                "repaired": repaired.map_or(&[][..], |repaired| &repaired.what),
                "copies": repaired.map(|repaired| repaired.copies.to_string_lossy()),
            });
            return output::json(&json);
        }
        let screen = Screen::of_stdout();
        let name = self.dir.to_string_lossy();
        let read = counted(report.events, "event");
        let head = screen.paint(BOLD, &safe_line(&name));
        output::line(&format!("{head}: read {read}"))?;
        for found in &report.findings {
            output::line(&text(found, &screen))?;
        }
        if report.unnamed > 0 {
            output::line(&format!(
                "  and {} more",
                counted(report.unnamed, "damaged place")
            ))?;
        }
        if let Some(Repaired { what, copies }) = repaired {
            let style = AnsiColor::Green.on_default();
            for what in what {
                output::line(&entry("repaired", style, [what], &screen))?;
            }
            output::line(&format!(
                "repaired {}; what was there before is in {}",
                counted(what.len() as u64, "thing"),
                safe_line(&copies.to_string_lossy())
            ))?;
        }
        let things = |is: fn(&Kind) -> bool| match report.count(is) as u64 {
            0 => None,
            n => Some(counted(n, "thing")),
        };
        let damage = things(Kind::is_damage);
        output::line(&match (things(Kind::is_repairable), damage) {
            (None, None) if report.under_way => {
                "nothing is wrong up to the last line that is whole".to_owned()
            }
            (None, None) => "nothing is wrong".to_owned(),
            (None, Some(_)) => "something is wrong that cannot be repaired".to_owned(),
            (Some(things), damage) => {
                let damage = damage.map(|things| format!("{things} cannot be repaired\n"));
                format!(
                    "{}{things} can be repaired: eventfold doctor {} --repair",
                    damage.unwrap_or_default(),
                    safe_line(&name)
                )
            }
        })
    }
}

/// What a repair did.
struct Repaired {
    /// What is no longer wrong.
    what: Vec<String>,
    /// Where the files are as they were before.
    copies: PathBuf,
}

impl Repaired {
    fn of(before: Report, after: &Report, copies: PathBuf) -> Self {
        let is_left = |what: &String| after.findings.iter().any(|found| found.what == *what);
        let repairable = before.findings.into_iter();
        let repairable = repairable.filter(|found| found.kind.is_repairable());
        let what = repairable.map(|found| found.what);
        let what = what.filter(|what| !is_left(what)).collect();
        Self { what, copies }
    }
}

fn text(found: &Finding, screen: &Screen) -> String {
    let (kind, style) = match found.kind {
        Kind::Remark => ("remark", DIM),
        Kind::Damage | Kind::Lost => ("damage", AnsiColor::Red.on_default()),
        Kind::Unfinished | Kind::Rebuilt(_) | Kind::Line(_) => {
            ("broken", AnsiColor::Yellow.on_default())
        }
    };
    entry(kind, style, [&found.what, &found.meaning], screen)
}

/// Texts in lines of their own behind a word.
fn entry<const N: usize>(word: &str, style: Style, texts: [&String; N], screen: &Screen) -> String {
    let indent = word.len() + 4;
    let width = screen.width.unwrap_or(usize::MAX);
    let texts = texts.map(|text| output::wrapped(&safe_line(text), indent, width));
    let word = screen.paint(style, word);
    format!("  {word}  {}", texts.join(&format!("\n{:indent$}", "")))
}
