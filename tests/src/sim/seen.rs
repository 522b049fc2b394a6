//! Images met so far.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

/// A set of hashes, shared between threads: eight bytes each, and never more room than at first.
#[derive(Debug)]
pub struct Seen {
    /// 0 where there is none yet.
    table: Box<[AtomicU64]>,
    count: AtomicUsize,
}

impl Seen {
    /// With room for so many.
    pub fn with_room(room: usize) -> Self {
        // A quarter stays free, or a search takes long.
        let places = (0..room + room / 3 + 1).map(|_| AtomicU64::default());
        Self {
            table: places.collect(),
            count: AtomicUsize::default(),
        }
    }

    /// Takes one in, and says whether it is new.
    pub(super) fn is_new(&self, hash: u64) -> bool {
        let (hash, len) = (hash.max(1), self.table.len());
        let first = ((u128::from(hash) * len as u128) >> 64) as usize;
        for place in (first..len).chain(0..first) {
            match self.table[place].compare_exchange(0, hash, Relaxed, Relaxed) {
                Ok(_) => {
                    self.count.fetch_add(1, Relaxed);
                    return true;
                }
                Err(there) if there == hash => return false,
                Err(_) => {}
            }
        }
        panic!("there are more images than there is room for");
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.count.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_new_once() {
        let seen = Seen::with_room(10);
        for hash in [5, 7, u64::MAX, u64::MAX - 1, 0] {
            assert!(seen.is_new(hash));
        }
        for hash in [5, 7, u64::MAX, u64::MAX - 1, 0] {
            assert!(!seen.is_new(hash));
        }
        assert_eq!(seen.count(), 5);
    }
}
