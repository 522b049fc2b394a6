//! What of another program's line becomes what of an event.

use std::borrow::Cow;

use clap::Args;
use eventfold::Event;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::json::{Object, compacted};
use crate::times;

/// Which field is which. A dot leads into an object: `actor.login`.
#[derive(Debug, Clone, PartialEq, Eq, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Fields (NAME, or a.b for b inside a)")]
pub(crate) struct Mapping {
    /// The field that is the type; `type` by default
    #[arg(long, value_name = "NAME")]
    type_field: Option<String>,
    /// The type of lines that have none
    #[arg(long = "type", value_name = "TYPE")]
    type_of_others: Option<String>,
    /// The field that is the time: RFC 3339, or seconds, milli-, micro- or nanoseconds since 1970
    ///
    /// By default it is `ts`, in Unix seconds or RFC 3339. A line without a time gets the time
    /// at which the import began.
    #[arg(long, value_name = "NAME")]
    ts_field: Option<String>,
    /// The field that is the data; what else the line holds is dropped
    ///
    /// By default the data is the field `data` if nothing else is left of the line, and otherwise an
    /// object of all that is left.
    #[arg(long, value_name = "NAME")]
    data_field: Option<String>,
    /// The field that is the identifier; `id` by default
    #[arg(long, value_name = "NAME")]
    id_field: Option<String>,
    /// The field that is the actor; `actor` by default
    #[arg(long, value_name = "NAME")]
    actor_field: Option<String>,
}

impl Mapping {
    /// As it would be typed.
    pub(crate) fn options(&self) -> String {
        let options = [
            ("--type-field", &self.type_field),
            ("--type", &self.type_of_others),
            ("--ts-field", &self.ts_field),
            ("--data-field", &self.data_field),
            ("--id-field", &self.id_field),
            ("--actor-field", &self.actor_field),
        ];
        let given = options
            .iter()
            .filter_map(|(option, value)| Some(format!("{option} {}", value.as_ref()?)));
        match given.collect::<Vec<_>>() {
            none if none.is_empty() => "none".into(),
            given => given.join(" "),
        }
    }

    /// The event in a line, or why there is none. `began` is the time of lines that have none.
    pub(crate) fn event(&self, line: &[u8], began: u64) -> Result<Event<Box<RawValue>>, String> {
        let text = str::from_utf8(line).map_err(|error| format!("it is not UTF-8: {error}"))?;
        // What some programs start a file with.
        let object = Object::of(text.trim_start_matches('\u{feff}').trim_end())?;

        let type_field = self.type_field.as_deref().unwrap_or("type");
        let event_type = match (object.find(type_field), &self.type_of_others) {
            (Some(value), _) if value.get() != "null" => {
                plain(value).ok_or_else(|| format!("its type, field {type_field:?}, is no text"))?
            }
            (_, Some(others)) => others.clone(),
            _ => {
                return Err(format!(
                    "it has no field {type_field:?}, which would be its type; \
                     name another by --type-field, or the type by --type"
                ));
            }
        };
        let ts = match object.find(self.ts_field.as_deref().unwrap_or("ts")) {
            Some(value) if value.get() != "null" => self.ts(value, is_own(&object))?,
            _ => began,
        };
        let mut event = Event::at(ts, event_type, self.data(&object)?);
        event.id = text_of(&object, self.id_field.as_deref(), "id")?;
        event.actor = text_of(&object, self.actor_field.as_deref(), "actor")?;
        if let Some(meta) = object.find("meta") {
            event.meta = Some(value_of(meta)?);
        }
        Ok(event)
    }

    fn ts(&self, value: &RawValue, is_own: bool) -> Result<u64, String> {
        let name = self.ts_field.as_deref().unwrap_or("ts");
        let ts = match (value_of(value)?, &self.ts_field) {
            // As eventfold writes it, in seconds.
            (Value::Number(number), None) if number.is_u64() => {
                let ts = number.as_u64().unwrap_or(u64::MAX);
                // What a log took stays what it is.
                let ts = if is_own {
                    Ok(ts)
                } else {
                    times::not_millis(ts)
                };
                return ts.map_err(|reason| format!("{reason}; --ts-field ts takes them as such"));
            }
            (Value::Number(number), None) if number.as_f64().is_some_and(|ts| ts >= 0.0) => {
                return Err(format!(
                    "its time, field \"ts\", is {number}, not whole seconds since 1970; \
                     --ts-field ts takes fractions too"
                ));
            }
            (value, _) => times::of_a_log(&value),
        };
        ts.map_err(|reason| {
            format!(
                "its time, field {name:?}: {reason}; give another field with --ts-field, or keep \
                 it in the data"
            )
        })
    }

