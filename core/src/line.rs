//! Framing: one event, one line.

mod check;
mod ends;
mod escape;
mod fields;
mod json;
mod number;
mod raw;
mod refill;

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use memchr::memchr;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::event::Event;

pub(crate) use check::{event as check_event, value as check_value};
pub(crate) use ends::{Ends, may_name};
pub(crate) use fields::Fields;
use json::Json;
pub(crate) use refill::{refill, sorts_keys};

/// The longest line, in bytes without its newline: 64 MiB. A longer event is refused when
/// written; a longer line found in a log is corrupt, and is passed over in bounded memory.
pub const MAX_LINE: usize = 64 << 20;

/// How deep arrays and objects may nest in a line, the event's own object included. The parser
/// reads no deeper.
const MAX_DEPTH: usize = 127;

/// Appends the event's line with its newline. After an error `out` is as it was.
pub(crate) fn encode<D: Serialize, E: core::error::Error>(
    event: &Event<D>,
    out: &mut Vec<u8>,
) -> Result<(), Error<E>> {
    let start = out.len();
    let encoded = encode_after(start, event, out);
    if encoded.is_err() {
        out.truncate(start);
    }
    encoded
}

fn encode_after<D: Serialize, E: core::error::Error>(
    start: usize,
    event: &Event<D>,
    out: &mut Vec<u8>,
) -> Result<(), Error<E>> {
    let holds_raw = Json::write_event(event, out).map_err(|refused| unreadable(refused.0))?;
    let line = out.get(start..).unwrap_or_default();
    if line.len() > MAX_LINE {
        return Err(Error::TooLarge {
            len: line.len(),
            limit: MAX_LINE,
        });
    }
    // Between its tokens JSON text takes line breaks.
    if holds_raw && memchr(b'\n', line).is_some() {
        return Err(unreadable("its JSON text holds a line break"));
    }
    out.push(b'\n');
    Ok(())
}

/// Checks a line, without its newline, that was not written here.
pub(crate) fn check<E: core::error::Error>(line: &[u8]) -> Result<(), Error<E>> {
    if line.len() > MAX_LINE {
        return Err(Error::TooLarge {
            len: line.len(),
            limit: MAX_LINE,
        });
    }
    // A line break between tokens cannot be here.
    check::new_event(line).map_err(unreadable)
}

/// Compact JSON that the parser takes back equal.
pub(crate) fn to_json<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, String> {
    let mut json = Vec::new();
    Json::write(value, &mut json).map_err(|refused| String::from(refused.0))?;
    Ok(json)
}

/// Reads one JSON value.
pub(crate) fn from_json<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, String> {
    // The parser does not look at the bytes of what nobody asks for.
    let text = str::from_utf8(json).map_err(|error| error.to_string())?;
    serde_json::from_str(text).map_err(|error| {
        // There is but one line; the file's lines are counted nowhere.
        error.to_string().replace(" at line 1 column", " at column")
    })
}

/// Whether the line is an event whatever its data.
pub(crate) fn is_event(line: &[u8]) -> bool {
    check_event(line).is_ok()
}

/// Checks of a line, without its newline, what a parser that knows nothing but the grammar of JSON
/// does not: a line that is taken here and by such a parser is an event. Most lines are not parsed
/// for it.
///
/// # Errors
/// Why the line is no event.
pub fn check_beyond_grammar(line: &[u8]) -> Result<(), String> {
    match Ends::around_data(line) {
        Some((_, data)) if raw::is_one_value(data) && raw::is_plain(data, 1) => Ok(()),
        _ => check_event(line),
    }
}

/// Whether there is nothing in the line, not even a damaged event.
pub(crate) fn is_blank(line: &[u8]) -> bool {
    matches!(line, b"" | b"\r")
}

/// Whether the line holds a NUL: the mark of a power cut, since JSON never does.
pub(crate) fn holds_nul(line: &[u8]) -> bool {
    memchr(0, line).is_some()
}

