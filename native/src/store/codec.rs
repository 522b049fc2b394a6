//! How blocks of the archive are compressed.

use std::io;
use std::process;
use std::thread;

use eventfold_core::Codec;

/// zstd in C: the block codec of native stores, at level 3.
pub const ZSTD: Codec = Codec {
    compress: compress_all,
    decompress: |frame, content| {
        let decompressed = zstd::bulk::decompress_to_buffer(frame, content);
        decompressed.is_ok_and(|len| len == content.len())
    },
    start: |work| {
        let thread = thread::Builder::new().spawn(work).ok()?;
        let owner = process::id();
        Some(Box::new(move || match process::id() == owner {
            true => thread.join().ok().flatten(),
            // A child that was forked meanwhile has no such thread, and does the work anew.
            false => None,
        }))
    },
};

/// Compresses the first on this thread, and each other one on its own where the system has threads.
fn compress_all(contents: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let Some((first, others)) = contents.split_first() else {
        return Vec::new();
    };
    thread::scope(|scope| {
        let spawn = |work| thread::Builder::new().spawn_scoped(scope, work).ok();
        let beside: Vec<_> = others
            .iter()
            .map(|content| spawn(move || compress(content)))
            .collect();
        let mut frames = vec![compress(first)];
        for (content, thread) in others.iter().zip(beside) {
            let frame = thread.and_then(|thread| thread.join().ok());
            frames.push(frame.unwrap_or_else(|| compress(content)));
        }
        frames
    })
}

fn compress(content: &[u8]) -> Vec<u8> {
    let compressed = || {
        let mut compressor = zstd::bulk::Compressor::new(zstd::DEFAULT_COMPRESSION_LEVEL)?;
        // So that `zstd -t` finds damage too.
        compressor.include_checksum(true)?;
        compressor.compress(content)
    };
    // It can fail for want of memory only.
    compressed()
        .unwrap_or_else(|_: io::Error| (Codec::PORTABLE.compress)(&[content.to_vec()]).concat())
}
