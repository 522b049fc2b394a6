use super::*;
use crate::event::Event;
use serde::de::IgnoredAny;
use serde_json::Value;

/// Deeper than a stack bears.
const DEEP: usize = if cfg!(miri) { 1_000 } else { 100_000 };

/// Pieces of lines, most of which fit together.
const PIECES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    " ",
    "\t",
    "\r",
    "\n",
    "\\",
    "\0",
    "\u{1f}",
    "\u{7f}",
    "é",
    "😀",
    "x",
    "\"a\"",
    "\"a\":",
    "\"long enough for eight bytes at once\"",
    "true",
    "false",
    "null",
    "nul",
    "0",
    "1",
    "-",
    "-0",
    "00",
    "1.",
    ".5",
    "1.5",
    "1e5",
    "1E+5",
    "1e-5",
    "e",
    "1e308",
    "1e309",
    "-1e309",
    "0e999999999999",
    "1e-999999999999",
    "1e999999999999",
    "18446744073709551615",
    "18446744073709551616",
    "\\u0041",
    "\\ud83d",
    "\\ude00",
    "\"\\ud83d\\ude00\"",
    "\"\\ud83d\"",
    "\"\\ud83d\\n\"",
    "\"\\ude00\"",
    "\\x",
    "\\u12",
    "\"type\":",
    "\"data\":",
    "\"ts\":",
    "\"id\":",
    "\"actor\":",
    "\"meta\":",
    "\"typ\\u0065\":",
    "\"type\":\"a\",",
    "\"data\":1,",
    "\"ts\":1",
    "\"ts\":1,",
    "\"id\":null",
    ",\"meta\":null",
    ",\"other\":1",
    "{\"type\":\"a\",\"data\":",
    ",\"ts\":1}",
    ",\"ts\":1.0}",
    ",\"ts\":-1}",
    ",\"ts\":1,\"id\":\"i\",\"actor\":\"b\",\"meta\":{}}",
    "[[]]",
    "{\"a\":{}}",
    ",\"ts\":1,\"id\":\"i\"}",
    "{\"data\":1,\"type\":\"a\",\"ts\":1}",
];

const HEAD: &str = "{\"type\":\"a\",\"data\":";
const TAIL: &str = ",\"ts\":1}";

/// The interpreter takes a thousand times as long for each.
const LINES: usize = if cfg!(miri) { 400 } else { 400_000 };

fn lines() -> impl Iterator<Item = String> {
    let mut state = 1_u64;
    let mut below = move |limit: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % limit as u64) as usize
    };
    (0..LINES).map(move |round| {
        let around = round % 2 == 0;
        let mut line = String::from(if around { HEAD } else { "" });
        for _ in 0..1 + below(5) {
            line.push_str(PIECES[below(PIECES.len())]);
        }
        line.push_str(if around { TAIL } else { "" });
        line
    })
}

#[test]
fn it_takes_the_values_that_the_parser_takes() {
    let mut taken = 0;
    for line in lines() {
        let parsed = serde_json::from_str::<Value>(&line);
        assert_eq!(
            value(line.as_bytes()).is_ok(),
            parsed.is_ok(),
            "{line:?}: {parsed:?}"
        );
        taken += usize::from(parsed.is_ok());
    }
    assert!(taken > LINES / 20, "{taken}");
}

#[test]
fn it_takes_the_events_that_the_parser_takes() {
    for line in lines() {
        let parsed = serde_json::from_str::<Event<Value>>(&line);
        assert_eq!(
            event(line.as_bytes()).is_ok(),
            parsed.is_ok(),
            "{line:?}: {parsed:?}"
        );
        if new_event(line.as_bytes()).is_ok() {
            assert!(parsed.is_ok(), "{line:?}");
        }
    }
}

#[test]
fn what_nobody_asks_for_is_checked_for_its_grammar_alone() {
    for other in [
        "1e999",
        r#""\ud800""#,
        "[]",
        "nul",
        "01",
        "[1,]",
        "\"\0\"",
        "{\"a\" 1}",
        "{\"a\":1,}",
        "{\"a\":[{},[]],\"b\":{\"c\":[1,{}]}}",
        "[[1,[]],[2]",
        "[1}",
        "[,1]",
        r#"{"\ud800":1}"#,
        r#"{"\ud800":"\ude"}"#,
        &("[".repeat(300) + &"]".repeat(300)),
        &("{\"a\":".repeat(300) + "1" + &"}".repeat(300)),
        &("[".repeat(DEEP) + &"]".repeat(DEEP)),
        &"[".repeat(DEEP),
    ] {
        let line = format!(r#"{{"type":"a","data":1,"ts":1,"other":{other}}}"#);
        let parsed = serde_json::from_str::<Event<IgnoredAny>>(&line);
        assert_eq!(event(line.as_bytes()).is_ok(), parsed.is_ok(), "{line}");
        assert!(new_event(line.as_bytes()).is_err());
    }
}

#[test]
fn bytes_that_are_no_text_are_refused_wherever_they_stand() {
    let line = "{\"type\":\"größe größe\",\"data\":[\"😀😀\"],\"ts\":1,\"é\":\"längerer Text, ü\"}";
    assert!(event(line.as_bytes()).is_ok());
    for at in 0..line.len() {
        for byte in [0x80, 0xc3, 0xf0, 0xff] {
            let mut bytes = line.as_bytes().to_vec();
            bytes[at] = byte;
            let text = str::from_utf8(&bytes);
            let parsed = text.is_ok_and(|line| serde_json::from_str::<Event<Value>>(line).is_ok());
            assert_eq!(event(&bytes).is_ok(), parsed, "{byte:x} at {at}");
        }
    }
}

#[test]
fn nesting_ends_where_the_parsers_does() {
    for (levels, fits) in [(MAX_DEPTH, true), (MAX_DEPTH + 1, false)] {
        let nested = "[".repeat(levels) + &"]".repeat(levels);
        assert_eq!(value(nested.as_bytes()).is_ok(), fits);
        assert_eq!(serde_json::from_str::<Value>(&nested).is_ok(), fits);
    }
}

#[test]
fn a_flaw_is_told_with_its_column() {
    let flaw = new_event(br#"{"type":"a","data":nan,"ts":1}"#).unwrap_err();
    assert_eq!(flaw, "expected a value at column 20");
}
