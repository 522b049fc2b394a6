//! The real command in real processes.
#![allow(dead_code, reason = "each test file uses some of it")]

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use eventfold::EventReader;
use serde_json::Value;

pub(crate) fn command<I, A>(args: I) -> Command
where
    I: IntoIterator<Item = A>,
    A: AsRef<std::ffi::OsStr>,
{
    let mut command = Command::new(env!("CARGO_BIN_EXE_eventfold"));
    command
        .args(args)
        .env("TZ", "UTC")
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// What came of it, and whether it ended with `status`.
pub(crate) struct Done {
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) status: Option<i32>,
}

impl Done {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
            status: output.status.code(),
        }
    }

    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.status, Some(0), "{}", self.err);
        self.out
    }

    #[track_caller]
    pub(crate) fn failed(self, status: i32) -> String {
        assert_eq!(self.status, Some(status), "{} {}", self.out, self.err);
        self.err
    }

    #[track_caller]
    pub(crate) fn failed_with_output(self, status: i32) -> String {
        assert_eq!(self.status, Some(status), "{} {}", self.out, self.err);
        self.out
    }
}

pub(crate) fn run<'a>(args: impl AsRef<[&'a str]>) -> Done {
    Done::of(command(args.as_ref()).output().unwrap())
}

pub(crate) fn run_with_stdin<'a>(args: impl AsRef<[&'a str]>, stdin: impl AsRef<[u8]>) -> Done {
    let mut child = command(args.as_ref())
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    // It may refuse before it has read all.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_ref());
    Done::of(child.wait_with_output().unwrap())
}

pub(crate) fn spawn<'a>(args: impl AsRef<[&'a str]>) -> Child {
    command(args.as_ref()).spawn().unwrap()
}

/// The data of every event of the log.
pub(crate) fn data(dir: &Path) -> Vec<Value> {
    let records = EventReader::new(dir).read_full().unwrap();
    records.map(|record| record.unwrap().event.data).collect()
}

/// A path as an argument.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
