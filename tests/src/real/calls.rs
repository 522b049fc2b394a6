//! The system calls of a process on one directory, out of what `strace -f -y` writes down.

use std::path::Path;

/// One call that succeeded, by its name and the file's name in the directory (`.` for itself).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// A lock, taken without blocking or else let go.
    Lock(String),
    Unlock(String),
    /// An open that makes the file where it is missing.
    Create(String),
    MakeDir(String),
    Read(String),
    Write(String, u64),
    Cut(String, u64),
    /// `fdatasync` of a file, `fsync` of a directory.
    Sync(String),
    Rename(String, String),
    Remove(String),
    /// The program has said something on its standard output.
    Said,
}

/// Calls that change nothing, or read nothing that matters here.
const HARMLESS: [&str; 14] = [
    "close",
    "fstat",
    "newfstatat",
    "stat",
    "lstat",
    "statx",
    "lseek",
    "fcntl",
    "getdents64",
    "access",
    "readlink",
    "dup",
    "statfs",
    "fstatfs",
];

/// What a line of the trace says, if it is a call on `dir` or on what is in it, or one by which
/// something is said.
///
/// # Panics
/// At a call on the directory that this does not know: it could be one that writes.
pub fn call(line: &str, dir: &Path) -> Option<Call> {
    // 1234 write(4</dir/app.jsonl>, "{\"type\":"..., 57) = 57
    let (_pid, line) = line.split_once(' ')?;
    let (name, rest) = line.trim_start().split_once('(')?;
    let (arguments, result) = rest.rsplit_once(" = ")?;
    if name == "write" && arguments.starts_with("1<") {
        return Some(Call::Said);
    }
    let files = files(arguments, dir);
    let file = files.first()?.clone();
    let failed = result.starts_with('-');
    let number = || {
        let last = arguments
            .trim_end()
            .strip_suffix(')')?
            .rsplit(", ")
            .next()?;
        last.parse().ok()
    };
    let unknown = || panic!("a system call unknown here: {line}");
    Some(match name {
        _ if failed => return None,
        "openat" if arguments.contains("O_TMPFILE") => unknown(),
        "openat" if arguments.contains("O_CREAT") => Call::Create(file),
        // What is emptied in passing would be lost without a trace.
        "openat" if arguments.contains("O_TRUNC") => unknown(),
        "openat" => return None,
        "mkdir" => Call::MakeDir(file),
        "flock" if arguments.contains("LOCK_EX|LOCK_NB") => Call::Lock(file),
        "flock" if arguments.contains("LOCK_UN") => Call::Unlock(file),
        "read" | "pread64" => Call::Read(file),
        "write" => {
            let written = result.parse().ok();
            assert_eq!(written, number(), "written in part: {line}");
            Call::Write(file, written.unwrap_or_default())
        }
        "ftruncate" => Call::Cut(file, number().expect(line)),
        "fdatasync" | "fsync" => {
            let is_dir = matches!(&*file, "." | "..");
            assert_eq!(name == "fsync", is_dir, "{line}");
            Call::Sync(file)
        }
        "rename" => Call::Rename(file, files.get(1).expect(line).clone()),
        "unlink" => Call::Remove(file),
        _ if HARMLESS.contains(&name) => return None,
        _ => unknown(),
    })
}

/// The files in the directory that a call names, by descriptor or by path.
fn files(arguments: &str, dir: &Path) -> Vec<String> {
    let dir = dir.to_string_lossy();
    let parent = dir.rsplit_once('/').map_or("", |(parent, _)| parent);
    let (mut found, mut rest) = (Vec::new(), arguments);
    while let Some(at) = rest.find(['<', '"']) {
        let close = if rest[at..].starts_with('<') {
            '>'
        } else {
            '"'
        };
        rest = &rest[at + 1..];
        let Some(end) = rest.find(close) else {
            break;
        };
        let path = &rest[..end];
        if path == parent {
            found.push(String::from(".."));
        } else if let Some(inside) = path.strip_prefix(&*dir) {
            match inside.strip_prefix('/') {
                Some(file) => found.push(file.to_owned()),
                None if inside.is_empty() => found.push(String::from(".")),
                // Another directory whose name begins the same.
                None => {}
            }
        }
        rest = &rest[end + 1..];
    }
    found
}
