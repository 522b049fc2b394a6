//! A store on which a repair can be tried.

use std::io;

use eventfold_core::{Slot, Source, Storage};

use super::FileSource;

/// The files of a directory, of which log and archive can be changed: what is added and cut off is
/// remembered, and no file is touched.
#[derive(Debug)]
pub(crate) struct Rehearsal<'f> {
    files: &'f FileSource,
    log: Changed,
    archive: Changed,
}

#[derive(Debug)]
struct Changed {
    /// How much of the file is left.
    left: u64,
    /// What was added to that.
    added: Vec<u8>,
}

impl Changed {
    fn len(&self) -> u64 {
        self.left + self.added.len() as u64
    }

    fn truncate(&mut self, len: u64) {
        self.added.truncate(len.saturating_sub(self.left) as usize);
        self.left = self.left.min(len);
    }
}

impl<'f> Rehearsal<'f> {
    pub(crate) fn of(files: &'f FileSource) -> io::Result<Self> {
        let unchanged = |slot| {
            let left = files.len(slot)?;
            let added = Vec::new();
            io::Result::Ok(Changed { left, added })
        };
        Ok(Self {
            files,
            log: unchanged(Slot::Log)?,
            archive: unchanged(Slot::Archive)?,
        })
    }

    fn changed(&self, slot: Slot<'_>) -> Option<&Changed> {
        match slot {
            Slot::Log => Some(&self.log),
            Slot::Archive => Some(&self.archive),
            _ => None,
        }
    }

    fn changed_mut(&mut self, slot: Slot<'_>) -> Option<&mut Changed> {
        match slot {
            Slot::Log => Some(&mut self.log),
            Slot::Archive => Some(&mut self.archive),
            _ => None,
        }
    }
}

impl Source for Rehearsal<'_> {
    type Error = io::Error;

    fn len(&self, slot: Slot<'_>) -> io::Result<u64> {
        Ok(self.changed(slot).map_or(0, Changed::len))
    }

    fn read_at(&self, slot: Slot<'_>, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let Some(changed) = self.changed(slot) else {
            return Ok(0);
        };
        let of_file = changed.left.saturating_sub(offset).min(buf.len() as u64) as usize;
        let (from_file, rest) = buf.split_at_mut(of_file);
        let n = self.files.read_at(slot, offset, from_file)?;
        if n < of_file {
            return Ok(n);
        }
        let skip = offset.saturating_sub(changed.left) as usize;
        let added = changed.added.get(skip..).unwrap_or_default();
        let more = rest.len().min(added.len());
        for (to, from) in rest.iter_mut().zip(added) {
            *to = *from;
        }
        Ok(n + more)
    }
}

impl Storage for Rehearsal<'_> {
    fn append(&mut self, slot: Slot<'_>, bytes: &[u8]) -> io::Result<()> {
        // What would go into `torn.bin` is nothing that a repair reads.
        if let Some(changed) = self.changed_mut(slot) {
            changed.added.extend_from_slice(bytes);
        }
        Ok(())
    }

    fn truncate(&mut self, slot: Slot<'_>, len: u64) -> io::Result<()> {
        if let Some(changed) = self.changed_mut(slot) {
            changed.truncate(len);
        }
        Ok(())
    }

    fn sync(&mut self, _slot: Slot<'_>) -> io::Result<()> {
        Ok(())
    }

    fn replace(&mut self, _slot: Slot<'_>, _bytes: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn remove(&mut self, _slot: Slot<'_>) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
