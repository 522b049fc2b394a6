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
    commands: Option<ChildStdin>,
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
            commands: child.stdin.take(),
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
        writeln!(self.commands.as_mut().unwrap(), "{command}").unwrap();
    }

    /// The next whole line that the actor says, `None` when it has ended.
    pub(crate) fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        Some(line.strip_suffix('\n')?.to_owned())
    }

    /// Lets the process have no more than this of a resource, `None`: as much as it may have.
    #[cfg(target_os = "linux")]
    pub(crate) fn limit(&self, resource: rustix::process::Resource, to: Option<u64>) {
        use rustix::process::{Pid, Rlimit, getrlimit, prlimit};
        let pid = Pid::from_raw(self.pid() as i32);
        let maximum = getrlimit(resource).maximum;
        let current = to.or(maximum);
        prlimit(pid, resource, Rlimit { current, maximum }).unwrap();
    }

    /// Lets the process end by itself.
    pub(crate) fn end(&mut self) {
        self.commands = None;
        assert!(self.child.wait().unwrap().success());
    }

    /// Ends the process as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Whether the process, which is over or about to be, was killed.
    pub(crate) fn was_killed(&mut self) -> bool {
        #[cfg(unix)]
        return self.ended_by() == Some(9);
        // Without signals: this is the code that Rust ends processes with.
        #[cfg(windows)]
        return self.child.wait().unwrap().code() == Some(1);
    }

    /// The signal that ended the process, which is over or about to be.
    #[cfg(unix)]
    pub(crate) fn ended_by(&mut self) -> Option<i32> {
        std::os::unix::process::ExitStatusExt::signal(&self.child.wait().unwrap())
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        // Either may find it gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How many of what it counts a suite runs: so many in the test command, or what the environment
/// variable says.
pub(crate) fn amount(variable: &str, in_the_test_command: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| {
            panic!("{variable} is to be a number and is {text:?}");
        }),
        Err(_) => in_the_test_command,
    }
}

/// Says, where nobody can overlook it, that something could not be tried here.
pub(crate) fn not_run(what: &str, why: &str) {
    // Not by a macro, which the test harness would keep to itself.
    let mut error = std::io::stderr().lock();
    let _ = writeln!(error, "NOT RUN: {what}: {why}");
}

/// Says this when a test fails before this value is gone.
pub(crate) struct Context(pub(crate) String);

impl Drop for Context {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.0);
        }
    }
}

/// A directory that stays when a test fails.
pub(crate) struct Kept(TempDir);

impl Kept {
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.disable_cleanup(true);
            eprintln!("left as it was: {}", self.0.path().display());
        }
    }
}

/// A new directory in memory; on disk where the system has no such file systems.
pub(crate) fn in_memory() -> Kept {
    if !cfg!(target_os = "linux") {
        return on_disk();
    }
    // Without such a file system the suites would run at a tenth of their depth or less.
    let is_memory = file_system(Path::new("/dev/shm")) == "tmpfs";
    assert!(
        is_memory,
        "this needs a tmpfs at /dev/shm, and there is none"
    );
    Kept(tempfile::tempdir_in("/dev/shm").unwrap())
}

/// A new directory on a disk.
pub(crate) fn on_disk() -> Kept {
    let places = [
        Path::new(env!("CARGO_TARGET_TMPDIR")),
        &std::env::temp_dir(),
    ];
    let place = places.iter().find(|place| file_system(place) != "tmpfs");
    let place = place.unwrap_or_else(|| panic!("each of {places:?} is in memory"));
    Kept(tempfile::tempdir_in(place).unwrap())
}

/// The name of the kind of file system that a directory is on; none but on Linux, whose
/// temporary files alone are in memory.
fn file_system(dir: &Path) -> String {
    if !cfg!(target_os = "linux") {
        return String::new();
    }
    let mut stat = Command::new("stat");
    let said = stat
        .args(["--file-system", "--format=%T"])
        .arg(dir)
        .output();
    String::from_utf8(said.unwrap().stdout)
        .unwrap()
        .trim()
        .to_owned()
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
