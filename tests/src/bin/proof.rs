//! Makes the page of what a run of the tests tried, and says what is missing in it.
//!
//! `proof make [--short] PAGE FILE…` reads reports and logs and writes the page; with `--short`
//! suites may have had fewer cases than they should. `proof check PAGE` looks at one that was made
//! before.

use std::fs;
use std::io;
use std::process::ExitCode;

use eventfold_tests::proof::{Reports, Suites, check_page, write_page};

fn main() -> io::Result<ExitCode> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let short = arguments.iter().any(|argument| argument == "--short");
    arguments.retain(|argument| argument != "--short");
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let suites = Suites::all();
    let faults = match *arguments {
        ["make", page, ref files @ ..] => {
            let mut reports = Reports::default();
            for file in files {
                reports.read(&String::from_utf8_lossy(&fs::read(file)?));
            }
            fs::write(page, write_page(&suites, &reports))?;
            reports.faults(&suites, short)
        }
        ["check", page] => check_page(&suites, &fs::read_to_string(page)?),
        _ => vec!["proof make [--short] PAGE FILE…, or proof check PAGE".into()],
    };
    for fault in &faults {
        eprintln!("proof: {fault}");
    }
    Ok(match faults.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}
