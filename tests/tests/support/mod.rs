//! What the tests of real files and processes share.

// Each test program uses a part of it.
#![allow(dead_code, clippy::unwrap_used)]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use eventfold::{Event, EventReader};
use serde_json::json;
use tempfile::TempDir;

/// The helper program `actor` in a process of its own, which ends with this value.
pub(crate) struct Actor {
    child: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Actor {
    pub(crate) fn start(dir: &Path) -> Self {
        Self::start_as(Command::new(env!("CARGO_BIN_EXE_actor")).arg(dir))
    }

    /// One whose log is open.
    pub(crate) fn with_open_log(dir: &Path) -> Self {
        let mut actor = Self::start(dir);
        actor.ask("open").unwrap();
        actor
    }

    pub(crate) fn start_as(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            commands: child.stdin.take().unwrap(),
            answers: BufReader::new(child.stdout.take().unwrap()),
            child,
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What the actor answers to the command, behind its `ok` or `error`.
    pub(crate) fn ask(&mut self, command: &str) -> Result<String, String> {
        self.send(command);
        let answer = self
            .line()
            .unwrap_or_else(|| panic!("no answer to {command}"));
        match answer.split_once(' ').unwrap_or((&answer, "")) {
            ("ok", rest) => Ok(rest.to_owned()),
            ("error", rest) => Err(rest.to_owned()),
            _ => panic!("{command} was answered by {answer}"),
        }
    }

    pub(crate) fn send(&mut self, command: &str) {
        writeln!(self.commands, "{command}").unwrap();
    }

    /// The next whole line that the actor says, `None` when it has ended.
    pub(crate) fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        Some(line.strip_suffix('\n')?.to_owned())
    }

    /// Ends the process as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        // Either may find it gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A new directory in memory where there is such a file system, else on disk: for tests that
/// write so often that waiting for a disk would be most of their time.
pub(crate) fn quick_dir() -> TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

pub(crate) fn numbered(number: u64) -> Event {
    Event::at(number, "numbered", json!({ "text": "x".repeat(20) }))
}

/// The numbers of all events, none of which may be an error.
pub(crate) fn numbers(dir: &Path) -> Vec<u64> {
    let records = EventReader::new(dir).read_full().unwrap();
    records.map(|record| record.unwrap().event.ts).collect()
}

/// The actor over `dir`, as a user without rights to other users' files. Its program is copied
/// into `parent`, since that user may not reach the one that was built.
#[cfg(unix)]
pub(crate) fn as_nobody(parent: &Path, dir: &Path) -> Command {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;

    let program = parent.join("actor");
    if !program.exists() {
        // By another process: a file that this one has open to write could not be run while a
        // child of another test is being made.
        let copied = Command::new("cp")
            .arg(env!("CARGO_BIN_EXE_actor"))
            .arg(&program)
            .status();
        assert!(copied.unwrap().success());
    }
    fs::set_permissions(parent, Permissions::from_mode(0o755)).unwrap();
    let mut command = Command::new(program);
    command.arg(dir);
    // Whose directory it is that this process has made.
    let is_root = fs::metadata(parent).unwrap().uid() == 0;
    if is_root {
        command.uid(65534).gid(65534);
    }
    command
}

/// The numbers of the events, and the errors between them.
pub(crate) fn read_past_errors(dir: &Path) -> (Vec<u64>, Vec<std::io::Error>) {
    let (mut numbers, mut errors) = (Vec::new(), Vec::new());
    // An error that came again and again would not end.
    for record in EventReader::new(dir).read_full().unwrap().take(20) {
        match record {
            Ok(record) => numbers.push(record.event.ts),
            Err(error) => errors.push(error),
        }
    }
    (numbers, errors)
}
