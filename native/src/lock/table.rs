//! What Linux tells of locks in `/proc/locks`.

use std::fs::{self, File};
use std::io::Read;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;

/// The process that took a lock of `flock` on `file`, as far as it is visible from here. It may
/// have ended since, and left the lock to another.
pub(super) fn taker(file: &File) -> Option<u32> {
    look(file)?.into_iter().flatten().next()
}

/// Whether somebody has a lock of `flock` on `file`; those who took it in another container are
/// not seen.
pub(super) fn is_locked(file: &File) -> bool {
    look(file).is_some()
}

/// Whether no lock is hidden from us: whoever looks from inside a container sees none that was
/// taken outside, nor one whose taker has ended.
pub(super) fn is_complete() -> bool {
    // The number of the first namespace is part of the kernel's interface.
    fs::read_link("/proc/self/ns/pid").is_ok_and(|link| link.as_os_str() == "pid:[4026531836]")
}

/// Those who hold a lock on `file`, `None` if nobody does.
fn look(file: &File) -> Option<Vec<Option<u32>>> {
    let key = key(file)?;
    (0..LOOKS).find_map(|_| {
        let found: Vec<_> = takers(&locks()?, key).collect();
        (!found.is_empty()).then_some(found)
    })
}

/// How often `/proc/locks` is read for a holder. Each read call gets a page at
/// most and goes on by line number, so that a lock released elsewhere in
/// between makes it skip a line.
const LOOKS: usize = 8;

/// The text of `/proc/locks`.
fn locks() -> Option<String> {
    // With room from the start, the usual table comes in one call; the first
    // call into an empty buffer would ask for a single line.
    let mut text = String::with_capacity(1 << 16);
    File::open("/proc/locks")
        .and_then(|mut file| file.read_to_string(&mut text))
        .ok()?;
    Some(text)
}

/// The device and inode of a file in `/proc/locks`.
#[derive(Clone, Copy)]
struct Key {
    major: u64,
    minor: u64,
    inode: u64,
}

/// The device and inode under which `/proc/locks` lists `file`.
///
/// They are not those of `stat`: btrfs gives each subvolume, and overlayfs
/// some files, a device of their own there. The mount table has the device of
/// the file system itself, which is the one that `/proc/locks` prints.
fn key(file: &File) -> Option<Key> {
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", file.as_raw_fd())).ok()?;
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let (major, minor) = mount_device(&mounts, field(&info, "mnt_id:")?)?;
    // The line `ino:` is there since Linux 5.14.
    let inode = match field(&info, "ino:") {
        Some(inode) => inode,
        None => file.metadata().ok()?.ino(),
    };
    Some(Key {
        major,
        minor,
        inode,
    })
}

