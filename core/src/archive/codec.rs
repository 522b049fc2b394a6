use alloc::vec;
use alloc::vec::Vec;

use ruzstd::decoding::FrameDecoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

/// Turns the content of one block into a zstd frame and back.
///
/// A platform that has a faster zstd brings its own; every codec reads every other's frames.
#[derive(Debug, Clone, Copy)]
pub struct Codec {
    /// Compresses `content` into one whole zstd frame.
    pub compress: fn(content: &[u8]) -> Vec<u8>,
    /// Decompresses one whole frame whose content is `len` bytes long; `None` when the frame is
    /// damaged or its content has another length. Allocates for no more than `len`.
    pub decompress: fn(frame: &[u8], len: usize) -> Option<Vec<u8>>,
}

impl Codec {
    /// Pure Rust, for every target: compresses about as well as `zstd -1`.
    pub const PORTABLE: Self = Self {
        compress: |content| compress_to_vec(content, CompressionLevel::Fastest),
        decompress,
    };
}

fn decompress(frame: &[u8], len: usize) -> Option<Vec<u8>> {
    let mut content = vec![0; len];
    let n = FrameDecoder::new().decode_all(frame, &mut content).ok()?;
    (n == len).then_some(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compressed_comes_back_and_any_other_length_is_refused() {
        let content = b"{\"type\":\"a\",\"data\":1,\"ts\":2}\n".repeat(1000);
        let frame = (Codec::PORTABLE.compress)(&content);
        assert!(frame.len() < content.len() / 10);
        let decompress = Codec::PORTABLE.decompress;
        assert_eq!(decompress(&frame, content.len()), Some(content.clone()));
        assert_eq!(decompress(&frame, content.len() - 1), None);
        assert_eq!(decompress(&frame, content.len() + 1), None);
        assert_eq!(decompress(&frame[..frame.len() - 9], content.len()), None);
    }
}
