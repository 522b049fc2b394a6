use std::path::{Path, PathBuf};

use anstyle::AnsiColor;
use clap::Args;
use serde_json::json;

use crate::doctor::{Finding, Kind, Report, repair};
use crate::failure::{Failure, Outcome};
use crate::output::{self, BOLD, DIM, Screen, counted, safe_line};

/// Of a log in which something is wrong.
const WRONG: u8 = 3;

/// Check everything in a log: lines, events, archive, snapshots, permissions, clock, disk.
///
/// Needs no lock, changes nothing, and reads all of it. What a living writer is in the midst of is
/// no damage and is left alone.
///
/// With --repair, what a crash left is put right as a writer does that opens the log, a line of the
/// log that is no event gives way to blank lines, and snapshots that cannot be used are moved away.
/// First a copy is made of each file that this changes, in before-repair-… in the log's directory;
/// remove it when you are content. Damage in the archive is named and stays.
///
/// Exit status: 0 when nothing is wrong or all was repaired, 3 when something is wrong, 1 when it
/// could not be checked.
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
        let mut report = Report::of(&self.dir)?;
        let mut repaired = None;
        if self.repair
            && report
                .findings
                .iter()
                .any(|found| found.kind.is_repairable())
        {
            repaired = Some(repair(&self.dir, &report)?);
            report = Report::of(&self.dir)?;
        }
        self.tell(&report, repaired.as_deref())?;
        match report.is_healthy() {
            true => Ok(()),
            false => Err(Failure::Status(WRONG)),
        }
    }

    fn tell(&self, report: &Report, copies: Option<&Path>) -> Outcome {
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
                "copies": copies.map(|copies| copies.to_string_lossy()),
            });
            return output::line(&json.to_string());
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
        if let Some(copies) = copies {
            let copies = copies.to_string_lossy();
            output::line(&format!(
                "repaired; what was there before is in {}",
                safe_line(&copies)
            ))?;
        }
        let repairable = report.findings.iter();
        let repairable = repairable.filter(|found| found.kind.is_repairable());
        output::line(&match (report.is_healthy(), repairable.count()) {
            (true, _) => "nothing is wrong".to_owned(),
            (false, 0) => "something is wrong that cannot be repaired".to_owned(),
            (false, n) => {
                let things = counted(n as u64, "thing");
                format!(
                    "{things} can be repaired: eventfold doctor {} --repair",
                    safe_line(&name)
                )
            }
        })
    }
}

fn text(found: &Finding, screen: &Screen) -> String {
    let (kind, style) = match found.kind {
        Kind::Remark => ("remark", DIM),
        Kind::Damage => ("damage", AnsiColor::Red.on_default()),
        Kind::Unfinished | Kind::Rebuilt(_) | Kind::Line(_) => {
            ("broken", AnsiColor::Yellow.on_default())
        }
    };
    const INDENT: usize = 10;
    let kind = screen.paint(style, kind);
    let width = screen.width.unwrap_or(usize::MAX);
    let lines = |text: &str| output::wrapped(&safe_line(text), INDENT, width);
    let (what, meaning) = (lines(&found.what), lines(&found.meaning));
    format!("  {kind}  {what}\n{:INDENT$}{meaning}", "")
}
