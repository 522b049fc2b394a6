//! Any bytes, and fields in any order, as a line that is read in each way there is.

use std::convert::Infallible;

use eventfold_core::{
    Codec, Error, Event, EventBuffer, EventRef, MemoryStore, Scan, Slot, Storage,
    check_beyond_grammar,
};
use serde_json::Value;
use serde_json::value::RawValue;

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

const VALUES: [&str; 22] = [
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
    r#"{"b":1,"a":{"b":2,"a":[]},"b":"c","\u0061":-0.0}"#,
    r#"{"$serde_json::private::RawValue":"[1]"}"#,
    "{",
    "",
];

const HEAD: &str = r#"{"type":"a","data":"#;

const ENDS: [&str; 5] = [
    r#","ts":1}"#,
    r#","ts":1,"meta":{"b":[1],"a":0}}"#,
    r#","ts":1,"id":"i"}"#,
    r#","ts":1,"actor":"b"}"#,
    "}",
];

/// What an event's ends tell is what the parser tells of every line that the parser takes; of any
/// other line nothing panics, and its data is refused. What is read into the memory of events
/// before is what the parser makes of it, or refused in the same words. Of those that
/// are JSON by its grammar, the check beyond it takes the same.
pub fn target(bytes: &[u8]) {
    let mut choices = Choices(bytes);
    let lines = (0..1 + choices.below(4)).map(|_| match choices.below(5) {
        0 => choices.0.to_vec(),
        1 => framed(&mut choices),
        2 => hiding(&mut choices),
        3 => composed(&mut choices),
        _ => shaped(&mut choices),
    });
    let lines: Vec<_> = lines
        .filter(|line| !line.contains(&b'\n') && !line.contains(&0))
        .collect();
    check(lines.iter().map(Vec::as_slice));
}

/// Data that differ in some of their keys and in the order of them.
fn shaped(choices: &mut Choices<'_>) -> Vec<u8> {
    let mut line = String::from([r#"{"type":"b","data":"#, HEAD][choices.below(2)]);
    line += &value(choices, 3);
    line += ENDS[choices.below(ENDS.len())];
    line.into_bytes()
}

fn value(choices: &mut Choices<'_>, levels: usize) -> String {
    if levels == 0 || choices.below(3) == 0 {
        return VALUES[choices.below(VALUES.len())].to_owned();
    }
    let is_array = choices.below(4) == 0;
    let inner: Vec<_> = (0..choices.below(5))
        .map(|_| {
            let key = ["", r#""a":"#, r#""b":"#, r#""c":"#, r#""\u0061":"#];
            let key = key[if is_array { 0 } else { 1 + choices.below(4) }];
            key.to_owned() + &value(choices, levels - 1)
        })
        .collect();
    match is_array {
        true => format!("[{}]", inner.join(",")),
        false => format!("{{{}}}", inner.join(",")),
    }
}

/// Any bytes as data between ends that are as the log writes them.
fn framed(choices: &mut Choices<'_>) -> Vec<u8> {
    let end = ENDS[choices.below(ENDS.len())];
    [HEAD.as_bytes(), choices.0, end.as_bytes()].concat()
}

/// Fields between such ends, which only the parser can find.
fn hiding(choices: &mut Choices<'_>) -> Vec<u8> {
    let mut line = String::from(HEAD);
    line += VALUES[choices.below(VALUES.len())];
    for _ in 0..1 + choices.below(2) {
        let (key, value) = (choices.below(KEYS.len()), choices.below(VALUES.len()));
        line += &format!(",{}:{}", KEYS[key], VALUES[value]);
    }
    line += ENDS[choices.below(ENDS.len())];
    line.into_bytes()
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
/// When one of the lines, read one after the other, is read as the parser would not read it.
pub fn check<'a>(lines: impl IntoIterator<Item = &'a [u8]>) {
    let mut buffer = EventBuffer::new();
    for line in lines {
        // Others are no lines at all.
        if !matches!(line, b"" | b"\r") {
            check_line(line, &mut buffer);
        }
    }
}

fn check_line(line: &[u8], buffer: &mut EventBuffer) {
    let mut store = MemoryStore::new();
    store.append(Slot::Log, &[line, b"\n"].concat()).unwrap();
    let mut scan = Scan::new(&store, Codec::PORTABLE, 0);
    let line = scan.next_line().unwrap().unwrap();
    let event = line.event::<Value, Infallible>();
    for _ in 0..2 {
        assert_eq!(told(buffer.read::<Infallible>(&line)), told(event.as_ref()));
    }
    let is_json = serde_json::from_slice::<&RawValue>(line.bytes).is_ok();
    if is_json || event.is_ok() {
        assert_eq!(check_beyond_grammar(line.bytes).is_ok(), event.is_ok());
    }
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

/// Its JSON tells numbers apart that are equal, and the order of keys.
fn told<E: ToString>(event: Result<&Event, E>) -> Result<String, String> {
    let event = event.map_err(|error| error.to_string())?;
    serde_json::to_string(event).map_err(|error| error.to_string())
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
