use alloc::boxed::Box;
use alloc::vec::Vec;

use ruzstd::decoding::FrameDecoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

/// Work for another thread. Returns a block, decoded or compressed, or `None` if it is damaged.
pub type Work = Box<dyn FnOnce() -> Option<Vec<u8>> + Send>;

/// Waits for [`Work`] to end and returns its result; `None` also if it panicked.
pub type Waiting = Box<dyn FnOnce() -> Option<Vec<u8>> + Send + Sync>;

/// Turns the content of one block into a zstd frame and back.
///
/// A platform that has a faster zstd brings its own; every codec reads every other's frames.
#[derive(Debug, Clone, Copy)]
pub struct Codec {
    /// Compresses each of these into one whole zstd frame, in parallel where there are threads.
    pub compress: fn(contents: &[Vec<u8>]) -> Vec<Vec<u8>>,
    /// Fills `content` with that of one whole frame; `false` when the frame is damaged or its
    /// content has another length.
    pub decompress: fn(frame: &[u8], content: &mut [u8]) -> bool,
    /// Starts work on another thread: whoever reads an archive from block to block has the next
    /// ones decoded meanwhile, and a writer appends while a block of its log is compressed. `None`
    /// when there is no thread to be had.
    pub start: fn(work: Work) -> Option<Waiting>,
}

impl Codec {
    /// Pure Rust, for every target: compresses about as well as `zstd -1`.
    pub const PORTABLE: Self = Self {
        compress: |contents| contents.iter().map(|content| compress(content)).collect(),
        decompress,
        start: |_| None,
    };
}

fn compress(content: &[u8]) -> Vec<u8> {
    compress_to_vec(content, CompressionLevel::Fastest)
}

fn decompress(frame: &[u8], content: &mut [u8]) -> bool {
    let decoded = FrameDecoder::new().decode_all(frame, content);
    decoded.is_ok_and(|n| n == content.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn what_is_compressed_comes_back_and_any_other_length_is_refused() {
        let content = b"{\"type\":\"a\",\"data\":1,\"ts\":2}\n".repeat(1000);
        let frame = compress(&content);
        assert!(frame.len() < content.len() / 10);
        let decompress = |frame: &[u8], len| {
            let mut content = vec![0; len];
            (Codec::PORTABLE.decompress)(frame, &mut content).then_some(content)
        };
        assert_eq!(decompress(&frame, content.len()), Some(content.clone()));
        assert_eq!(decompress(&frame, content.len() - 1), None);
        assert_eq!(decompress(&frame, content.len() + 1), None);
        assert_eq!(decompress(&frame[..frame.len() - 9], content.len()), None);
    }
}
