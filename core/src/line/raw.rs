//! JSON text whose grammar another checks: whether it can be read.
//!
//! The grammar allows numbers that are out of range, halves of surrogate pairs, any key and any
//! nesting. Most texts hold nothing that looks like what cannot be read, which is seen without
//! parsing them.

use alloc::string::String;

use memchr::{memchr, memchr_iter, memchr2_iter};

use super::MAX_DEPTH;
use super::check;
use super::escape::{ONES, zeros};
use crate::planted::{Bug, planted};

/// The shortest number without an exponent that can be out of range.
const LONG_NUMBER: usize = 309;

/// Checks that JSON text of which the grammar is known to be right reads back as what it says when
/// it stands `depth` levels deep.
pub(super) fn check_raw(json: &[u8], depth: usize) -> Result<(), String> {
    match is_plain(json, depth) {
        true => Ok(()),
        false => check::new_value(json, depth),
    }
}

/// Whether it is seen at a glance that JSON text can be read `depth` levels deep, if its grammar is
/// right. Other texts may be readable as well.
// Where it is called the compiler may look for small code, and would take this along.
#[inline(never)]
pub(super) fn is_plain(json: &[u8], depth: usize) -> bool {
    let may_be_deep = depth + brackets(json) > MAX_DEPTH && !planted(Bug::DepthUnchecked);
    !may_be_deep
        && !may_hold_exponent(json)
        && !may_hold_surrogate_or_reserved(json)
        && !may_hold_long_number(json)
}

/// How many brackets that open something are in it, those in strings included.
fn brackets(json: &[u8]) -> usize {
    memchr2_iter(b'{', b'[', json).count()
}

/// Whether it is seen at a glance that JSON text is one value and not a value and a comma with more
/// behind it, if its grammar is right.
pub(super) fn is_one_value(json: &[u8]) -> bool {
    match json {
        // The comma would follow where the value ends, as the whole does at its end.
        [b'{', inner @ .., close @ b'}']
        | [b'[', inner @ .., close @ b']']
        | [b'"', inner @ .., close @ b'"'] => memchr_iter(*close, inner).all(|at| {
            let next = inner.get(at + 1).copied();
            !matches!(next, Some(b',' | b' ' | b'\t' | b'\r' | b'\n'))
        }),
        _ => memchr(b',', json).is_none(),
    }
}

/// Whether an `e` follows a digit, or may do so.
fn may_hold_exponent(json: &[u8]) -> bool {
    // A compiler that is asked for small code, as for the module, takes no bytes at once by itself.
    match cfg!(target_arch = "wasm32") {
        true => eight_may_hold_exponent(json),
        false => each_may_hold_exponent(json),
    }
}

fn each_may_hold_exponent(json: &[u8]) -> bool {
    // Each byte with the one after it, and no early end: the compiler takes many at once.
    let pairs = json.iter().zip(json.get(1..).unwrap_or_default());
    pairs.fold(false, |found, (first, second)| {
        found | (first.is_ascii_digit() & (second | 0x20 == b'e'))
    })
}

/// Looks at eight bytes at a time, and the eight that are one further.
fn eight_may_hold_exponent(json: &[u8]) -> bool {
    let (words, _) = json.as_chunks::<8>();
    let (nexts, _) = json.get(1..).unwrap_or_default().as_chunks::<8>();
    let found = words.iter().zip(nexts).fold(0, |found, (word, next)| {
        let (word, next) = (u64::from_le_bytes(*word), u64::from_le_bytes(*next));
        // What is near the digits in ASCII is taken for one.
        let digits = zeros((word ^ (ONES * 0x30)) & (ONES * 0xf0));
        found | digits & zeros((next | (ONES * 0x20)) ^ (ONES * 0x65))
    });
    let rest = json.get(nexts.len() * 8..).unwrap_or_default();
    found & (ONES << 7) != 0 || each_may_hold_exponent(rest)
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
                assert!(!is_plain(json.as_bytes(), 1), "{json}");
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
            assert!(is_plain(text.as_bytes(), 1) || text.len() == 6, "{text}");
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

    #[test]
    fn an_exponent_is_seen_wherever_it_stands() {
        let looks = [each_may_hold_exponent, eight_may_hold_exponent];
        for before in 0..40 {
            for after in 0..20 {
                for (text, holds) in [("0e", true), ("9E", true), ("1", false), ("ae", false)] {
                    let json = format!("{}{text}{}", " ".repeat(before), " ".repeat(after));
                    assert_eq!(
                        looks.map(|look| look(json.as_bytes())),
                        [holds; 2],
                        "{json}"
                    );
                }
            }
        }
    }

    #[test]
    fn no_bracket_is_overlooked() {
        for levels in (1..3000).step_by(if cfg!(miri) { 501 } else { 7 }) {
            for bracket in ["[", "{", " [", "{  x"] {
                let json = bracket.repeat(levels);
                assert!(brackets(json.as_bytes()) >= levels, "{json}");
            }
        }
    }
}
