//! Where the logs are written, and what that is worth.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

pub struct Place {
    dir: TempDir,
    pub on_disk: bool,
    pub file_system: &'static str,
}

impl Place {
    /// A directory below `parent`, which goes with it.
    pub fn below(parent: &Path) -> Self {
        fs::create_dir_all(parent).unwrap();
        let dir = tempfile::Builder::new()
            .prefix("work-")
            .tempdir_in(parent)
            .unwrap();
        let (file_system, on_disk) = file_system(dir.path());
        Self {
            dir,
            on_disk,
            file_system,
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A directory that goes with what is returned.
    pub fn fresh(&self) -> TempDir {
        tempfile::tempdir_in(self.dir.path()).unwrap()
    }

    /// What other rows left to be written is written now, and not while the next is measured.
    pub fn settle(&self) {
        rustix::fs::sync();
    }
}

fn file_system(dir: &Path) -> (&'static str, bool) {
    match rustix::fs::statfs(dir).unwrap().f_type as u64 {
        0x0102_1994 => ("tmpfs", false),
        0x8584_58f6 => ("ramfs", false),
        0xef53 => ("ext4", true),
        0x5846_5342 => ("xfs", true),
        0x9123_683e => ("btrfs", true),
        0x2fc1_2fc1 => ("zfs", true),
        0x794c_7630 => ("overlayfs", true),
        _ => ("another file system", true),
    }
}
