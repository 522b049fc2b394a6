//! What is told about the command itself.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by them"
)]

mod support;

use std::process::Command;

use support::{run, run_with_stdin};

const COMMANDS: [&str; 15] = [
    "append",
    "import",
    "cat",
    "tail",
    "info",
    "view",
    "state-at",
    "export",
    "backup",
    "restore",
    "rotate",
    "doctor",
    "bench",
    "completions",
    "man",
];

#[test]
fn every_command_has_help_with_an_example_and_a_manual_page() {
    let all = run(["--help"]).ok();
    for command in COMMANDS {
        assert!(
            all.contains(&format!("\n  {command} ")),
            "{command} in\n{all}"
        );
        let help = run([command, "--help"]).ok();
        assert!(help.contains("Example"), "{help}");
        assert!(help.contains(&format!("  eventfold {command}")), "{help}");
        let page = run(["man", command]).ok();
        assert!(
            page.contains(".SH NAME") && page.contains("Example"),
            "{page}"
        );
    }
    assert!(run(["man"]).ok().contains("eventfold"));
    assert!(
        run(["man", "nothing"])
            .failed(2)
            .contains("there is no command")
    );
}

#[test]
fn every_exit_status_is_told() {
    let help = run(["--help"]).ok();
    let help: Vec<_> = help.split_whitespace().collect();
    let help = help.join(" ");
    for part in [
        "0 when",
        "1 when",
        "2 when",
        "3 when `doctor`",
        "`state-at` ends with the status",
    ] {
        assert!(help.contains(part), "{part:?} is not in\n{help}");
    }
}

#[test]
fn completions_are_scripts_that_the_shell_takes() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = run(["completions", shell]).ok();
        assert!(
            COMMANDS.iter().all(|command| script.contains(command)),
            "{shell}"
        );
    }
    if cfg!(target_os = "linux") {
        let script = run(["completions", "bash"]).ok();
        let check = "source /dev/stdin && declare -F _eventfold";
        let script = script.as_str();
        let mut bash = Command::new("bash");
        let bash = bash.args(["-c", check]).stdin(std::process::Stdio::piped());
        let bash = bash.stdout(std::process::Stdio::piped()).spawn();
        let mut bash = bash.unwrap();
        std::io::Write::write_all(&mut bash.stdin.take().unwrap(), script.as_bytes()).unwrap();
        let output = bash.wait_with_output().unwrap();
        assert!(output.status.success());
    }
    run(["completions", "cmd"]).failed(2);
}

#[test]
fn what_is_not_understood_ends_with_2_and_names_the_way_out() {
    for args in [
        vec![],
        vec!["nothing"],
        vec!["cat"],
        vec!["tail", ".", "-n", "x"],
        vec!["tail", ".", "--unknown"],
        vec!["append", ".", "a", "1", "--wait", "x"],
        vec!["bench", ".", "--seconds", "1e3"],
        vec!["import", ".", "a", "--rotate-at", "0"],
    ] {
        let error = run(&args).failed(2);
        assert!(
            error.contains("Usage") || error.contains("--help"),
            "{error}"
        );
        assert!(!error.contains("use '--"), "{error}");
    }
    assert_eq!(
        run_with_stdin(["--version"], "").ok(),
        concat!("eventfold ", env!("CARGO_PKG_VERSION"), "\n")
    );
}
