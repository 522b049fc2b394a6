use eventfold_core::Codec;

/// The block codec of the module.
pub const CODEC: Codec = Codec {
    compress: |contents| contents.iter().map(|content| compress(content)).collect(),
    decompress: Codec::PORTABLE.decompress,
    start: Codec::PORTABLE.start,
};

#[cfg(feature = "compress")]
fn compress(content: &[u8]) -> Vec<u8> {
    /// About as small as `zstd -3` makes it, at the speed of `zstd -1`.
    const LEVEL: i32 = 4;
    match zrip::encode::compress(content, LEVEL) {
        // Decoded by another implementation before the log is emptied over it.
        Ok(frame) if decompresses_to(&frame, content) => frame,
        _ => store(content),
    }
}

#[cfg(any(test, feature = "compress"))]
fn decompresses_to(frame: &[u8], content: &[u8]) -> bool {
    let mut decoded = vec![0; content.len()];
    (CODEC.decompress)(frame, &mut decoded) && decoded == content
}

#[cfg(not(feature = "compress"))]
fn compress(content: &[u8]) -> Vec<u8> {
    store(content)
}

/// A frame that holds `content`, shorter than 4 GiB, as it is. See RFC 8878, 3.1.1.
fn store(content: &[u8]) -> Vec<u8> {
    const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
    /// One segment, whose length follows in four bytes.
    const DESCRIPTOR: u8 = 0b1010_0000;
    const MAX_BLOCK: usize = 128 << 10;
    let mut frame = Vec::with_capacity(content.len() + 16);
    frame.extend(MAGIC);
    frame.push(DESCRIPTOR);
    frame.extend((content.len() as u32).to_le_bytes());
    let mut blocks = content.chunks(MAX_BLOCK).peekable();
    while let Some(block) = blocks.next() {
        let last = u32::from(blocks.peek().is_none());
        let [low, middle, high, _] = (last | (block.len() as u32) << 3).to_le_bytes();
        frame.extend([low, middle, high]);
        frame.extend_from_slice(block);
    }
    frame
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn content_comes_back_whether_it_was_compressed_or_stored() {
        let line = b"{\"type\":\"a\",\"data\":1,\"ts\":2}\n";
        for content in [line.to_vec(), line.repeat(10_000), vec![0; 128 << 10]] {
            let frame = compress(&content);
            assert!(frame.len() <= content.len() + 32);
            for frame in [frame, store(&content)] {
                assert!(decompresses_to(&frame, &content));
            }
        }
    }
}