    fn data(&self, object: &Object<'_>) -> Result<Box<RawValue>, String> {
        if let Some(name) = &self.data_field {
            let data = object.find(name);
            return Ok(compacted(data.ok_or_else(|| {
                format!("it has no field {name:?}, which would be its data")
            })?));
        }
        let taken = [
            self.type_field.as_deref().unwrap_or("type"),
            self.ts_field.as_deref().unwrap_or("ts"),
            self.id_field.as_deref().unwrap_or("id"),
            self.actor_field.as_deref().unwrap_or("actor"),
            "meta",
        ];
        let left = object.0.iter().filter(|(key, _)| !taken.contains(&&**key));
        let left: Vec<(&Cow<'_, str>, &RawValue)> =
            left.map(|(key, value)| (key, *value)).collect();
        if let [(key, data)] = left.as_slice()
            && *key == "data"
        {
            return Ok(compacted(data));
        }
        let mut json = String::from("{");
        for (i, (key, value)) in left.iter().enumerate() {
            if i > 0 {
                json.push(',');
            }
            json.push_str(&serde_json::to_string(key).map_err(|error| error.to_string())?);
            json.push(':');
            json.push_str(compacted(value).get());
        }
        json.push('}');
        RawValue::from_string(json).map_err(|error| error.to_string())
    }
}

/// Whether the fields come as the log writes them.
fn is_own(object: &Object<'_>) -> bool {
    let names = object.0.iter().map(|(name, _)| &**name);
    names.take(3).eq(["type", "data", "ts"])
}

/// The text of an identifier: numbers are some as well.
fn text_of(object: &Object<'_>, name: Option<&str>, usual: &str) -> Result<Option<String>, String> {
    let name = name.unwrap_or(usual);
    match object.find(name) {
        Some(value) if value.get() != "null" => match plain(value) {
            Some(text) => Ok(Some(text)),
            None => Err(format!(
                "field {name:?} is neither a text nor a number; see --{usual}-field"
            )),
        },
        _ => Ok(None),
    }
}

/// A text as it is, a number and a boolean as they are written.
fn plain(value: &RawValue) -> Option<String> {
    let json = value.get();
    match json.as_bytes().first()? {
        b'"' => serde_json::from_str(json).ok(),
        b'{' | b'[' | b'n' => None,
        _ => Some(json.to_owned()),
    }
}

fn value_of(value: &RawValue) -> Result<Value, String> {
    serde_json::from_str(value.get()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(type_field: &str, ts_field: &str) -> Mapping {
        Mapping {
            type_field: Some(type_field.into()),
            ts_field: Some(ts_field.into()),
            ..none()
        }
    }

    fn none() -> Mapping {
        Mapping {
            type_field: None,
            type_of_others: None,
            ts_field: None,
            data_field: None,
            id_field: None,
            actor_field: None,
        }
    }

    fn json(mapping: &Mapping, line: &str) -> String {
        let event = mapping.event(line.as_bytes(), 7).unwrap();
        serde_json::to_string(&event).unwrap()
    }

    #[test]
    fn a_line_of_eventfold_stays_what_it_is() {
        for line in [
            r#"{"type":"a","data":{"n":1.10,"big":123456789012345678901},"ts":5}"#,
            r#"{"type":"a","data":null,"ts":1717243200123,"id":"i","actor":"b","meta":null}"#,
        ] {
            assert_eq!(json(&none(), line), line);
        }
    }

    #[test]
    fn what_is_left_of_a_line_is_its_data() {
        let line =
            r#"{"event":"push","at":"1970-01-01T00:00:09Z","repo":{"n": 1},"id":12,"data":3}"#;
        assert_eq!(
            json(&mapping("event", "at"), line),
            r#"{"type":"push","data":{"repo":{"n":1},"data":3},"ts":9,"id":"12"}"#
        );
        let line = r#"{"level":30,"time":9000000000000,"msg":"hi"}"#;
        assert_eq!(
            json(&mapping("level", "time"), line),
            r#"{"type":"30","data":{"msg":"hi"},"ts":9000000000}"#
        );
        let only = Mapping {
            data_field: Some("a.b".into()),
            actor_field: Some("who.name".into()),
            type_of_others: Some("x".into()),
            ..none()
        };
        assert_eq!(
            json(&only, r#"{"a":{"b":[1]},"who":{"name":"ada"}}"#),
            r#"{"type":"x","data":[1],"ts":7,"actor":"ada"}"#
        );
    }

    #[test]
    fn what_cannot_be_an_event_says_why() {
        for (line, reason) in [
            ("nonsense\n", "it is not JSON (column 2)"),
            (
                "{\"type\":\"a\",\"data\":\n",
                "it ends in the middle of JSON, at column 19",
            ),
            ("[]", "it is a JSON array, not an object"),
            ("{\"data\":1}", "--type-field"),
            ("{\"type\":{},\"ts\":1}", "is no text"),
            (
                "{\"type\":\"a\",\"ts\":-1}",
                "field \"ts\": -1 is before 1970 and cannot be stored; give another field",
            ),
            ("{\"type\":\"a\",\"ts\":1.5}", "whole seconds"),
            (
                "{\"type\":\"a\",\"ts\":1717243200123}",
                "this looks like milliseconds; --ts-field ts",
            ),
            ("{\"type\":\"a\",\"ts\":\"soon\"}", "soon"),
            ("{\"type\":\"a\",\"id\":[]}", "--id-field"),
            ("{\"type\":\"a\",\"a\":1,\"a\":2}", "twice"),
        ] {
            let error = none().event(line.as_bytes(), 0).unwrap_err();
            assert!(error.contains(reason), "{line}: {error}");
        }
    }
}
