//! A file or a stream, compressed or not, line by line.

use std::fs::File;
use std::hash::Hasher as _;
use std::io::{self, BufRead, BufReader, IsTerminal, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use eventfold::MAX_LINE;
use twox_hash::XxHash64;

use super::compressed::decompressed;
use crate::failure::{Failure, Outcome};
use crate::files::{ARCHIVE, LOG};

/// No event is longer, and its line elsewhere hardly so.
const LIMIT: usize = MAX_LINE + (1 << 20);

/// Of a line that is too long, for whoever looks for it.
const KEPT: usize = 256;

pub(super) const BUFFER: usize = 256 << 10;

/// What stands for standard input, and what an import of any stream is remembered by.
const STREAM: &str = "-";

/// What is imported.
pub(crate) struct Source {
    /// What an import of it is remembered by.
    pub(crate) key: String,
    /// What a person calls it.
    pub(crate) name: String,
    /// Whether it can be read once only: standard input, or a pipe that has a name.
    pub(crate) is_stream: bool,
    /// Whether its bytes are told to be whole by what comes after them.
    pub(crate) is_compressed: bool,
    lines: Box<dyn BufRead>,
    /// How many bytes of a chunk are not yet taken.
    left: usize,
    /// The stream, where its lines come as somebody writes them.
    pipe: Option<File>,
    taken: Arc<AtomicU64>,
    total: Option<u64>,
    at: Mark,
}

/// How far a source was read.
#[derive(Debug, Clone)]
pub(crate) struct Mark {
    /// Bytes, as they are after decompression.
    pub(crate) bytes: u64,
    newlines: u64,
    hash: XxHash64,
}

impl Mark {
    /// The xxh64 of what was read.
    pub(crate) fn hash(&self) -> String {
        format!("{:016x}", self.hash.finish())
    }
}

/// One line.
#[derive(Debug)]
pub(crate) struct Item {
    /// The first line is 1.
    pub(crate) number: u64,
    /// Where it starts.
    pub(crate) start: Mark,
    /// Where the next one does.
    pub(crate) end: Mark,
    pub(crate) bytes: Vec<u8>,
    pub(crate) is_too_long: bool,
    /// Whether there is a newline behind it.
    pub(crate) has_end: bool,
}

impl Source {
    /// Whether there is such a source to read, which is none of the log in `dir` itself, and whole
    /// where that can be told. Nothing is taken of a stream.
    pub(crate) fn check(path: &Path, dir: &Path) -> Outcome {
        if is_stream(path)? {
            return Ok(());
        }
        let mut source = Self::open(path)?;
        let own = |file| {
            dir.join(file)
                .canonicalize()
                .is_ok_and(|own| key(&own) == source.key)
        };
        match [LOG, ARCHIVE].into_iter().any(own) {
            true => Err(Failure::new(format!(
                "{} is the log's own file: its events are in the log",
                path.display()
            ))),
            // Damage is told only after bytes that it altered.
            false if source.is_compressed => {
                match source.skip(u64::MAX) {
                    Ok(_) => Ok(()),
                    Err(failure) => Err(failure
                        .after("nothing of it was imported: get it whole and run this again")),
                }
            }
            false => Ok(()),
        }
    }

    pub(crate) fn open(path: &Path) -> Outcome<Self> {
        let cannot = |error| Failure::io(format_args!("cannot read {}", path.display()), &error);
        let is_stdin = path.as_os_str() == STREAM;
        if is_stdin && io::stdin().is_terminal() {
            return Err(Failure::new(
                "standard input is the terminal; pipe a log into it, or name a file",
            ));
        }
        let is_stream = is_stream(path)?;
        let (key, total) = match is_stream {
            true => (STREAM.to_owned(), None),
            false => {
                let found = path.metadata().map_err(cannot)?;
                if found.is_dir() {
                    return Err(Failure::new(format!(
                        "{} is a directory; name the files in it",
                        path.display()
                    )));
                }
                (
                    key(&path.canonicalize().map_err(cannot)?),
                    Some(found.len()),
                )
            }
        };
        let (file, name) = match is_stdin {
            true => (stdin(), "standard input".to_owned()),
            false => (File::open(path), path.display().to_string()),
        };
        let file = file.map_err(cannot)?;
        let pipe = is_stream.then(|| file.try_clone());
        let pipe = pipe.transpose().map_err(cannot)?;
        let taken = Arc::new(AtomicU64::new(0));
        let counted = Counted {
            file,
            taken: Arc::clone(&taken),
        };
        let (lines, is_compressed) = decompressed(BufReader::with_capacity(BUFFER, counted))
            .map_err(|error| Failure::io(format_args!("cannot read {name}"), &error))?;
        let hash = XxHash64::with_seed(0);
        let at = Mark {
            bytes: 0,
            newlines: 0,
            hash,
        };
        Ok(Self {
            key,
            name,
            is_stream,
            is_compressed,
            lines,
            left: 0,
            // What is compressed is known to be whole at its end only.
            pipe: pipe.filter(|_| !is_compressed),
            taken,
            total,
            at,
        })
    }

    /// How much of the file was read, of 1; `None` where its length is unknown.
    pub(crate) fn share(&self) -> Option<f64> {
        let total = self.total.filter(|total| *total > 0)?;
        Some((self.taken.load(Ordering::Relaxed) as f64 / total as f64).min(1.0))
    }

    pub(crate) fn mark(&self) -> &Mark {
        &self.at
    }

    /// Passes over `bytes` bytes. False when there are fewer.
    pub(crate) fn skip(&mut self, bytes: u64) -> Outcome<bool> {
        while self.at.bytes < bytes {
            let left = usize::try_from(bytes - self.at.bytes).unwrap_or(usize::MAX);
            let n = left.min(self.fill()?.len());
            if n == 0 {
                return Ok(false);
            }
            self.take(n, &mut None)?;
        }
        Ok(true)
    }

    /// The next line that is not blank.
    pub(crate) fn next(&mut self) -> Outcome<Option<Item>> {
        loop {
            let mut item = Item {
                number: self.at.newlines + 1,
                start: self.at.clone(),
                end: self.at.clone(),
                bytes: Vec::new(),
                is_too_long: false,
                has_end: false,
            };
            loop {
                let chunk = self.fill()?;
                if chunk.is_empty() {
                    break;
                }
                let newline = memchr::memchr(b'\n', chunk);
                let n = newline.map_or(chunk.len(), |at| at + 1);
                self.take(n, &mut Some(&mut item))?;
                if newline.is_some() {
                    item.has_end = true;
                    break;
                }
            }
            if self.at.bytes == item.start.bytes {
                return Ok(None);
            }
            item.end = self.at.clone();
            if item.is_too_long || !item.bytes.trim_ascii().is_empty() {
                return Ok(Some(item));
            }
        }
    }

    /// Whether whoever writes the stream has for a moment written no further line.
    pub(crate) fn pauses(&mut self) -> bool {
        let Some(pipe) = &self.pipe else {
            return false;
        };
        // Where a part of a chunk is left, it is not waited for.
        let holds_line = self.left > 0
            && self
                .lines
                .fill_buf()
                .is_ok_and(|chunk| chunk.contains(&b'\n'));
        !holds_line && !has_more(pipe)
    }

    fn fill(&mut self) -> Outcome<&[u8]> {
        // Not in one expression: the borrow of a chunk that is returned would outlive the error.
        while let Err(error) = self.lines.fill_buf() {
            if error.kind() != io::ErrorKind::Interrupted {
                let (name, line) = (&self.name, self.at.newlines + 1);
                return Err(match (self.is_compressed, error.kind()) {
                    (true, io::ErrorKind::UnexpectedEof) => {
                        Failure::new(format!("{name} is cut off in line {line}"))
                    }
                    (true, _) if error.raw_os_error().is_none() => Failure::new(format!(
                        "{name} is damaged, in line {line} or before: {error}"
                    )),
                    _ => Failure::io(format_args!("cannot read {name} at line {line}"), &error),
                });
            }
        }
        self.lines
            .fill_buf()
            .map_err(|error| Failure::new(error.to_string()))
    }

    fn take(&mut self, n: usize, item: &mut Option<&mut Item>) -> Outcome {
        let chunk = self
            .lines
            .fill_buf()
            .map_err(|error| Failure::new(error.to_string()))?;
        self.left = chunk.len() - n;
        let chunk = chunk.get(..n).unwrap_or_default();
        self.at.hash.write(chunk);
        self.at.bytes += n as u64;
        self.at.newlines += memchr::memchr_iter(b'\n', chunk).count() as u64;
        if let Some(item) = item {
            item.is_too_long |= item.bytes.len() + n > LIMIT;
            match item.is_too_long {
                true => item.bytes.truncate(KEPT),
                false => item.bytes.extend_from_slice(chunk),
            }
        }
        self.lines.consume(n);
        Ok(())
    }
}

/// Whether it is no file, whose length and lines stay.
fn is_stream(path: &Path) -> Outcome<bool> {
    if path.as_os_str() == STREAM {
        return Ok(true);
    }
    match path.metadata() {
        Ok(found) => Ok(!found.is_file() && !found.is_dir()),
        Err(error) => {
            let action = format_args!("cannot read {}", path.display());
            Err(Failure::io(action, &error))
        }
    }
}

/// Different for different paths, also where they are no text.
fn key(path: &Path) -> String {
    path.to_str()
        .map_or_else(|| format!("{path:?}"), str::to_owned)
}

/// Standard input as any other file.
fn stdin() -> io::Result<File> {
    #[cfg(unix)]
    let stdin = std::os::fd::AsFd::as_fd(&io::stdin()).try_clone_to_owned();
    #[cfg(windows)]
    let stdin = std::os::windows::io::AsHandle::as_handle(&io::stdin()).try_clone_to_owned();
    stdin.map(File::from)
}

/// Whether there is something to read, or the end, at the latest in a moment.
#[cfg(unix)]
fn has_more(pipe: &File) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    let mut fds = [PollFd::new(pipe, PollFlags::IN)];
    let moment = Timespec {
        tv_sec: 0,
        tv_nsec: 100_000_000,
    };
    !matches!(poll(&mut fds, Some(&moment)), Ok(0))
}

/// Windows does not tell.
#[cfg(not(unix))]
fn has_more(_: &File) -> bool {
    true
}

struct Counted {
    file: File,
    taken: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read(buf)?;
        self.taken.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}
