//! What the suites of one run reported.

use std::collections::BTreeMap;

use super::MARK;
use super::suites::{Suite, Suites};

/// What one suite did, all its reports added up.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Report {
    pub cases: u64,
    pub failed: u64,
    pub seconds: f64,
}

impl Report {
    fn add(&mut self, other: Self) {
        self.cases += other.cases;
        self.failed += other.failed;
        self.seconds += other.seconds;
    }
}

/// What was reported, by the name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reports(pub BTreeMap<String, Report>);

impl Reports {
    /// What a suite did, in all its kinds.
    pub fn of(&self, suites: &Suites, suite: &Suite) -> Report {
        let mut sum = Report::default();
        for (name, report) in &self.0 {
            if suites.reporting_as(name) == Some(suite) {
                sum.add(*report);
            }
        }
        sum
    }

    /// Takes in a file of reports, or the log of a test command: what the lines there say that
    /// suites wrote or printed, and the count of each file of tests.
    pub fn read(&mut self, text: &str) {
        let mut file = None;
        for line in text.lines() {
            let said = line.find(MARK).map_or(line, |at| &line[at + MARK.len()..]);
            if let Some((name, report)) = reported(said) {
                self.add(&name, report);
            } else if let Some(started) = line.strip_prefix("     Running ") {
                file = started
                    .strip_prefix("tests/")
                    .and_then(|path| path.split_once(".rs "))
                    .map(|(name, _)| format!("{name}.rs"));
            } else if let Some(report) = tests_result(line)
                && let Some(name) = file.take()
            {
                self.add(&name, report);
            }
        }
    }

    fn add(&mut self, name: &str, report: Report) {
        self.0.entry(name.to_owned()).or_default().add(report);
    }

    /// What is wrong with a run that reported this. A `short` one may have fewer cases.
    pub fn faults(&self, suites: &Suites, short: bool) -> Vec<String> {
        let mut faults = Vec::new();
        for suite in &suites.0 {
            let report = self.of(suites, suite);
            if report.cases == 0 {
                faults.push(format!("{suite}: did not run to its end"));
                continue;
            }
            if report.failed > 0 {
                faults.push(format!("{suite}: {} failed", report.failed));
            }
            if report.cases < suite.minimum && !short {
                let (cases, minimum) = (report.cases, suite.minimum);
                faults.push(format!("{suite}: {cases} cases, there should be {minimum}"));
            }
        }
        for (name, report) in &self.0 {
            let known = suites.reporting_as(name).is_some()
                || name
                    .strip_suffix(".rs")
                    .is_some_and(|file| suites.know_file(file));
            if !known && report.cases > 0 {
                faults.push(format!("{name}: is not in tests/suites.txt"));
            }
        }
        faults
    }
}

/// The name and the report in a line of JSON that `ran` wrote.
fn reported(line: &str) -> Option<(String, Report)> {
    let json: serde_json::Value = serde_json::from_str(line).ok()?;
    let report = Report {
        cases: json.get("cases")?.as_u64()?,
        failed: 0,
        seconds: json.get("seconds")?.as_f64()?,
    };
    Some((json.get("suite")?.as_str()?.to_owned(), report))
}

/// What a line says that sums up the tests of a file.
fn tests_result(line: &str) -> Option<Report> {
    let counts = line.strip_prefix("test result: ")?;
    let number = |what: &str| {
        let before = counts.split_once(what)?.0;
        before.rsplit(' ').next()?.parse::<u64>().ok()
    };
    let seconds = counts.split_once("finished in ")?.1;
    let failed = number(" failed")?;
    Some(Report {
        cases: number(" passed")? + failed,
        failed,
        seconds: seconds.trim_end_matches('s').parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "
     Running tests/memory.rs (target/debug/deps/memory-1)

Running headless tests in Chrome on `http://127.0.0.1:1/`
running 2 tests
proof: {\"suite\":\"cuts\",\"cases\":7,\"seconds\":1.5}
test a ... ok

test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.25s

     Running unittests src/lib.rs (target/debug/deps/lib-1)
test result: ok. 9 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.25s
";

    fn reports(text: &str) -> Reports {
        let mut reports = Reports::default();
        reports.read(text);
        reports
    }

    #[test]
    fn a_log_tells_what_its_suites_and_its_files_did() {
        let read = reports(LOG);
        assert_eq!(read.0.len(), 2);
        assert_eq!(read.0["memory.rs"].cases, 2);
        assert_eq!(read.0["cuts"].cases, 7);
        let twice = reports(&LOG.repeat(2));
        assert_eq!(twice.0["cuts"].cases, 14);
        assert_eq!(twice.0["cuts"].seconds, 3.0);
    }

    #[test]
    fn a_suite_that_did_not_run_ran_too_little_failed_or_is_unknown_is_a_fault() {
        let mut suites = Suites::all();
        suites.0.truncate(2);
        let cuts = &mut suites.0[0];
        (cuts.name, cuts.minimum) = ("cuts".into(), 7);
        let memory = &mut suites.0[1];
        (memory.name, memory.minimum) = ("memory.rs".into(), 1);
        assert_eq!(reports(LOG).faults(&suites, false), Vec::<String>::new());

        suites.0[0].minimum = 8;
        assert_eq!(reports(LOG).faults(&suites, false).len(), 1);
        assert_eq!(reports(LOG).faults(&suites, true).len(), 0);
        assert_eq!(reports("").faults(&suites, true).len(), 2);
        let failed = LOG.replace("2 passed; 0 failed", "1 passed; 1 failed");
        assert_eq!(reports(&failed).faults(&suites, true).len(), 1);
        let unknown = LOG.replace("memory.rs", "other.rs");
        assert_eq!(reports(&unknown).faults(&suites, true).len(), 2);
    }
}
