//! Who holds a lock, as far as the system tells.

use std::fs::File;
use std::path::Path;

use super::note;

/// The process that holds the writer's lock.
///
/// On Linux it is the process that took the lock or, if that one has ended, one that has the
/// locked file open: its child, or the program for which `flock(1)` took it. A process that is not
/// visible from here, such as one outside of our container, and any on other systems, is known by
/// the note that a writer leaves beside the log; a writer that leaves none, such as `eventfold`
/// 0.2.0, is not known then.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Holder {
    /// The process id, never 0; on another [`host`](Self::host), that of a process there.
    pub pid: u32,
    /// The name of its program, with control characters replaced. On Linux as `ps -o comm` prints
    /// it, which the system cuts to 15 bytes. `None` if unreadable.
    pub program: Option<String>,
    /// The name of the machine or container that it runs on; `None` if it left no note.
    pub host: Option<String>,
    /// When it took the lock, in whole seconds since 1970-01-01 00:00 UTC by its clock; `None` if
    /// it left no note.
    pub since: Option<u64>,
}

impl Holder {
    /// The process that holds a lock on `file`, `None` if it cannot be known.
    #[cfg(target_os = "linux")]
    pub(super) fn of(file: &File) -> Option<Self> {
        use super::{open_files, table};

        // The process that took the lock may have ended and left it to
        // another, and a pid that names none here, or by now an innocent one,
        // would only mislead.
        let pid = table::taker(file)
            .filter(|pid| open_files::has_locked(*pid, file).unwrap_or(true))
            .or_else(|| open_files::who_has_locked(file))?;
        let program = std::fs::read(format!("/proc/{pid}/comm"))
            .ok()
            .and_then(|name| printable(&String::from_utf8_lossy(&name)));
        Some(Self {
            pid,
            program,
            host: None,
            since: None,
        })
    }

    /// The process that holds a lock on `file`: never known on this system.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn of(_file: &File) -> Option<Self> {
        None
    }

    /// Whether it runs on a host of another name than ours.
    pub(crate) fn is_elsewhere(&self) -> bool {
        self.host.is_some() && self.host.as_deref() != note::host()
    }

    /// The process that holds a lock on `file`, which is that of `log` or beside it.
    pub(crate) fn of_log(file: &File, log: &Path) -> Option<Self> {
        Self::noted(Self::of(file), note::of_held(log))
    }

    /// What the system tells, with what the holder's note adds if it tells of the same process.
    fn noted(system: Option<Self>, note: Option<Self>) -> Option<Self> {
        match (system, note) {
            (Some(system), Some(note)) if system.pid == note.pid => Some(Self {
                program: system.program.or(note.program),
                ..note
            }),
            (None, note) => note,
            (system, _) => system,
        }
    }
}

/// A name, safe to print on one line.
pub(super) fn printable(name: &str) -> Option<String> {
    let name: String = name
        .trim()
        .chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect();
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_printable_line() {
        assert_eq!(printable("app\n").as_deref(), Some("app"));
        assert_eq!(printable("a b\x1b[2J\n").as_deref(), Some("a b\u{fffd}[2J"));
        assert_eq!(printable("a\nb\n").as_deref(), Some("a\u{fffd}b"));
        assert_eq!(printable("\n"), None);
    }

    #[test]
    fn a_note_adds_to_what_the_system_tells_of_the_same_process_only() {
        let system = Holder {
            pid: 7,
            program: Some("app".into()),
            host: None,
            since: None,
        };
        let note = Holder {
            pid: 7,
            program: Some("application".into()),
            host: Some("box".into()),
            since: Some(9),
        };
        let both = Holder {
            program: system.program.clone(),
            ..note.clone()
        };
        let noted = |system: &Holder, note| Holder::noted(Some(system.clone()), note);
        assert_eq!(noted(&system, Some(note.clone())), Some(both));
        let other = Holder { pid: 8, ..system };
        assert_eq!(noted(&other, Some(note.clone())), Some(other.clone()));
        assert_eq!(noted(&other, None), Some(other));
        assert_eq!(Holder::noted(None, Some(note.clone())), Some(note));
        assert_eq!(Holder::noted(None, None), None);
    }
}
