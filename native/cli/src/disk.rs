//! The file system that a log lies on, and what its fsync is worth.

use std::path::Path;

/// A mounted file system.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Disk {
    pub(crate) file_system: String,
    pub(crate) mounted_on: String,
    pub(crate) fsync: Fsync,
    pub(crate) reason: &'static str,
}

/// Whether what it has synced survives a power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fsync {
    Yes,
    No,
    Unknown,
}

impl Disk {
    /// `None` where the system does not tell.
    pub(crate) fn of(dir: &Path) -> Option<Self> {
        let dir = dir.canonicalize().ok()?;
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
        Self::among(&mounts, dir.to_str()?)
    }

    fn among(mounts: &str, dir: &str) -> Option<Self> {
        let mut found: Option<Self> = None;
        for mount in mounts.lines() {
            // "36 35 98:0 /root /mount rw,noatime master:1 - ext4 /dev/sda1 rw,errors=continue"
            let Some((left, right)) = mount.split_once(" - ") else {
                continue;
            };
            let mut right = right.split(' ');
            let (Some(at), Some(kind)) = (left.split(' ').nth(4), right.next()) else {
                continue;
            };
            let options = right.nth(1).unwrap_or_default();
            let at = at.replace("\\040", " ");
            let inside = dir.strip_prefix(at.trim_end_matches('/'));
            let covers = inside.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
            // Of two on one place the later one is seen.
            if covers
                && found
                    .as_ref()
                    .is_none_or(|disk| disk.mounted_on.len() <= at.len())
            {
                let (fsync, reason) = judge(kind, options);
                found = Some(Self {
                    file_system: kind.to_owned(),
                    mounted_on: at,
                    fsync,
                    reason,
                });
            }
        }
        found
    }
}

fn judge(kind: &str, options: &str) -> (Fsync, &'static str) {
    let has = |wanted: &str| options.split(',').any(|option| option == wanted);
    match kind {
        _ if has("nobarrier") || has("barrier=0") => (
            Fsync::No,
            "mounted without barriers: the disk's cache is not flushed",
        ),
        "ext4" | "ext3" | "xfs" | "btrfs" | "f2fs" | "zfs" | "bcachefs" | "apfs" => (
            Fsync::Yes,
            "what was synced survives a power cut, where the disk keeps what it acknowledged",
        ),
        "ext2" | "vfat" | "exfat" | "ntfs" | "ntfs3" | "hfsplus" => (
            Fsync::Unknown,
            "what was synced is on the disk, but a power cut can damage a file system that has no journal",
        ),
        "tmpfs" | "ramfs" => (Fsync::No, "kept in memory: nothing survives a power cut"),
        "overlay" if has("volatile") => (Fsync::No, "mounted volatile: it syncs nothing"),
        "overlay" => (
            Fsync::Unknown,
            "worth what the file system under it is, where a container keeps what it writes; \
             removed with the container",
        ),
        "nfs" | "nfs4" | "cifs" | "smb3" | "ceph" | "9p" | "virtiofs" => (
            Fsync::Unknown,
            "worth what the machine that serves it makes of it",
        ),
        kind if kind.starts_with("fuse") => (
            Fsync::Unknown,
            "worth what the program that serves it makes of it",
        ),
        _ => (Fsync::Unknown, "nothing is known of it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
22 1 254:0 / / rw - ext4 /dev/a rw
23 22 0:5 / /home/my\\040log rw - xfs /dev/b rw,nobarrier
24 22 0:6 / /tmp rw shared:1 - tmpfs tmpfs rw
25 24 0:7 / /tmp rw - overlay overlay rw,lowerdir=/a,upperdir=/b,volatile
26 22 0:8 / /mnt rw - fuse.sshfs x rw
broken
";

    #[test]
    fn the_nearest_mount_and_the_last_on_its_place_is_the_one() {
        for (dir, kind, fsync) in [
            ("/var/log", "ext4", Fsync::Yes),
            ("/tmpfoo", "ext4", Fsync::Yes),
            ("/", "ext4", Fsync::Yes),
            ("/home/my log/x", "xfs", Fsync::No),
            ("/tmp", "overlay", Fsync::No),
            ("/mnt/a", "fuse.sshfs", Fsync::Unknown),
        ] {
            let disk = Disk::among(MOUNTS, dir).unwrap();
            assert_eq!(
                (disk.file_system.as_str(), disk.fsync),
                (kind, fsync),
                "{dir}"
            );
        }
        assert_eq!(Disk::among("", "/"), None);
    }
}
