//! What a program's diagnostics are told, by `tracing` where the feature is on. Opening, rotating and
//! failing are told, appending is not.

#![cfg_attr(not(feature = "tracing"), expect(unused_variables))]

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use eventfold_core::{LockMode, NoSnapshot, Recovery, Rotation};

use crate::error::Error;

/// Without the feature nothing is formatted, and nothing is left of the calls.
macro_rules! event {
    ($level:ident, $($rest:tt)*) => {
        #[cfg(feature = "tracing")]
        tracing::$level!($($rest)*)
    };
}

pub(crate) fn opened(dir: &Path, mode: LockMode, recovery: &Recovery, since: Instant) {
    event!(debug, dir = %dir.display(), lock_mode = ?mode, elapsed_us = micros(since), "opened");
    if !recovery.is_clean() {
        event!(
            warn,
            dir = %dir.display(),
            torn_log_bytes = recovery.torn_log_bytes,
            torn_archive_bytes = recovery.torn_archive_bytes,
            adopted_bytes = recovery.adopted_bytes,
            "recovered: {recovery}"
        );
    }
}

/// Tells it if it is the lock that was refused.
pub(crate) fn refused(dir: &Path, timeout: Duration, error: &io::Error) {
    if let Some(Error::Locked { holder, .. }) = Error::of(error) {
        let pid = holder.as_ref().map(|holder| holder.pid);
        let program = holder.as_ref().and_then(|holder| holder.program.as_deref());
        event!(
            warn,
            dir = %dir.display(),
            holder_pid = pid,
            holder_program = program,
            timeout_ms = timeout.as_millis() as u64,
            "lock refused"
        );
    }
}

pub(crate) fn rotated(dir: &Path, rotation: &Rotation, since: Instant) {
    event!(
        info,
        dir = %dir.display(),
        bytes = rotation.bytes,
        archived_bytes = rotation.archived,
        elapsed_us = micros(since),
        "rotated"
    );
}

pub(crate) fn poisoned(dir: &Path, error: &Error) {
    event!(error, dir = %dir.display(), "poisoned: {error}");
}

/// A view that has saved nothing yet has nothing to pass over.
pub(crate) fn passed_over(dir: &Path, view: &str, why: NoSnapshot) {
    if why != NoSnapshot::Missing {
        event!(info, dir = %dir.display(), view, why = ?why, "snapshot passed over");
    }
}

#[cfg(feature = "tracing")]
fn micros(since: Instant) -> u64 {
    since.elapsed().as_micros() as u64
}
