//! Times as people and other programs write them.

use std::fmt::Display;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Zoned};

/// The end of the year 9999: a later second is one of a program that counts in milliseconds.
pub(crate) const LAST: u64 = 253_402_300_799;

/// Seconds since 1970: of a number of them, also behind @, a time in RFC 3339 or ISO 8601 (that of this machine
/// where it names no zone), a date, `now`, or how long ago it was: `90s`, `2h`, `1d 12h`.
pub(crate) fn parse(text: &str) -> Result<u64, String> {
    let text = text.trim();
    if let Ok(seconds) = text.strip_prefix('@').unwrap_or(text).parse() {
        return Ok(seconds);
    }
    if text == "now" {
        return since_1970(Timestamp::now());
    }
    if let Some(time) = written(text) {
        return since_1970(time?);
    }
    if text.parse::<i128>().is_ok() {
        return Err("a number of Unix seconds is 0 or more, and less than 2^64".into());
    }
    let ago = text.strip_suffix("ago").unwrap_or(text);
    if let Ok(span) = ago.trim().parse::<Span>()
        && let Ok(then) = Zoned::now().checked_sub(span.abs())
    {
        return since_1970(then.timestamp());
    }
    Err(
        "expected Unix seconds, a time such as 2024-06-01T12:00:00Z or 2024-06-01, \
         or how long ago: 90s, 2h, 3d"
            .into(),
    )
}

/// The time of an event that is to be.
pub(crate) fn parse_new(text: &str) -> Result<u64, String> {
    parse(text).and_then(not_millis)
}

pub(crate) fn not_millis(ts: u64) -> Result<u64, String> {
    match ts {
        ..=LAST => Ok(ts),
        _ => Err(format!(
            "ts {ts} is after the year 9999: ts is in seconds, this looks like milliseconds"
        )),
    }
}

/// The time of another program's log: Unix seconds, also with a fraction, milliseconds,
/// microseconds or nanoseconds, told apart by their size; or a written time.
pub(crate) fn of_a_log(value: &serde_json::Value) -> Result<u64, String> {
    match value {
        serde_json::Value::Number(number) => {
            if let Some(whole) = number.as_u64() {
                // Of seconds that would be the year 5138.
                return Ok(match whole {
                    0..100_000_000_000 => whole,
                    100_000_000_000..100_000_000_000_000 => whole / 1_000,
                    100_000_000_000_000..100_000_000_000_000_000 => whole / 1_000_000,
                    _ => whole / 1_000_000_000,
                });
            }
            match number.as_f64() {
                Some(seconds) if (0.0..1e11).contains(&seconds) => Ok(seconds as u64),
                Some(millis) if (1e11..1e14).contains(&millis) => Ok((millis / 1e3) as u64),
                Some(seconds) if seconds < 0.0 => Err(before_1970(number)),
                _ => Err(format!("{number} is no time")),
            }
        }
        serde_json::Value::String(text) => of_text(text),
        other => Err(format!("{other} is neither a number nor a text")),
    }
}

/// A written time, or a number of seconds in quotes.
pub(crate) fn of_text(text: &str) -> Result<u64, String> {
    if let Some(time) = written(text) {
        return since_1970(time?);
    }
    match serde_json::from_str(text) {
        Ok(number @ serde_json::Value::Number(_)) => of_a_log(&number),
        _ => Err(format!(
            "{text:?} is no time in RFC 3339 and no number of seconds"
        )),
    }
}

/// `None` when it is not a time that is written out.
fn written(text: &str) -> Option<Result<Timestamp, String>> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(Ok(time));
    }
    // "2024-06-01 12:00:00 UTC" and the like.
    let (text, zone) = match text.strip_suffix(" UTC") {
        Some(civil) => (civil, TimeZone::UTC),
        None => (text, TimeZone::system()),
    };
    let civil = text.parse::<DateTime>().ok()?;
    let zoned = match text.contains('[') {
        // "2024-06-01T12:00:00[Europe/Paris]" names its own.
        true => text.parse::<Zoned>(),
        false => civil.to_zoned(zone),
    };
    Some(
        zoned
            .map(|zoned| zoned.timestamp())
            .map_err(|error| error.to_string()),
    )
}

fn since_1970(time: Timestamp) -> Result<u64, String> {
    // Down, not towards 1970.
    let seconds = time.as_second() - i64::from(time.subsec_nanosecond() < 0);
    u64::try_from(seconds).map_err(|_| before_1970(time))
}

fn before_1970(time: impl Display) -> String {
    format!("{time} is before 1970 and cannot be stored")
}

/// `2024-06-01 12:00:00` in this machine's time zone.
pub(crate) fn local(ts: u64) -> String {
    match i64::try_from(ts)
        .ok()
        .and_then(|ts| Timestamp::from_second(ts).ok())
    {
        Some(time) => time
            .to_zoned(TimeZone::system())
            .strftime("%Y-%m-%d %H:%M:%S")
            .to_string(),
        None => format!("@{ts}"),
    }
}

pub(crate) fn now() -> u64 {
    since_1970(Timestamp::now()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn times_of_people() {
        assert_eq!(parse("0"), Ok(0));
        assert_eq!(parse("@1717243200"), Ok(1_717_243_200));
        let late = [LAST, LAST + 1].map(|ts| parse_new(&ts.to_string()).is_ok());
        assert_eq!(late, [true, false]);
        assert_eq!(parse("2024-06-01T12:00:00Z"), Ok(1_717_243_200));
        assert_eq!(parse("2024-06-01T14:00:00.9+02:00"), Ok(1_717_243_200));
        assert!(parse("2024-06-01").is_ok());
        let hour = parse("2h").unwrap();
        assert!((now() - 7_200).abs_diff(hour) <= 5);
        let days = parse("1d 12h ago").unwrap();
        // A day can have 23 or 25 hours.
        assert!((now() - 36 * 3_600).abs_diff(days) <= 3_700);
        for wrong in ["", "yesterday", "2024-13-01", "1969-12-31T23:59:59Z", "-5"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn times_of_logs() {
        for (time, ts) in [
            (json!(1_717_243_200), 1_717_243_200),
            (json!(1_717_243_200.75), 1_717_243_200),
            (json!(1_717_243_200_123_u64), 1_717_243_200),
            (json!(1_717_243_200_123_456_u64), 1_717_243_200),
            (json!(1_717_243_200_123_456_789_u64), 1_717_243_200),
            (json!("2024-06-01T12:00:00.5Z"), 1_717_243_200),
            (json!("2024-06-01 12:00:00 UTC"), 1_717_243_200),
            (json!("2024-06-01T14:00:00[Europe/Paris]"), 1_717_243_200),
            (json!("2024-06-01 07:00[America/Chicago]"), 1_717_243_200),
            (json!("1717243200"), 1_717_243_200),
        ] {
            assert_eq!(of_a_log(&time), Ok(ts), "{time}");
        }
        for wrong in [
            json!(-1),
            json!(null),
            json!("soon"),
            json!("1969-12-31T00:00:00Z"),
            json!("2024-06-01T12:00:00[Nowhere/Land]"),
        ] {
            assert!(of_a_log(&wrong).is_err(), "{wrong}");
        }
    }
}
