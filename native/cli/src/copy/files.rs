//! The files of a copy.

use std::fs::{self, File, Metadata, Permissions};
use std::io;
use std::path::Path;

use crate::files::{ARCHIVE, LOG, sync_dir};

/// Copies log and archive. False when a rotation came in between.
pub(super) fn copy_files(from: &Path, to: &Path) -> io::Result<bool> {
    for file in [ARCHIVE, LOG] {
        remove(&to.join(file))?;
        copy_file(&from.join(file), &to.join(file))?;
    }
    Ok(len(&from.join(ARCHIVE))? == len(&to.join(ARCHIVE))?)
}

/// A file that is not there, or no longer, needs no copy.
fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    let mut file = match File::open(from) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut copy = File::create(to)?;
    copy.set_permissions(writable(&file.metadata()?))?;
    io::copy(&mut file, &mut copy)?;
    Ok(())
}

/// The permissions of what is copied, with which whoever copies it can write the copy too: of a log
/// that is write-protected it has to be finished, and one that was restored is to be written again.
pub(super) fn writable(original: &Metadata) -> Permissions {
    let mut permissions = original.permissions();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        permissions.set_mode(permissions.mode() | 0o200);
    }
    #[cfg(not(unix))]
    #[expect(
        clippy::permissions_set_readonly_false,
        reason = "it opens a file to all on Unix only"
    )]
    permissions.set_readonly(false);
    permissions
}

pub(super) fn copy_dir(from: &Path, to: &Path) -> io::Result<()> {
    let files = match fs::read_dir(from) {
        Ok(files) => files,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    fs::create_dir(to)?;
    for file in files {
        let file = file?;
        if file.file_type()?.is_file() {
            copy_file(&file.path(), &to.join(file.file_name()))?;
        }
    }
    Ok(())
}

pub(super) fn sync_all(dir: &Path) -> io::Result<()> {
    for file in fs::read_dir(dir)? {
        let file = file?;
        match file.file_type()?.is_dir() {
            true => sync_all(&file.path())?,
            // Windows syncs what is open for writing only.
            false => fs::OpenOptions::new()
                .append(true)
                .open(file.path())?
                .sync_all()?,
        }
    }
    sync_dir(dir)
}

fn len(path: &Path) -> io::Result<u64> {
    match fs::metadata(path) {
        Ok(found) => Ok(found.len()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    }
}

pub(super) fn remove(path: &Path) -> io::Result<()> {
    gone(fs::remove_file(path))
}

pub(super) fn remove_dir(path: &Path) -> io::Result<()> {
    gone(fs::remove_dir_all(path))
}

fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
