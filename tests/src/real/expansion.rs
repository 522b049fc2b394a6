//! The system calls that the operations of a simulated disk stand for.

use std::collections::HashSet;

use super::calls::Call;
use crate::sim::image::{Image, LOG, SLOTS};
use crate::sim::op::Op;

/// The files of a simulated disk's slots, in their order.
pub const FILES: [&str; SLOTS] = [
    "app.jsonl",
    "archive.jsonl.zst",
    "torn.bin",
    "views/view.snapshot.json",
];

/// What a writer notes of itself, and the bytes that it takes. It is no part of the log, nor of
/// what a disk simulates: it may be lost at any time.
pub const NOTE: &str = "app.jsonl.writer";
const NOTE_LEN: u64 = 512;

/// The system calls that a disk's operations stand for.
pub(super) struct Expansion {
    pub(super) calls: Vec<Call>,
    exists: HashSet<usize>,
    dir_exists: bool,
    views_exist: bool,
    open: bool,
    /// Whether the writer has left its note, which it does when it has recovered the log.
    noted: bool,
    /// Whether a file's name may not be durable yet.
    names_unsynced: bool,
}

impl Expansion {
    pub(super) fn new(base: &Image, dir_exists: bool) -> Self {
        let exists = |slot: &usize| base.slots[*slot].is_some();
        Self {
            calls: Vec::new(),
            exists: (0..SLOTS).filter(exists).collect(),
            dir_exists,
            views_exist: dir_exists,
            open: false,
            noted: false,
            names_unsynced: false,
        }
    }

    pub(super) fn open(&mut self) {
        self.close();
        if !self.dir_exists {
            self.calls.push(Call::MakeDir(".".into()));
            self.calls.push(Call::Sync("..".into()));
            self.dir_exists = true;
        }
        self.calls.push(Call::Lock(".".into()));
        self.calls.push(Call::Create(file(LOG)));
        self.calls.push(Call::Lock(file(LOG)));
        self.exists.insert(LOG);
        (self.open, self.names_unsynced) = (true, true);
        self.noted = false;
    }

    /// The program has done what it last began, and says so.
    pub(super) fn say(&mut self) {
        if !self.noted {
            // Never synced, and written before it is locked: who sees the lock reads the whole.
            self.calls.push(Call::Create(NOTE.into()));
            self.calls.push(Call::Write(NOTE.into(), NOTE_LEN));
            self.calls.push(Call::Lock(NOTE.into()));
            self.noted = true;
        }
        self.calls.push(Call::Said);
    }

    pub(super) fn close(&mut self) {
        if self.open {
            self.calls.push(Call::Unlock(NOTE.into()));
            self.calls.push(Call::Unlock(".".into()));
            self.calls.push(Call::Unlock(file(LOG)));
            self.open = false;
        }
    }

    pub(super) fn expand(&mut self, op: &Op) {
        let slot = op.slot();
        let file = file(slot);
        match op {
            Op::Append { bytes, .. } => {
                // The log is open all the time, any other file is opened for the append, and made
                // where it is missing.
                if slot != LOG && self.exists.insert(slot) {
                    self.calls.push(Call::Create(file.clone()));
                    self.names_unsynced = true;
                }
                self.calls.push(Call::Write(file, bytes.len() as u64));
            }
            Op::Truncate { len, .. } => self.calls.push(Call::Cut(file, *len as u64)),
            Op::Sync { .. } => {
                if self.exists.contains(&slot) {
                    self.calls.push(Call::Sync(file));
                }
                if self.names_unsynced {
                    self.calls.push(Call::Sync(".".into()));
                    self.names_unsynced = false;
                }
            }
            Op::Replace { bytes, .. } => {
                if !self.views_exist {
                    self.calls.push(Call::MakeDir("views".into()));
                    self.views_exist = true;
                }
                let new = format!("{file}.new");
                self.calls.push(Call::Create(new.clone()));
                self.calls
                    .push(Call::Write(new.clone(), bytes.len() as u64));
                self.calls.push(Call::Sync(new.clone()));
                self.calls.push(Call::Rename(new, file));
                self.exists.insert(slot);
            }
            Op::Remove { .. } => {
                if self.exists.remove(&slot) {
                    self.calls.push(Call::Remove(file));
                }
            }
            Op::GiveUp { .. } => unreachable!("nothing fails here"),
        }
    }
}

fn file(slot: usize) -> String {
    FILES[slot].to_owned()
}