pub(crate) fn unreadable<E: core::error::Error>(reason: impl Into<String>) -> Error<E> {
    Error::Unreadable {
        reason: reason.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::vec;
    use core::convert::Infallible;
    use serde_json::value::RawValue;
    use serde_json::{Value, json};

    fn encode<D: Serialize>(event: &Event<D>) -> Result<Vec<u8>, Error<Infallible>> {
        let mut line = Vec::new();
        super::encode(event, &mut line)?;
        Ok(line)
    }

    fn parse(line: &[u8]) -> Result<Event, String> {
        from_json(line)
    }

    fn nested(levels: usize) -> Value {
        (0..levels).fold(Value::Null, |inner, _| json!([inner]))
    }

    #[test]
    fn the_deepest_line_accepted_reads_back_and_one_level_more_is_refused() {
        // The event's own object is one level.
        let deepest = Event::at(0, "deep", nested(MAX_DEPTH - 1));
        let line = encode(&deepest).unwrap();
        assert_eq!(parse(&line).unwrap(), deepest);
        let deeper = Event::at(0, "deep", nested(MAX_DEPTH));
        assert!(parse(&serde_json::to_vec(&deeper).unwrap()).is_err());
        assert!(matches!(encode(&deeper), Err(Error::Unreadable { .. })));
    }

    #[test]
    fn brackets_in_strings_do_not_count_as_nesting() {
        let event = Event::at(0, "text", json!("[{\\\"".repeat(500)));
        let line = encode(&event).unwrap();
        assert_eq!(parse(&line).unwrap(), event);
    }

    #[test]
    fn a_number_that_is_not_finite_is_refused_wherever_it_hides() {
        #[derive(Serialize)]
        enum Shape {
            Point { x: Option<f64> },
            Pair(f32, f32),
        }
        let hidden = vec![
            Shape::Point { x: Some(f64::NAN) },
            Shape::Pair(0.0, f32::INFINITY),
        ];
        for shape in hidden {
            assert!(matches!(
                encode(&Event::at(0, "shape", vec![shape])),
                Err(Error::Unreadable { .. })
            ));
        }
        let fine = vec![Shape::Point { x: None }, Shape::Pair(1.0, -0.0)];
        assert!(encode(&Event::at(0, "shape", fine)).is_ok());
    }

    #[test]
    fn raw_text_that_parses_to_nothing_or_breaks_the_line_is_refused() {
        for text in ["1e999", r#""\ud800""#, "[1,\n2]"] {
            let raw = RawValue::from_string(String::from(text)).unwrap();
            assert!(
                matches!(
                    encode(&Event::at(0, "raw", raw)),
                    Err(Error::Unreadable { .. })
                ),
                "{text} was accepted"
            );
        }
        let raw = RawValue::from_string(String::from("[1, 2]")).unwrap();
        let line = encode(&Event::at(0, "raw", raw)).unwrap();
        assert_eq!(parse(&line).unwrap().data, json!([1, 2]));
    }

    #[test]
    fn a_key_that_the_parser_takes_for_its_own_is_refused_however_it_comes() {
        let keys = [
            ("$serde_json::private::RawValue", false),
            ("$serde_json::private::Number", false),
            (r"\u0024serde_json::private::RawValue", false),
            (r"$serde_json::priv\u0061te::Number", false),
            ("$serde_json::private::RawValue2", true),
            ("as$serde_json::private::Number", true),
            ("$", true),
        ];
        for (key, fits) in keys {
            for data in [
                format!(r#"{{"{key}":"[1]"}}"#),
                format!(r#"[{{"a":1,"{key}" : 1}}]"#),
            ] {
                let line = format!(r#"{{"type":"a","data":{data},"ts":0}}"#);
                assert_eq!(check::<Infallible>(line.as_bytes()).is_ok(), fits, "{line}");
                let raw = RawValue::from_string(data).unwrap();
                assert_eq!(encode(&Event::at(0, "a", raw)).is_ok(), fits, "{line}");
            }
            let key: String = serde_json::from_str(&format!("\"{key}\"")).unwrap();
            let event = Event::at(0, "a", json!({"b": [{"a": 1, key: "[1]"}]}));
            match encode(&event) {
                Ok(line) => assert_eq!(parse(&line).unwrap(), event),
                Err(error) => assert!(!fits, "{error}"),
            }
        }
    }

    #[test]
    fn a_line_from_elsewhere_is_taken_only_with_its_fields_in_order_and_values_that_read_back() {
        let fine = [
            r#"{"type":"a","data":null,"ts":0}"#,
            r#"{"type":"","data":[1e308,"\u00e9"],"ts":18446744073709551615,"id":"","meta":null}"#,
            r#"{"type":"a","data":{"a":{}},"ts":1,"id":"i","actor":"b","meta":{"m":[]}}"#,
        ];
        for line in fine {
            assert!(check::<Infallible>(line.as_bytes()).is_ok(), "{line}");
            assert!(is_event(line.as_bytes()), "{line}");
        }
        let deep = format!(
            r#"{{"type":"a","data":{}{},"ts":1}}"#,
            "[".repeat(MAX_DEPTH),
            "]".repeat(MAX_DEPTH)
        );
        let refused = [
            "",
            "null",
            r#"{"type":"a","data":1}"#,
            r#"{"type":"a","ts":1,"data":1}"#,
            r#"{"data":1,"type":"a","ts":1}"#,
            r#"{"type":"a","data":1,"ts":1,"actor":"b","id":"i"}"#,
            r#"{"type":"a","data":1,"ts":1,"id":"i","id":"i"}"#,
            r#"{"type":"a","data":1,"ts":1,"other":2}"#,
            r#"{"type":1,"data":1,"ts":1}"#,
            r#"{"type":"a","data":1,"ts":-1}"#,
            r#"{"type":"a","data":1,"ts":1.5}"#,
            r#"{"type":"a","data":1e999,"ts":1}"#,
            r#"{"type":"a","data":"\ud800","ts":1}"#,
            r#"{"type":"a","data":1,"ts":1} x"#,
            &deep,
        ];
        for line in refused {
            assert!(
                matches!(
                    check::<Infallible>(line.as_bytes()),
                    Err(Error::Unreadable { .. })
                ),
                "{line}"
            );
        }
    }

    #[test]
    fn meta_of_null_is_not_the_same_as_no_meta() {
        let event = Event::at(0, "m", json!(null)).with_meta(json!(null));
        let line = encode(&event).unwrap();
        assert_eq!(parse(&line).unwrap(), event);
    }
}