/// The number after `name` in a file of `/proc/<pid>/fdinfo`.
fn field(info: &str, name: &str) -> Option<u64> {
    info.lines()
        .find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

/// The device (major, minor) of the mount numbered `id` in the text of
/// `/proc/<pid>/mountinfo`.
fn mount_device(mounts: &str, id: u64) -> Option<(u64, u64)> {
    // id, parent, major:minor in decimal, root, mount point, ...
    mounts.lines().find_map(|line| {
        let mut fields = line.split_ascii_whitespace();
        if fields.next()?.parse() != Ok(id) {
            return None;
        }
        let (major, minor) = fields.nth(1)?.split_once(':')?;
        Some((major.parse().ok()?, minor.parse().ok()?))
    })
}

/// Those whom the text of `/proc/locks` names as holding a lock of `flock` on the file: `None` where
/// that is no pid, such as 0, which stands for a process of another namespace. Lines that are not
/// understood are skipped.
fn takers(locks: &str, key: Key) -> impl Iterator<Item = Option<u32>> {
    locks.lines().filter_map(move |line| {
        // "1: FLOCK  ADVISORY  WRITE 2001 08:01:7864554 0 EOF", the device in
        // hexadecimal. One that waits has "->" after its number.
        let mut fields = line.split_ascii_whitespace().skip(1);
        if fields.next()? != "FLOCK" {
            return None;
        }
        // Shared or exclusive: either keeps an exclusive lock out.
        let pid = fields.nth(2)?.parse().ok().filter(|pid| *pid != 0);
        let mut file = fields.next()?.split(':');
        let same = u64::from_str_radix(file.next()?, 16) == Ok(key.major)
            && u64::from_str_radix(file.next()?, 16) == Ok(key.minor)
            && file.next()?.parse() == Ok(key.inode)
            && file.next().is_none();
        same.then_some(pid)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCKS: &str = "\
1: POSIX  ADVISORY  WRITE 11 08:1a:100 0 EOF
2: FLOCK  ADVISORY  WRITE 22 08:1a:101 0 EOF
2: -> FLOCK  ADVISORY  WRITE 23 08:1a:100 0 EOF
3: OFDLCK ADVISORY  WRITE -1 08:1a:100 0 EOF
4: LEASE  ACTIVE    READ 44 08:1a:100 0 EOF
5: FLOCK  ADVISORY  WRITE 55 09:1a:100 0 EOF
6: FLOCK  ADVISORY  WRITE 66 08:1b:100 0 EOF
";

    fn taker_in(locks: &str, major: u64, minor: u64, inode: u64) -> Option<u32> {
        let key = Key {
            major,
            minor,
            inode,
        };
        takers(locks, key).find_map(|pid| pid)
    }

    fn with(line: &str) -> Option<u32> {
        taker_in(&format!("{LOCKS}{line}\n"), 8, 0x1a, 100)
    }

    #[test]
    fn the_holder_is_the_flock_line_of_the_same_device_and_inode() {
        assert_eq!(taker_in(LOCKS, 8, 0x1a, 100), None);
        assert_eq!(taker_in(LOCKS, 8, 0x1a, 101), Some(22));
        assert_eq!(
            with("7: FLOCK  ADVISORY  WRITE 77 08:1a:100 0 EOF"),
            Some(77)
        );
        assert_eq!(
            with("7: FLOCK  ADVISORY  READ  77 08:1a:100 0 EOF"),
            Some(77)
        );
        assert_eq!(
            taker_in(
                "1: FLOCK ADVISORY WRITE 5 103:fffff:18446744073709551615 0 EOF",
                0x103,
                0xfffff,
                u64::MAX
            ),
            Some(5)
        );
    }

    #[test]
    fn a_pid_that_is_none_is_no_holder() {
        for pid in ["0", "-1", "-7", "4294967296", "x", ""] {
            assert_eq!(
                with(&format!("7: FLOCK ADVISORY WRITE {pid} 08:1a:100 0 EOF")),
                None
            );
        }
    }

    #[test]
    fn a_malformed_line_is_skipped() {
        for line in [
            "",
            "7:",
            "7: FLOCK",
            "7: FLOCK ADVISORY WRITE",
            "7: FLOCK ADVISORY WRITE 77",
            "7: FLOCK ADVISORY WRITE 77 <none>:0 0 EOF",
            "7: FLOCK ADVISORY WRITE 77 08:1a 0 EOF",
            "7: FLOCK ADVISORY WRITE 77 08:1a:100:1 0 EOF",
            "7: FLOCK ADVISORY WRITE 77 08:zz:100 0 EOF",
            "7: FLOCK ADVISORY WRITE 77 08:1a:1e2 0 EOF",
            "7: FLÖCK ADVISORY WRITE 77 08:1a:100 0 EOF",
        ] {
            assert_eq!(with(line), None, "{line:?}");
            let good = "8: FLOCK ADVISORY WRITE 88 08:1a:100 0 EOF";
            assert_eq!(with(&format!("{line}\n{good}")), Some(88), "{line:?}");
        }
    }

    #[test]
    fn the_device_is_the_one_of_the_mount() {
        let mounts = "\
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,noatime shared:1 - ext4 /dev/root rw
x
28
";
        assert_eq!(mount_device(mounts, 27), Some((254, 0)));
        assert_eq!(mount_device(mounts, 2), None);
        assert_eq!(mount_device(mounts, 28), None);
        assert_eq!(
            field("pos:\t0\nmnt_id:\t24\nino:\t3\n", "mnt_id:"),
            Some(24)
        );
        assert_eq!(field("pos:\t0\n", "ino:"), None);
    }
}
