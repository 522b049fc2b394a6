//! The note that a writer leaves beside the log: who it is, where, and since when.
//!
//! Nothing depends on it. It is written once, after the lock was taken, and never synced; it may
//! be missing, stale or garbage. On Unix the writer then locks it, so that nobody has to try the
//! log's own lock, which could turn away a writer that opens at that moment: whose note is locked
//! is alive, and a note that is not locked is not believed. Windows lets nobody read a locked file.
//! There the note is believed while the log is locked, and wiped with the lock.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::OnceLock;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::holder::{Holder, printable};

/// How long a note is, filled up with spaces: one is written over another in place, since to empty
/// a file first makes some file systems write at once.
const LEN: usize = 512;

/// A note as it stands in its file.
#[derive(Serialize, Deserialize)]
struct Content {
    pid: NonZeroU32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    program: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    host: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<u64>,
}

/// Our note beside a log whose lock we hold, believed until it is dropped.
#[derive(Debug)]
pub(super) struct Note {
    file: File,
    /// The process that left it.
    owner: u32,
}

impl Note {
    /// Leaves a note that it is this process that holds the lock of `log`. `None` where none can
    /// be left, as in a directory that may not be written.
    pub(super) fn leave(log: &Path) -> Option<Self> {
        let path = path(log);
        // A pipe would be waited for, and a link leads elsewhere.
        if fs::symlink_metadata(&path).is_ok_and(|found| !found.is_file()) {
            return None;
        }
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        let mut note = Self::of(options.open(path).ok()?);
        note.write(&ours()).ok()?;
        note.lock().then_some(note)
    }

    fn of(file: File) -> Self {
        Self {
            file,
            owner: process::id(),
        }
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        self.file
            .write_all(format!("{text:<0$}\n", LEN - 1).as_bytes())
    }

    /// Locks the note, which who looks at it holds for a moment and a writer that is being killed
    /// a little longer.
    #[cfg(unix)]
    fn lock(&self) -> bool {
        use std::thread;
        use std::time::Duration;

        (0..20).any(|n| {
            if n > 0 {
                thread::sleep(Duration::from_micros(500));
            }
            super::try_lock(&self.file).unwrap_or_default()
        })
    }

    #[cfg(windows)]
    fn lock(&self) -> bool {
        true
    }

    #[cfg(unix)]
    fn take_back(&mut self) {
        super::unlock(&self.file);
    }

    #[cfg(windows)]
    fn take_back(&mut self) {
        use std::io::Seek;

        // What stays tells of nobody who is alive, if not of nobody.
        let _ = self.file.rewind().and_then(|()| self.write(""));
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        // The copy that a forked child has is closed, no more: its parent's stays believed.
        if process::id() == self.owner {
            self.take_back();
        }
    }
}

/// Wipes the note of a writer that was killed.
#[cfg(windows)]
pub(super) fn wipe(log: &Path) {
    let file = OpenOptions::new().write(true).open(path(log));
    drop(file.map(Note::of));
}

/// The note of the writer that holds the lock of `log`, if it left one. To be asked on Windows
/// only of a log whose lock is held.
pub(super) fn of_held(log: &Path) -> Option<Holder> {
    let (file, is_ours) = open(log)?;
    if !is_ours {
        return None;
    }
    let mut text = Vec::with_capacity(LEN);
    file.take(LEN as u64).read_to_end(&mut text).ok()?;
    parse(&text)
}

/// Whether a writer holds its note beside `log` locked, and so the log.
#[cfg(unix)]
pub(super) fn is_held(log: &Path) -> bool {
    open(log).is_some_and(|(_, is_held)| is_held)
}

/// The note's file, and whether it is to be believed.
fn open(log: &Path) -> Option<(File, bool)> {
    let path = path(log);
    fs::symlink_metadata(&path)
        .is_ok_and(|found| found.is_file())
        .then_some(())?;
    let file = File::open(path).ok()?;
    let held = is_locked(&file);
    Some((file, held))
}

#[cfg(unix)]
fn is_locked(file: &File) -> bool {
    use fs2::FileExt;

    match FileExt::try_lock_shared(file) {
        Ok(()) => {
            super::unlock(file);
            false
        }
        Err(error) => super::is_contention(&error),
    }
}

