//! The bytes that JSON escapes in a text, looked for eight at a time.

pub(super) const ONES: u64 = u64::from_le_bytes([1; 8]);

/// Whether a text holds a byte that JSON escapes: a control character, a quote or a backslash.
#[inline]
pub(super) fn holds_escaped(text: &[u8]) -> bool {
    // The last word overlaps the one before, which costs less than a loop over what is left.
    if let Some(last) = text.last_chunk::<8>() {
        let (eights, _) = text.as_chunks::<8>();
        return eights.iter().any(any_escaped) || any_escaped(last);
    }
    match (text.first_chunk::<4>(), text.last_chunk::<4>()) {
        (Some([a, b, c, d]), Some([e, f, g, h])) => any_escaped(&[*a, *b, *c, *d, *e, *f, *g, *h]),
        _ => text.iter().any(is_escaped),
    }
}

/// Where the first such byte stands.
pub(super) fn first_to_escape(text: &[u8]) -> Option<usize> {
    let (eights, _) = text.as_chunks::<8>();
    let plain = eights
        .iter()
        .take_while(|eight| !any_escaped(eight))
        .count()
        * 8;
    let rest = text.get(plain..)?;
    rest.iter().position(is_escaped).map(|at| plain + at)
}

#[inline]
fn any_escaped(bytes: &[u8; 8]) -> bool {
    escaped(u64::from_le_bytes(*bytes)) != 0
}

/// How many of eight bytes come before the first that is escaped.
#[inline]
pub(super) fn plain(bytes: [u8; 8]) -> usize {
    escaped(u64::from_le_bytes(bytes)).trailing_zeros() as usize / 8
}

/// How many of eight bytes come behind the last that is escaped.
#[inline]
pub(super) fn plain_at_end(bytes: [u8; 8]) -> usize {
    escaped(u64::from_be_bytes(bytes)).trailing_zeros() as usize / 8
}

/// Has the high bit set of each byte that is escaped; a borrow can set it for a byte above such
/// a one, and only there.
#[inline]
fn escaped(bytes: u64) -> u64 {
    let control = bytes.wrapping_sub(ONES * 0x20) & !bytes;
    let quote = zeros(bytes ^ (ONES * 0x22));
    let backslash = zeros(bytes ^ (ONES * 0x5c));
    (control | quote | backslash) & (ONES << 7)
}

/// The same of each byte that is zero. Other bits say nothing.
#[inline]
pub(super) fn zeros(bytes: u64) -> u64 {
    bytes.wrapping_sub(ONES) & !bytes
}

fn is_escaped(byte: &u8) -> bool {
    matches!(byte, 0..b' ' | b'"' | b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    #[cfg_attr(miri, ignore = "millions of texts")]
    fn every_byte_is_told_from_every_other_at_every_place() {
        for byte in 0..=u8::MAX {
            let escaped = byte < b' ' || matches!(byte, b'"' | b'\\');
            for fill in [b' ', b'!', b'#', b'[', b']', 0x7f, 0x80, 0xff] {
                for len in 1..40 {
                    for at in 0..len {
                        let mut text = vec![fill; len];
                        text[at] = byte;
                        assert_eq!(holds_escaped(&text), escaped);
                        assert_eq!(first_to_escape(&text), escaped.then_some(at));
                        // What follows the first does not matter.
                        text[at..].fill(byte);
                        assert_eq!(first_to_escape(&text), escaped.then_some(at));
                    }
                }
            }
        }
    }
}
