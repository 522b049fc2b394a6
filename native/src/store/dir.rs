//! The directory: made where missing, its names made durable.

use std::fs;
#[cfg(unix)]
use std::fs::File;
use std::io;
use std::path::Path;

use super::failed;

/// Makes the directory, and each name on the way to it durable.
pub(super) fn make_dir(dir: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = dir
        .ancestors()
        .take_while(|dir| !dir.as_os_str().is_empty() && !dir.exists())
        .collect();
    let made = match dir.ancestors().find(|dir| dir.symlink_metadata().is_ok()) {
        // Else said to exist already, which is what contention is called.
        Some(there) if !there.is_dir() => Err(io::ErrorKind::NotADirectory.into()),
        _ => fs::create_dir_all(dir),
    };
    made.map_err(|error| failed("make the directory", dir, error))?;
    for made in missing {
        let parent = match made.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        sync_dir(parent).map_err(|error| failed("sync the directory", parent, error))?;
    }
    Ok(())
}

#[cfg(unix)]
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Windows flushes no directory; a file's name there is durable with the file.
#[cfg(windows)]
pub(super) fn sync_dir(_dir: &Path) -> io::Result<()> {
    Ok(())
}
