//! JSON text whose grammar was checked by another, and nothing else.

use alloc::string::String;

use memchr::memchr2_iter;

use super::MAX_DEPTH;
use super::check;
use super::json::too_deep;
use crate::planted::{Bug, planted};

/// The shortest number without an exponent that can be out of range.
const LONG_NUMBER: usize = 309;

/// Checks that JSON text of which the grammar is known to be right can be read, and nests no
/// deeper than the parser goes when it stands `depth` levels deep.
///
/// The grammar allows numbers that are out of range, halves of surrogate pairs and any key. Most
/// texts hold nothing that looks like what cannot be read, which is seen without parsing them.
pub(super) fn check_raw(json: &[u8], depth: usize) -> Result<(), String> {
    if nests_deeper(json, MAX_DEPTH - depth.min(MAX_DEPTH)) && !planted(Bug::DepthUnchecked) {
        return Err(too_deep().0.into());
    }
    if may_be_unreadable(json) {
        check::new_value(json)?;
    }
    Ok(())
}

fn may_be_unreadable(json: &[u8]) -> bool {
    may_hold_exponent(json) || may_hold_surrogate_or_reserved(json) || may_hold_long_number(json)
}

fn may_hold_exponent(json: &[u8]) -> bool {
    // Each byte with the one after it, and no early end: the compiler takes many at once.
    let pairs = json.iter().zip(json.get(1..).unwrap_or_default());
    pairs.fold(false, |found, (first, second)| {
        found | (first.is_ascii_digit() & (second | 0x20 == b'e'))
    })
}

/// A reserved key starts with a dollar sign, or has a letter of ASCII as an escape.
fn may_hold_surrogate_or_reserved(json: &[u8]) -> bool {
    memchr2_iter(b'\\', b'$', json).any(|at| match json.get(at..) {
        Some([b'\\', b'u', b'd' | b'D', ..]) => true,
        Some([b'\\', b'u', b'0', b'0', b'2'..=b'7', ..]) => true,
        Some(rest) => rest.starts_with(b"$serde_json"),
        None => false,
    })
}

/// As many digits in a row cover two of the places looked at, one after the other.
fn may_hold_long_number(json: &[u8]) -> bool {
    let mut before = false;
    json.iter().step_by(LONG_NUMBER / 2).any(|byte| {
        let is_digit = byte.is_ascii_digit();
        core::mem::replace(&mut before, is_digit) && is_digit
    })
}

fn nests_deeper(json: &[u8], levels: usize) -> bool {
    // Most texts hold fewer brackets than the limit, which is seen without a walk.
    if brackets(json) <= levels {
        return false;
    }
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for &byte in json {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > levels {
            return true;
        }
    }
    false
}

/// How many brackets that open something are in it, those in strings included.
fn brackets(json: &[u8]) -> usize {
    // So few at a time that a byte counts them, and the compiler takes many at once.
    let chunks = json.chunks(usize::from(u8::MAX));
    let opened = |chunk: &[u8]| -> u8 {
        let each = chunk.iter().map(|byte| u8::from(byte | 0x20 == b'{'));
        each.sum()
    };
    chunks.map(|chunk| usize::from(opened(chunk))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn what_the_parser_cannot_read_is_never_passed_over() {
        let long = "1".repeat(LONG_NUMBER + 1);
        let unreadable = [
            "1e999",
            "-1E+400",
            "0.1e400",
            r#""\ud800""#,
            r#""\uDC00x""#,
            &long,
        ];
        for text in unreadable {
            for before in (0..400).step_by(if cfg!(miri) { 101 } else { 1 }) {
                let json = format!("[{}{text}]", " ".repeat(before));
                assert!(may_be_unreadable(json.as_bytes()), "{json}");
                assert!(check_raw(json.as_bytes(), 1).is_err(), "{json}");
            }
            assert!(check_raw(text.as_bytes(), 1).is_err(), "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_it_is_parsed_and_taken_and_the_rest_is_not_parsed() {
        for text in [
            "1e5",
            r#""\ud83d\ude00""#,
            r#""1e999""#,
            r#""\u0041""#,
            &"1".repeat(308),
        ] {
            assert!(check_raw(text.as_bytes(), 1).is_ok(), "{text}");
        }
        for text in [
            "{\"a\":[1.5,-2,true,\"\\n\\u001f $3f\"]}",
            "",
            "1",
            "12",
            r#""\\ud""#,
        ] {
            assert!(
                !may_be_unreadable(text.as_bytes()) || text.len() == 6,
                "{text}"
            );
        }
    }

    #[test]
    fn nesting_counts_from_where_the_text_stands() {
        let json = format!("{}{}", "[".repeat(100), "]".repeat(100));
        assert!(check_raw(json.as_bytes(), MAX_DEPTH - 100).is_ok());
        assert!(check_raw(json.as_bytes(), MAX_DEPTH - 99).is_err());
        let text = format!("\"{}\"", "[{\\\"".repeat(500));
        assert!(check_raw(text.as_bytes(), MAX_DEPTH).is_ok());
        assert!(check_raw(b"[]", MAX_DEPTH).is_err());
    }
}