#[cfg(windows)]
fn is_locked(_file: &File) -> bool {
    true
}

fn path(log: &Path) -> PathBuf {
    log.with_added_extension("writer")
}

/// The note of this process, no longer than a note may be.
fn ours() -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let mut content = Content {
        pid: NonZeroU32::new(process::id()).unwrap_or(NonZeroU32::MAX),
        program: program().map(str::to_owned),
        host: host().map(str::to_owned),
        since: now.map(|since| since.as_secs()).ok(),
    };
    let text = |content: &Content| serde_json::to_string(content).unwrap_or_default();
    let all = text(&content);
    if all.len() < LEN {
        return all;
    }
    (content.program, content.host) = (None, None);
    text(&content)
}

fn program() -> Option<&'static str> {
    static PROGRAM: OnceLock<Option<String>> = OnceLock::new();
    let program = PROGRAM.get_or_init(|| {
        let path = std::env::current_exe().ok()?;
        printable(&path.file_name()?.to_string_lossy())
    });
    program.as_deref()
}

/// The name of this machine or container, as it was when first asked for.
pub(super) fn host() -> Option<&'static str> {
    static HOST: OnceLock<Option<String>> = OnceLock::new();
    let host = HOST.get_or_init(|| system_host().and_then(|host| printable(&host)));
    host.as_deref()
}

fn parse(text: &[u8]) -> Option<Holder> {
    let content: Content = serde_json::from_slice(text).ok()?;
    Some(Holder {
        pid: content.pid.get(),
        program: content.program.and_then(|name| printable(&name)),
        host: content.host.and_then(|name| printable(&name)),
        since: content.since,
    })
}

#[cfg(target_os = "linux")]
fn system_host() -> Option<String> {
    fs::read_to_string("/proc/sys/kernel/hostname").ok()
}

#[cfg(all(unix, not(target_os = "linux")))]
fn system_host() -> Option<String> {
    let system = rustix::system::uname();
    Some(system.nodename().to_string_lossy().into_owned())
}

#[cfg(windows)]
fn system_host() -> Option<String> {
    std::env::var("COMPUTERNAME").ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn us() -> Holder {
        parse(ours().as_bytes()).unwrap()
    }

    #[test]
    fn a_note_is_believed_while_who_left_it_holds_it() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("app.jsonl");
        assert_eq!(of_held(&log), None);
        let note = Note::leave(&log).unwrap();
        let told = of_held(&log).unwrap();
        assert_eq!(told.pid, std::process::id());
        assert_eq!((told.program, told.host), (us().program, us().host));
        assert!(told.since.is_some());
        drop(note);
        assert_eq!(of_held(&log), None);
        assert_eq!(fs::metadata(path(&log)).unwrap().len(), LEN as u64);
        assert!(Note::leave(&log).is_some());
    }

    #[test]
    fn what_is_no_note_tells_nothing() {
        let good = r#"{"pid":7,"host":"b\u001b[2J","other":[]}   "#;
        let told = parse(good.as_bytes()).unwrap();
        assert_eq!((told.pid, told.program), (7, None));
        assert_eq!(told.host.as_deref(), Some("b\u{fffd}[2J"));
        let zero = r#"{"pid":0}"#;
        let negative = r#"{"pid":-1}"#;
        let cut = r#"{"pid":7,"ho"#;
        for bad in ["", " ", "null", "{}", zero, negative, cut, "\0\0", "\u{7f}"] {
            assert_eq!(parse(bad.as_bytes()), None, "{bad:?}");
        }
        assert_eq!(parse(b"{\"pid\":7,\"host\":\"\xff\"}"), None);
    }

    #[cfg(unix)]
    #[test]
    fn a_place_that_is_no_file_gets_no_note() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("app.jsonl");
        let elsewhere = dir.path().join("elsewhere");
        fs::write(&elsewhere, "kept").unwrap();
        std::os::unix::fs::symlink(&elsewhere, path(&log)).unwrap();
        assert!(Note::leave(&log).is_none());
        assert_eq!(of_held(&log), None);
        assert_eq!(fs::read_to_string(elsewhere).unwrap(), "kept");
        fs::remove_file(path(&log)).unwrap();
        fs::create_dir(path(&log)).unwrap();
        assert!(Note::leave(&log).is_none());
        assert_eq!(of_held(&log), None);
    }
}
