//! The page that tells what ran.

use std::fmt::Write;

use super::reports::{Report, Reports};
use super::suites::{PROMISES, Suite, Suites};

const HEAD: &str = "# What was tried to show the promises false

Made by `tests/checks/proof` from what the suites of a run reported; not to be edited. A suite is counted only when it ran to its end, and `tests/run` fails when one did not, or had fewer cases than it should. Each case of a suite is another one. `tests/suites.txt` names them all.
";

/// Makes the page of a run in which every suite reported.
pub fn write_page(suites: &Suites, reports: &Reports) -> String {
    let mut page = String::from(HEAD);
    for (number, promise) in (1..).zip(PROMISES) {
        let of = suites
            .0
            .iter()
            .filter(|suite| suite.promises.contains(&number));
        write!(page, "\n## P{number}: {promise}\n\n").unwrap();
        page.push_str("| suite | cases | failed | took |\n|---|--:|--:|--:|\n");
        for suite in of {
            page.push_str(&row(suite, reports.of(suites, suite)));
        }
    }
    page.push_str("\n## The suites\n\n");
    page.push_str("| suite | a case is | runs it again | runs more of it |\n|---|---|---|---|\n");
    for suite in &suites.0 {
        let (case, command) = (&suite.case, suite.command());
        let longer = suite
            .longer_command()
            .map_or(String::new(), |longer| format!("`{longer}`"));
        writeln!(page, "| {suite} | {case} | `{command}` | {longer} |").unwrap();
    }
    page
}

fn row(suite: &Suite, report: Report) -> String {
    let (cases, failed) = (grouped(report.cases), report.failed);
    let took = duration(report.seconds);
    format!("| {suite} | {cases} | {failed} | {took} |\n")
}

fn duration(seconds: f64) -> String {
    match seconds.round() as u64 {
        0 => "under 1 s".into(),
        seconds @ ..60 => format!("{seconds} s"),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

/// A number with a comma before each three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| std::str::from_utf8(group).unwrap())
        .collect();
    groups.join(",")
}

/// What is wrong with a page that was made before: it tells of exactly these suites, of enough
/// cases, and of none that failed.
pub fn check_page(suites: &Suites, page: &str) -> Vec<String> {
    let mut reports = Reports::default();
    for line in page.lines() {
        if let Some((name, report)) = numbers(line) {
            reports.0.insert(name.to_owned(), report);
        }
    }
    let mut faults = reports.faults(suites, false);
    // The rest of the page is told by the table alone.
    if without_numbers(page) != without_numbers(&write_page(suites, &reports)) {
        faults.push("the page is not of the suites that there are now".into());
    }
    faults
}

/// The numbers in a line of the page, if it has any.
fn numbers(line: &str) -> Option<(&str, Report)> {
    let cells: Vec<&str> = line.split('|').map(str::trim).collect();
    let ["", name, cases, failed, _, ""] = *cells else {
        return None;
    };
    let report = Report {
        cases: cases.replace(',', "").parse().ok()?,
        failed: failed.parse().ok()?,
        seconds: 0.0,
    };
    Some((name, report))
}

fn without_numbers(page: &str) -> Vec<&str> {
    let cut = |line| numbers(line).map_or(line, |(name, _)| name);
    page.lines().map(cut).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run in which every suite had as many cases as it should.
    fn reports(suites: &Suites) -> Reports {
        let mut reports = Reports::default();
        for suite in &suites.0 {
            let report = Report {
                cases: suite.minimum,
                failed: 0,
                seconds: 100.0,
            };
            reports.0.insert(suite.name.clone(), report);
        }
        reports
    }

    #[test]
    fn a_page_is_right_until_the_suites_change() {
        let mut suites = Suites::all();
        let page = write_page(&suites, &reports(&suites));
        assert_eq!(check_page(&suites, &page), Vec::<String>::new());
        let other_times = page.replace("1 min 40 s", "1 s");
        assert_ne!(page, other_times);
        assert_eq!(check_page(&suites, &other_times), Vec::<String>::new());

        suites.0[0].minimum += 1;
        assert_eq!(check_page(&suites, &page).len(), 1);
        suites.0[0].minimum -= 1;
        suites.0[0].case.push('s');
        assert_eq!(check_page(&suites, &page).len(), 1);
        suites.0.pop();
        assert_ne!(check_page(&suites, &page).len(), 0);
        assert_ne!(check_page(&Suites::all(), "").len(), 0);
    }

    #[test]
    fn numbers_are_grouped_by_three_digits() {
        assert_eq!(grouped(7), "7");
        assert_eq!(grouped(2_000_000), "2,000,000");
        assert_eq!(grouped(12_345), "12,345");
    }
}
