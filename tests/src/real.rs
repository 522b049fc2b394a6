//! What the processes of the suites against the real system do. Each runs in a process of its
//! own, the program `actor`, and says on its standard output what it is about to do and what it
//! has done, so that the test knows it also when the process is killed.
//!
//! | | |
//! |---|---|
//! | `work` | a writer that works until it is killed |
//! | `contend` | one of several that want the lock |
//! | `follow` | readers beside a writer that rotates |
//! | `calls` | the system calls of a process, as `strace` writes them down |
//! | `program` | one program over real files and over a simulated disk |
//! | `expansion` | the system calls that the operations of that disk stand for |

pub mod calls;
pub mod contend;
pub mod expansion;
pub mod follow;
pub mod program;
pub mod work;

use std::fmt::Display;
use std::io::{self, Write};

/// Says this with one write: a process that is killed has said it whole or not at all.
pub fn say(lines: impl Display) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(format!("{lines}\n").as_bytes())?;
    out.flush()
}
