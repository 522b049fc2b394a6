//! What a source is compressed with.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::GzDecoder;

use super::source::BUFFER;

/// By what it begins with: a name can be wrong, and a pipe has none.
pub(super) fn decompressed(
    mut file: BufReader<impl Read + 'static>,
) -> io::Result<(Box<dyn BufRead>, bool)> {
    let start = file.fill_buf()?;
    let zstd = start.starts_with(&[0x28, 0xb5, 0x2f, 0xfd])
        || matches!(start, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..]);
    let gzip = start.starts_with(&[0x1f, 0x8b]);
    let lines: Box<dyn BufRead> = if zstd {
        let decoder = zstd::stream::read::Decoder::with_buffer(file)?;
        Box::new(BufReader::with_capacity(BUFFER, decoder))
    } else if gzip {
        let decoder = Gzip {
            member: Some(GzDecoder::new(file)),
        };
        Box::new(BufReader::with_capacity(BUFFER, decoder))
    } else {
        Box::new(file)
    };
    Ok((lines, zstd || gzip))
}

/// Members of a gzip file, one behind another. Zeros behind them are no damage: disks and tapes fill
/// up with them what they write.
struct Gzip<R> {
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> Read for Gzip<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let n = member.read(buf)?;
            if n > 0 || buf.is_empty() {
                return Ok(n);
            }
            let file = member.get_mut();
            let is_end = loop {
                let rest = file.fill_buf()?;
                let zeros = rest.iter().take_while(|byte| **byte == 0).count();
                if zeros == 0 {
                    break rest.is_empty();
                }
                file.consume(zeros);
            };
            let ended = self.member.take().filter(|_| !is_end);
            self.member = ended.map(|ended| GzDecoder::new(ended.into_inner()));
        }
        Ok(0)
    }
}
