//! Any bytes, and fields in any order, as a line that is taken apart at its ends.

use std::convert::Infallible;

use eventfold_core::{Codec, Error, Event, EventRef, MemoryStore, Scan, Slot, Storage};
use serde_json::Value;

use super::choices::Choices;

type Failure = Error<Infallible>;

const KEYS: [&str; 11] = [
    r#""type""#,
    r#""data""#,
    r#""ts""#,
    r#""id""#,
    r#""actor""#,
    r#""meta""#,
    r#""\u0069d""#,
    r#""a\u0063tor""#,
    r#""t\u0073""#,
    r#""\u0064ata""#,
    r#""x""#,
];

const VALUES: [&str; 20] = [
    r#""""#,
    r#""a.b""#,
    r#""é😀""#,
    r#""\"""#,
    r#""\\""#,
    r#""\u0041""#,
    r#"",\"ts\":7}""#,
    r#""\ud800""#,
    "null",
    "0",
    "00",
    "-1",
    "1.0",
    "1e999",
    "18446744073709551615",
    "18446744073709551616",
    r#"{"id":"n","actor":"n","ts":5}"#,
    r#"[{"type":"n"},"ts",":1}"]"#,
    "{",
    "",
];

/// What an event's ends tell is what the parser tells of every line that the parser takes; of any
/// other line nothing panics, and its data is refused.
pub fn target(bytes: &[u8]) {
    let mut choices = Choices(bytes);
    let line = match choices.below(4) {
        0 => choices.0.to_vec(),
        1 => framed(&mut choices),
        _ => composed(&mut choices),
    };
    if !line.contains(&b'\n') && !line.contains(&0) {
        check(&line);
    }
}

/// Any bytes as data between ends that are as the log writes them.
fn framed(choices: &mut Choices<'_>) -> Vec<u8> {
    let ends: [&[u8]; 4] = [
        b",\"ts\":1}",
        b",\"ts\":1,\"id\":\"i\"}",
        b",\"ts\":1,\"actor\":\"b\"}",
        b"}",
    ];
    let end = ends[choices.below(ends.len())];
    [b"{\"type\":\"a\",\"data\":", choices.0, end].concat()
}

/// Fields in any order, any number of times.
fn composed(choices: &mut Choices<'_>) -> Vec<u8> {
    let mut line = String::from("{");
    let in_order = choices.flag();
    for n in 0..choices.below(9) {
        line += ["", ",", ",", ","][if n > 0 { choices.below(4) } else { 0 }];
        line += match in_order && choices.byte() > 16 {
            true => KEYS[n % 6],
            false => KEYS[choices.below(KEYS.len())],
        };
        line += [":", ":", ":", " : "][choices.below(4)];
        line += VALUES[choices.below(VALUES.len())];
    }
    line += ["}", "}", "}", "} ", "}}", ""][choices.below(6)];
    line.into_bytes()
}

/// # Panics
/// When the line's ends and the parser do not agree.
pub fn check(line: &[u8]) {
    if matches!(line, b"" | b"\r") {
        return; // No line at all.
    }
    let mut store = MemoryStore::new();
    store.append(Slot::Log, &[line, b"\n"].concat()).unwrap();
    let mut scan = Scan::new(&store, Codec::PORTABLE, 0);
    let line = scan.next_line().unwrap().unwrap();
    let event = line.event::<Value, Infallible>();
    match (event, line.event_ref::<Infallible>()) {
        (Ok(event), found) => assert_same(&event, &found.unwrap()),
        (Err(_), Ok(found)) => {
            let _ = (found.event_type(), found.ts(), found.id(), found.actor());
            assert!(found.data::<Value, Infallible>().is_err());
            assert!(found.meta::<Infallible>().is_err());
            assert!(found.event::<Value, Infallible>().is_err());
        }
        (Err(_), Err(error)) => assert!(matches!(error, Failure::Corrupt { .. }), "{error}"),
    }
}

fn assert_same(event: &Event, found: &EventRef<'_>) {
    assert_eq!(found.event_type(), event.event_type);
    assert_eq!(found.ts(), event.ts);
    assert_eq!(found.id(), event.id.as_deref());
    assert_eq!(found.actor(), event.actor.as_deref());
    assert_eq!(found.data::<Value, Infallible>().unwrap(), event.data);
    assert_eq!(found.meta::<Infallible>().unwrap(), event.meta);
    assert_eq!(found.event::<Value, Infallible>().unwrap(), *event);
}
