//! What the suites report of themselves, for `PROOF.md`.
//!
//! `suites.txt` names every suite; [`ran`] is how one reports. `Suites` reads the one, `Reports`
//! collects the other, and `page` makes the page of both.

mod page;
mod reports;
mod suites;

pub use page::{check_page, write_page};
pub use reports::{Report, Reports};
pub use suites::{Suite, Suites};

use std::time::Duration;

/// Begins a line that a suite prints where there is no file to write to.
const MARK: &str = "proof: ";

/// Says that a suite ran to its end over this many distinct cases without one that failed: a line
/// of JSON in the file that `EVENTFOLD_PROOF` names, if it names one, and on the console where
/// there are no files.
pub fn ran(suite: &str, cases: u64, took: Duration) {
    let line = serde_json::json!({ "suite": suite, "cases": cases, "seconds": took.as_secs_f64() });
    say(&line.to_string());
}

#[cfg(not(target_arch = "wasm32"))]
fn say(line: &str) {
    use std::io::Write;
    let Some(path) = std::env::var_os("EVENTFOLD_PROOF") else {
        return;
    };
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .unwrap();
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
}

#[cfg(target_arch = "wasm32")]
fn say(line: &str) {
    use wasm_bindgen::prelude::*;
    #[wasm_bindgen(module = "/src/js/proof.js")]
    extern "C" {
        fn say(line: &str, mark: &str);
    }
    say(line, MARK);
}
