use eventfold_core::{Appended, Rotation};

/// What a writer has done since it was opened, for a program to show.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// use eventfold::{Event, EventWriter};
///
/// let mut writer = EventWriter::open(dir.path())?;
/// writer.append_batch(&[1, 2, 3].map(|n| Event::new("counted", n)))?;
/// let stats = writer.stats();
/// assert_eq!((stats.events, stats.syncs), (3, 1));
/// assert_eq!(stats.bytes, writer.end_position());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Events appended, without those of which it is unknown whether they are durable.
    pub events: u64,
    /// Bytes of their lines, newlines included.
    pub bytes: u64,
    /// How often the log's file was synced, by appends, rotations and snapshots alike.
    pub syncs: u64,
    /// Rotations that moved something.
    pub rotations: u64,
}

impl Stats {
    pub(crate) fn appended(&mut self, appended: &Appended) {
        self.events += 1;
        self.bytes += appended.next_position - appended.position;
    }

    pub(crate) fn rotated(&mut self, rotation: &Rotation) {
        self.rotations += u64::from(rotation.bytes > 0);
    }
}
