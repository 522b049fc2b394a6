//! Which process has a locked file open, from what Linux tells of open files.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use crate::identity::Identity;

/// A process that has `file` open with a lock of `flock` on it, among those
/// whose open files we may look at.
pub(super) fn who_has_locked(file: &File) -> Option<u32> {
    let processes = fs::read_dir("/proc").ok()?.flatten();
    processes
        .filter_map(|process| process.file_name().to_str()?.parse().ok())
        .find(|pid| has_locked(*pid, file) == Some(true))
}

/// Whether the process has `file` open with a lock of `flock` on it; `None`
/// if there is such a process but we may not look.
pub(super) fn has_locked(pid: u32, file: &File) -> Option<bool> {
    let ours = Identity::of(file).ok()?;
    let process = Path::new("/proc").join(pid.to_string());
    match fs::read_dir(process.join("fd")) {
        Ok(files) => Some(files.flatten().any(|entry| {
            let info = process.join("fdinfo").join(entry.file_name());
            fs::metadata(entry.path()).is_ok_and(|file| Identity::from(&file) == ours)
                && fs::read_to_string(info).is_ok_and(|info| tells_of_flock(&info))
        })),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Some(false),
        Err(_) => None,
    }
}

/// Whether the text of a file of `/proc/<pid>/fdinfo` names a lock of `flock`
/// that this open file has: "lock:\t1: FLOCK  ADVISORY  WRITE 359 00:13:11691 0 EOF".
fn tells_of_flock(info: &str) -> bool {
    info.lines().any(|line| {
        let mut fields = line.split_ascii_whitespace();
        fields.next() == Some("lock:") && fields.nth(1) == Some("FLOCK")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use fs2::FileExt;

    #[test]
    fn only_a_process_with_the_locked_file_open_has_locked_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let other = file.reopen().unwrap();
        let us = std::process::id();
        assert_eq!(has_locked(us, &other), Some(false));
        assert_eq!(who_has_locked(&other), None);
        file.as_file().try_lock_exclusive().unwrap();
        assert_eq!(has_locked(us, &other), Some(true));
        assert_eq!(who_has_locked(&other), Some(us));
        assert_eq!(
            has_locked(us, tempfile::tempfile().as_ref().unwrap()),
            Some(false)
        );
    }

    #[test]
    fn a_process_that_is_none_has_locked_nothing() {
        let file = tempfile::tempfile().unwrap();
        assert_eq!(has_locked(u32::MAX, &file), Some(false));
    }

    #[test]
    fn a_lock_of_another_kind_is_no_flock() {
        let flock = "pos:\t0\nlock:\t1: FLOCK  ADVISORY  WRITE 359 00:13:11691 0 EOF\n";
        assert!(tells_of_flock(flock));
        for info in ["", "pos:\t0\n", "lock:\n", &flock.replace("FLOCK", "POSIX")] {
            assert!(!tells_of_flock(info), "{info:?}");
        }
    }
}
