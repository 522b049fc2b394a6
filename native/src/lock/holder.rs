//! Who holds a lock, as far as the system tells.

use std::fs::File;

/// The process that holds the writer's lock.
///
/// Known on Linux only, and only for a process that is visible from here: not
/// for one outside of our container or on another machine. It is the process
/// that took the lock or, if that one has ended, one that has the locked file
/// open: its child, or the program for which `flock(1)` took it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The process id, never 0.
    pub pid: u32,
    /// The name of its program, as `ps -o comm` prints it (cut to 15 bytes by
    /// the system), with control characters replaced; `None` if unreadable.
    pub program: Option<String>,
}

impl Holder {
    /// The process that holds a lock on `file`, `None` if it cannot be known.
    #[cfg(target_os = "linux")]
    pub(super) fn of(file: &File) -> Option<Self> {
        use super::open_files;
        use std::fs;

        let taker = lock_key(file).and_then(|(major, minor, inode)| {
            (0..LOOKS).find_map(|_| holder_pid(&locks()?, major, minor, inode))
        });
        // The process that took the lock may have ended and left it to
        // another, and a pid that names none here, or by now an innocent one,
        // would only mislead.
        let pid = taker
            .filter(|pid| open_files::has_locked(*pid, file).unwrap_or(true))
            .or_else(|| open_files::who_has_locked(file))?;
        let program = fs::read(format!("/proc/{pid}/comm"))
            .ok()
            .and_then(|name| printable(&name));
        Some(Self { pid, program })
    }

    /// The process that holds a lock on `file`: never known on this system.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn of(_file: &File) -> Option<Self> {
        None
    }
}

/// How often `/proc/locks` is read for a holder. Each read call gets a page at
/// most and goes on by line number, so that a lock released elsewhere in
/// between makes it skip a line.
#[cfg(target_os = "linux")]
const LOOKS: usize = 8;

/// The text of `/proc/locks`.
#[cfg(target_os = "linux")]
fn locks() -> Option<String> {
    use std::io::Read;

    // With room from the start, the usual table comes in one call; the first
    // call into an empty buffer would ask for a single line.
    let mut text = String::with_capacity(1 << 16);
    File::open("/proc/locks")
        .and_then(|mut file| file.read_to_string(&mut text))
        .ok()?;
    Some(text)
}

/// The device (major, minor) and inode under which `/proc/locks` lists `file`.
///
/// They are not those of `stat`: btrfs gives each subvolume, and overlayfs
/// some files, a device of their own there. The mount table has the device of
/// the file system itself, which is the one that `/proc/locks` prints.
#[cfg(target_os = "linux")]
fn lock_key(file: &File) -> Option<(u64, u64, u64)> {
    use std::fs;
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::MetadataExt;

    let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", file.as_raw_fd())).ok()?;
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let (major, minor) = mount_device(&mounts, field(&info, "mnt_id:")?)?;
    // The line `ino:` is there since Linux 5.14.
    let inode = match field(&info, "ino:") {
        Some(inode) => inode,
        None => file.metadata().ok()?.ino(),
    };
    Some((major, minor, inode))
}

/// The number after `name` in a file of `/proc/<pid>/fdinfo`.
#[cfg(target_os = "linux")]
fn field(info: &str, name: &str) -> Option<u64> {
    info.lines()
        .find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

/// The device (major, minor) of the mount numbered `id` in the text of
/// `/proc/<pid>/mountinfo`.
#[cfg(target_os = "linux")]
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

/// The process that the text of `/proc/locks` names as holding a lock of
/// `flock` on the file with this device and inode; never 0, which stands for a
/// process of another namespace. Lines that are not understood are skipped.
#[cfg(target_os = "linux")]
fn holder_pid(locks: &str, major: u64, minor: u64, inode: u64) -> Option<u32> {
    locks.lines().find_map(|line| {
        // "1: FLOCK  ADVISORY  WRITE 2001 08:01:7864554 0 EOF", the device in
        // hexadecimal. One that waits has "->" after its number.
        let mut fields = line.split_ascii_whitespace().skip(1);
        if fields.next()? != "FLOCK" {
            return None;
        }
        // Shared or exclusive: either keeps an exclusive lock out.
        let pid = fields.nth(2)?.parse().ok().filter(|pid| *pid != 0)?;
        let mut file = fields.next()?.split(':');
        let same = u64::from_str_radix(file.next()?, 16) == Ok(major)
            && u64::from_str_radix(file.next()?, 16) == Ok(minor)
            && file.next()?.parse() == Ok(inode)
            && file.next().is_none();
        same.then_some(pid)
    })
}

/// The name in the bytes of `/proc/<pid>/comm`, safe to print on one line.
#[cfg(target_os = "linux")]
fn printable(name: &[u8]) -> Option<String> {
    let name = String::from_utf8_lossy(name);
    let name: String = name
        .trim()
        .chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect();
    (!name.is_empty()).then_some(name)
}

#[cfg(all(test, target_os = "linux"))]
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

    fn with(line: &str) -> Option<u32> {
        holder_pid(&format!("{LOCKS}{line}\n"), 8, 0x1a, 100)
    }

    #[test]
    fn the_holder_is_the_flock_line_of_the_same_device_and_inode() {
        assert_eq!(holder_pid(LOCKS, 8, 0x1a, 100), None);
        assert_eq!(holder_pid(LOCKS, 8, 0x1a, 101), Some(22));
        assert_eq!(
            with("7: FLOCK  ADVISORY  WRITE 77 08:1a:100 0 EOF"),
            Some(77)
        );
        assert_eq!(
            with("7: FLOCK  ADVISORY  READ  77 08:1a:100 0 EOF"),
            Some(77)
        );
        assert_eq!(
            holder_pid(
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

    #[test]
    fn a_program_name_is_one_printable_line() {
        assert_eq!(printable(b"app\n").as_deref(), Some("app"));
        assert_eq!(
            printable(b"a b\x1b[2J\n").as_deref(),
            Some("a b\u{fffd}[2J")
        );
        assert_eq!(printable(b"a\nb\n").as_deref(), Some("a\u{fffd}b"));
        assert_eq!(printable(b"a\xff\n").as_deref(), Some("a\u{fffd}"));
        assert_eq!(printable(b"\n"), None);
    }
}
