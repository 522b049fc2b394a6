//! What the two ends of an event's line say, without a look at the data between them.

use memchr::memmem;

use super::escape::{plain, plain_at_end};

/// The fields before and behind the data in a line as the log writes it:
/// `{"type":"…","data":…,"ts":…}`, with `id` and `actor` behind `ts` where they are there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ends<'a> {
    pub(crate) event_type: Plain<'a>,
    pub(crate) ts: Digits<'a>,
    pub(crate) id: Option<Plain<'a>>,
    pub(crate) actor: Option<Plain<'a>>,
}

impl<'a> Ends<'a> {
    /// Takes a line apart, or answers `None` when its ends are not exactly as the log writes them:
    /// an escape, white space, `meta` or another order of fields are for the parser.
    ///
    /// Of a line that is an event this is what the parser says. The bytes in front are the first
    /// tokens of its object. Of those behind, read backwards, each value is a number or a text
    /// without quotes and backslashes, so none of their quotes is escaped, and their number is
    /// even: the line ends outside of a text, hence they begin outside of one too, and are tokens.
    /// They open no object and close the last one, so the fields are the line's own. No second
    /// field of the same name can be in between, since the parser takes none twice.
    #[inline(always)]
    pub(crate) fn of(line: &'a [u8]) -> Option<Self> {
        Self::around_data(line).map(|(ends, _)| ends)
    }

