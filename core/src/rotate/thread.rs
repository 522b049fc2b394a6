//! A block that is compressed on another thread while appends go on.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::ready::Ready;
use crate::archive::{Codec, Waiting};

pub(super) struct UnderWay {
    len: u64,
    waiting: Waiting,
}

impl UnderWay {
    /// Starts to compress the content of the block at `position`, or gives it back where there is
    /// no thread to be had.
    pub(super) fn start(codec: Codec, position: u64, content: Vec<u8>) -> Result<Self, Vec<u8>> {
        let len = content.len() as u64;
        let content = Arc::new(content);
        let shared = Arc::clone(&content);
        let work = move || Some(Ready::compress(codec, position, &shared)?.into_bytes());
        match (codec.start)(Box::new(work)) {
            Some(waiting) => Ok(Self { len, waiting }),
            None => Err(Arc::unwrap_or_clone(content)),
        }
    }

    /// Bytes of the log in it.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Waits for it to end. `None` if it failed.
    pub(super) fn wait(self) -> Option<Ready> {
        Ready::from_bytes((self.waiting)()?)
    }
}
