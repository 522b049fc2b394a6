//! Which file is meant, whatever it is called.

use std::fs::File;
#[cfg(unix)]
use std::fs::{self, Metadata};
use std::io;
#[cfg(unix)]
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::patience::patiently;

/// What tells a file from all others for as long as it is open, here or elsewhere.
#[cfg(unix)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    device: u64,
    inode: u64,
}

#[cfg(windows)]
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Identity(same_file::Handle);

impl Identity {
    /// Whether `path` names the file; `false` also if it names nothing.
    ///
    /// # Errors
    /// The error of looking at what is there, with its kind.
    pub(crate) fn is_at(&self, path: &Path) -> io::Result<bool> {
        match patiently(|| Self::at(path)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            found => Ok(found? == *self),
        }
    }
}

#[cfg(unix)]
impl Identity {
    pub(crate) fn of(file: &File) -> io::Result<Self> {
        Ok(Self::from(&file.metadata()?))
    }

    /// Takes no descriptor: an append must not fail because there is none left.
    pub(crate) fn at(path: &Path) -> io::Result<Self> {
        Ok(Self::from(&fs::metadata(path)?))
    }
}

#[cfg(unix)]
impl From<&Metadata> for Identity {
    fn from(found: &Metadata) -> Self {
        Self {
            device: found.dev(),
            inode: found.ino(),
        }
    }
}

#[cfg(windows)]
impl Identity {
    pub(crate) fn of(file: &File) -> io::Result<Self> {
        Ok(Self(same_file::Handle::from_file(file.try_clone()?)?))
    }

    pub(crate) fn at(path: &Path) -> io::Result<Self> {
        Ok(Self(same_file::Handle::from_path(path)?))
    }
}