    /// As [`of`](Self::of), and what stands between them: the data, and what follows it before the
    /// time in a line that the log did not write.
    #[inline(always)]
    pub(super) fn around_data(line: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let rest = line.strip_prefix(br#"{"type":""#)?;
        let (event_type, rest) = Plain::in_front_of(rest)?;
        let rest = rest.strip_prefix(br#"","data":"#)?;
        let rest = rest.strip_suffix(b"}")?;
        let (rest, actor) = strip_text(rest, br#","actor":""#)?;
        let (rest, id) = strip_text(rest, br#","id":""#)?;
        let (rest, ts) = Digits::at_end_of(rest)?;
        let data = rest.strip_suffix(br#","ts":"#)?;
        let ends = Self {
            event_type,
            ts,
            id,
            actor,
        };
        Some((ends, data))
    }
}

/// Whether the parser could find a field of this name in the line, or any number of others. A
/// name takes a quote on either side, or escapes of its letters.
pub(crate) fn may_name(line: &[u8], quoted_name: &[u8]) -> bool {
    let found = |needle: &[u8]| memmem::find(line, needle).is_some();
    found(quoted_name) || found(br"\u00")
}

/// Strips a field whose value is a text without escapes off the end, if it is there. `None` when
/// the text at the end is of another kind.
#[inline(always)]
fn strip_text<'a>(bytes: &'a [u8], key: &[u8]) -> Option<(&'a [u8], Option<Plain<'a>>)> {
    let Some(rest) = bytes.strip_suffix(b"\"") else {
        return Some((bytes, None));
    };
    let (rest, text) = Plain::at_end_of(rest)?;
    match rest.strip_suffix(key) {
        Some(rest) => Some((rest, Some(text))),
        None => Some((bytes, None)),
    }
}

/// What stands between two quotes and for itself: UTF-8 without a control character or an escape.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plain<'a>(&'a [u8]);

impl<'a> Plain<'a> {
    /// The text up to the first byte that ends one, and that byte with what follows. `None` too
    /// when fewer than sixteen bytes are left to look at, in a line that says next to nothing.
    #[inline]
    fn in_front_of(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (words, _) = bytes.as_chunks::<8>();
        let (pairs, _) = words.as_chunks::<2>();
        let (mut len, mut all) = (0, 0);
        for [first, second] in pairs {
            all |= u64::from_le_bytes(*first) | u64::from_le_bytes(*second);
            let more = joined(plain(*first), plain(*second));
            len += more;
            if more < 16 {
                let (text, rest) = bytes.split_at_checked(len)?;
                return Some((Self::of(text, all)?, rest));
            }
        }
        None
    }

    /// The text behind the last byte that begins one, and what comes before with that byte; `None`
    /// as there.
    #[inline]
    fn at_end_of(bytes: &'a [u8]) -> Option<(&'a [u8], Self)> {
        let (_, words) = bytes.as_rchunks::<8>();
        let (_, pairs) = words.as_rchunks::<2>();
        let (mut len, mut all) = (0, 0);
        for [second, first] in pairs.iter().rev() {
            all |= u64::from_le_bytes(*first) | u64::from_le_bytes(*second);
            let more = joined(plain_at_end(*first), plain_at_end(*second));
            len += more;
            if more < 16 {
                let (rest, text) = bytes.split_at_checked(bytes.len() - len)?;
                return Some((rest, Self::of(text, all)?));
            }
        }
        None
    }

    /// `all` has the bits of all its bytes, and may have those of others.
    #[inline]
    fn of(text: &'a [u8], all: u64) -> Option<Self> {
        let is_ascii = all & (u64::MAX / 255 * 0x80) == 0;
        (is_ascii || str::from_utf8(text).is_ok()).then_some(Self(text))
    }

    /// The text. It was checked, but is known to the compiler as bytes.
    #[inline]
    pub(crate) fn text(self) -> &'a str {
        str::from_utf8(self.0).unwrap_or_default()
    }
}

/// How many of two words' bytes come before an end, by how many of each do. Both are looked at
/// before it is asked where the first one ends: a branch on a text's length is often mistaken.
#[inline]
fn joined(first: usize, second: usize) -> usize {
    let is_whole = first / 8;
    first + second * is_whole
}

/// A whole number that fits in 64 bits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Digits<'a>(&'a [u8]);

impl<'a> Digits<'a> {
    /// Strips a whole number as JSON has it, which knows no leading zeros, off the end. One of more
    /// than 19 digits, which may be too large, is for the parser.
    #[inline]
    fn at_end_of(bytes: &'a [u8]) -> Option<(&'a [u8], Self)> {
        let is_digit = |byte: &&u8| byte.is_ascii_digit();
        let len = bytes.iter().rev().take_while(is_digit).count();
        let (rest, digits) = bytes.split_at_checked(bytes.len() - len)?;
        let is_number = !matches!(digits, [] | [b'0', _, ..]) && len < 20;
        is_number.then_some((rest, Self(digits)))
    }

    #[inline]
    pub(crate) fn number(self) -> u64 {
        let digits = self.0.iter().map(|digit| u64::from(digit - b'0'));
        digits.fold(0, |number, digit| number * 10 + digit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(line: &str) -> Option<(&str, u64, Option<&str>, Option<&str>)> {
        let ends = Ends::of(line.as_bytes())?;
        let (id, actor) = (ends.id.map(Plain::text), ends.actor.map(Plain::text));
        Some((ends.event_type.text(), ends.ts.number(), id, actor))
    }

    #[test]
    fn a_line_as_the_log_writes_it_is_taken_apart() {
        let line = r#"{"type":"a","data":{"ts":2,"id":"x"},"ts":0}"#;
        assert_eq!(ends(line), Some(("a", 0, None, None)));
        let line = r#"{"type":"","data":"\",\"ts\":7","ts":9999999999999999999,"id":"é"}"#;
        assert_eq!(
            ends(line),
            Some(("", 9_999_999_999_999_999_999, Some("é"), None))
        );
        let line = r#"{"type":"ä.b","data":[],"ts":12,"id":"","actor":"}"}"#;
        assert_eq!(ends(line), Some(("ä.b", 12, Some(""), Some("}"))));
        let line = r#"{"type":"a","data":null,"ts":1,"actor":"b"}"#;
        assert_eq!(ends(line), Some(("a", 1, None, Some("b"))));
    }

    #[test]
    fn any_other_line_is_for_the_parser() {
        for line in [
            "",
            "{",
            "}",
            r#"{"type":""#,
            r#"{"type":"a","data":"#,
            r#"{"type":"a","data":}"#,
            r#"{"type":"a","data":1,"ts":}"#,
            r#"{"type":"a","data":1,"ts":01}"#,
            r#"{"type":"a","data":1,"ts":18446744073709551615}"#,
            r#"{"type":"a","data":1,"ts":-1}"#,
            r#"{"type":"a","data":1,"ts": 1}"#,
            r#"{"type":"a","data":1,"ts":1} "#,
            r#"{"type":"a","data":1,"ts":1,"meta":"b"}"#,
            r#"{"type":"a","data":1,"ts":1,"actor":"b","id":"c"}"#,
            r#"{"type":"a","data":1,"ts":1,"id":"\"b"}"#,
            r#"{"type":"a","data":1,"ts":1,"id":null}"#,
            r#"{"type":"a\n","data":1,"ts":1}"#,
            r#"{"type": "a","data":1,"ts":1}"#,
            r#"{"ts":1,"type":"a","data":1}"#,
            "{\"type\":\"a\tb\",\"data\":1,\"ts\":1}",
        ] {
            assert_eq!(ends(line), None, "{line}");
        }
        assert!(Ends::of(b"{\"type\":\"\xff\",\"data\":1,\"ts\":1}").is_none());
    }

    #[test]
    fn a_field_in_front_of_the_time_is_not_overlooked() {
        for (line, may) in [
            (r#"{"type":"a","data":1,"id":"b","ts":1}"#, true),
            (r#"{"type":"a","data":1,"\u0069d":"b","ts":1}"#, true),
            (r#"{"type":"a","data":{"x":"id"},"ts":1}"#, true),
            (r#"{"type":"a","data":{"idea":"kid"},"ts":1}"#, false),
        ] {
            assert_eq!(may_name(line.as_bytes(), br#""id""#), may, "{line}");
        }
    }
}
