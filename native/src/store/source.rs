//! Reading the files.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{self, Path, PathBuf};

use eventfold_core::{Slot, Source};

use super::failed;
#[cfg(unix)]
use super::kept::Kept;
use crate::identity::Identity;
use crate::patience::patiently;

/// The reading half: the files of one directory, looked for anew by each read, so that a file that
/// comes later or is replaced is the one that is read.
#[derive(Debug, Clone)]
pub struct FileSource {
    dir: PathBuf,
    #[cfg(unix)]
    log: Kept,
}

impl FileSource {
    /// The files of `dir`, which need not exist. A relative path is resolved now, where that leads to
    /// the same from the root: the process may change its directory afterwards.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        let dir = dir.into();
        let dir = match dir.as_os_str().is_empty() {
            true => ".".into(),
            false => dir,
        };
        Self {
            dir: from_root(dir),
            #[cfg(unix)]
            log: Kept::default(),
        }
    }

    /// The directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn path(&self, slot: Slot<'_>) -> PathBuf {
        self.dir.join(slot.to_string())
    }

    /// A log that is not there is not an empty one.
    pub(crate) fn check_dir(&self) -> io::Result<()> {
        let found = fs::metadata(&self.dir).and_then(|found| match found.is_dir() {
            true => Ok(()),
            false => Err(io::ErrorKind::NotADirectory.into()),
        });
        found.map_err(|error| failed("read a log there", &self.dir, error))
    }
}

impl Source for FileSource {
    type Error = io::Error;

    fn len(&self, slot: Slot<'_>) -> io::Result<u64> {
        let found = present(fs::metadata(self.path(slot)))?;
        #[cfg(unix)]
        if let (Slot::Log, Some(found)) = (slot, &found) {
            self.log.see(found);
        }
        match found {
            None => Ok(0),
            Some(found) if found.is_file() => Ok(found.len()),
            Some(found) if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
            // A pipe would be waited for, a device read without end.
            Some(_) => Err(io::Error::other("it is not a regular file")),
        }
    }

    fn read_at(&self, slot: Slot<'_>, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let path = self.path(slot);
        // At the log's end, where nothing is to be read, opening it has a network file system ask
        // for what another machine appended.
        #[cfg(unix)]
        if slot == Slot::Log && !buf.is_empty() {
            return self.log.read_at(&path, offset, buf);
        }
        match present(patiently(|| File::open(&path)))? {
            Some(file) => read_full(&file, offset, buf),
            None => Ok(0),
        }
    }
}

/// The path from the root, where it leads to the same: on the way to where the process is there can
/// be a directory that is closed to it, another one mounted, or more names than a path may have.
fn from_root(dir: PathBuf) -> PathBuf {
    let seen = |dir: &Path| Identity::at(dir).map_err(|error| error.kind());
    let leads = |dir: &Path| path::absolute(dir).is_ok_and(|root| seen(&root) == seen(dir));
    match path::absolute(&dir) {
        // What is to be made yet is missed by either path, wherever it leads.
        Ok(absolute) if dir.is_absolute() || leads(Path::new(".")) && leads(&dir) => absolute,
        _ => dir,
    }
}

/// The view whose snapshot a file of this name is.
pub(crate) fn view_of(file: &OsStr) -> Option<&str> {
    file.to_str()?.strip_suffix(".snapshot.json")
}

/// What does not exist is `None`, not an error.
pub(super) fn present<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

pub(super) fn read_full(file: &File, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
    let mut n = 0;
    while let Some(rest) = buf.get_mut(n..).filter(|rest| !rest.is_empty()) {
        match read_some(file, offset + n as u64, rest) {
            Ok(0) => break,
            Ok(more) => n += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(n)
}

#[cfg(unix)]
fn read_some(file: &File, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buf, offset)
}

#[cfg(windows)]
fn read_some(file: &File, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buf, offset)
}
