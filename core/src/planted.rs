//! Bugs that eventfold's own tests plant, to see that a suite falls over each of them.
//!
//! They exist with the feature `planted-bugs` only. Without it [`planted`] is `false` for the
//! compiler, and nothing of them is left.

macro_rules! bugs {
    ($(#[doc = $what:literal] $name:ident,)*) => {
        /// A mistake that somebody could make here.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Bug {
            $(#[doc = $what] $name,)*
        }

        #[cfg(feature = "planted-bugs")]
        impl Bug {
            /// All of them, each with what it does.
            pub const ALL: &[(Self, &str)] = &[$((Self::$name, $what.trim_ascii()),)*];
        }
    };
}

bugs! {
    /// An append returns before its event is durable
    AppendUnsynced,
    /// A line and its newline are written apart
    NewlineApart,
    /// What an append that failed has written is left there
    RollBackLeftOut,
    /// A writer goes on after a roll-back that failed
    RollBackForgiven,
    /// A writer goes on after a sync that failed
    SyncForgiven,
    /// What a failed sync gave up is left in the log
    GivenUpLeft,
    /// A writer does not look whether somebody else wrote
    OthersUnseen,
    /// An event is taken that nests deeper than the parser goes
    DepthUnchecked,
    /// A rotation does not sync the log before it copies it
    RotatedUnsynced,
    /// A rotation empties the log before the archive is durable
    ArchiveUnsynced,
    /// A rotation seals the archive before it empties the log
    SealedEarly,
    /// A rotation does not sync the seal
    SealUnsynced,
    /// Opening leaves a torn line
    TornLineLeft,
    /// Opening cuts bytes that it does not keep
    CutUnkept,
    /// Opening empties a log that it did not find in the archive
    LogUncompared,
    /// Opening takes what it sees in the archive for durable
    SeenTakenForDurable,
    /// Opening takes what it sees in the log for durable
    SeenLogTakenForDurable,
    /// Opening seals no frames without content
    EmptyFramesUnsealed,
    /// A reader does not look whether a rotation came in between
    RotationUnseen,
    /// A reader does not look whether the log was emptied in between
    EmptiedLogUnseen,
    /// A reader takes an archive that is as long as before for the same
    OtherArchiveUnseen,
    /// A reader keeps lines that may be torn until it is their turn
    TornLinesKept,
    /// A block is believed without its hash
    BlockUnchecked,
    /// A snapshot is saved of events that are not durable
    SnapshotUnsynced,
    /// A snapshot is believed without its check
    SnapshotUnchecked,
    /// A snapshot of another history is believed
    SnapshotOfAnyLog,
    /// A snapshot of another version of the view is believed
    SnapshotOfAnyVersion,
    /// A refresh takes an error for the end, and what it read till then for all
    ErrorTakenForTheEnd,
    /// A view loses its state over an error
    StateLostOnError,
    /// A view is ahead of its snapshot when that cannot be saved
    StateAheadOfSnapshot,
    /// Opening repairs before it has the lock
    RepairedUnlocked,
    /// Opening does not look whether it locked the file that is there
    LockedFileUnchecked,
    /// Opening does not lock the directory
    DirectoryUnlocked,
    /// A writer does not look whether its log was replaced
    ReplacedLogUnseen,
    /// A sync does not reach the log's file
    FileUnsynced,
    /// A sync does not reach the names of new files
    NamesUnsynced,
    /// A snapshot takes the place of the one before, and may not be whole
    RenamedUnsynced,
    /// A wait ends at any change in the directory
    WokenByAnything,
}

/// Whether this bug is planted: the environment says so, to all processes of a test alike.
#[cfg(feature = "planted-bugs")]
pub fn planted(bug: Bug) -> bool {
    use std::sync::LazyLock;
    static PLANTED: LazyLock<Option<Bug>> = LazyLock::new(|| {
        let name = std::env::var("EVENTFOLD_PLANTED_BUG").ok()?;
        let is = |(bug, _): &&(Bug, &str)| std::format!("{bug:?}") == name;
        match Bug::ALL.iter().find(is) {
            Some((bug, _)) => Some(*bug),
            None => panic!("no bug is called {name}"),
        }
    });
    *PLANTED == Some(bug)
}

/// Whether this bug is planted: it never is.
#[cfg(not(feature = "planted-bugs"))]
#[inline]
pub const fn planted(_: Bug) -> bool {
    false
}

/// Does `step`, unless the bug of leaving it out is planted.
#[inline]
pub fn unless<E>(bug: Bug, step: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
    if planted(bug) { Ok(()) } else { step() }
}

/// The result, unless the bug of passing over its error is planted.
#[inline]
pub fn heed<T: Default, E>(bug: Bug, result: Result<T, E>) -> Result<T, E> {
    if planted(bug) {
        return Ok(result.unwrap_or_default());
    }
    result
}
