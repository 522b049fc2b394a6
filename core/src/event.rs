//! What happened: one event, one line of the log.

use alloc::string::String;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::line::Fields;

/// One event.
///
/// `D` is the type of its data. [`Value`] takes any JSON; a type of your own goes in and comes
/// out directly; `Box<serde_json::value::RawValue>` leaves the data as JSON text, to be parsed
/// when somebody asks.
///
/// On disk it is one compact JSON object with the fields in the order `type`, `data`, `ts`, then
/// `id`, `actor` and `meta` where present. Unknown fields are ignored when read.
///
/// ```
/// use eventfold_core::Event;
/// use serde_json::json;
///
/// let event = Event::at(1_700_000_000, "todo.added", json!({ "title": "write" })).with_actor("ada");
/// assert_eq!(
///     serde_json::to_string(&event)?,
///     r#"{"type":"todo.added","data":{"title":"write"},"ts":1700000000,"actor":"ada"}"#
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Event<D = Value> {
    /// What kind of thing happened, `type` on disk.
    #[serde(rename = "type")]
    pub event_type: String,
    /// What there is to know about it.
    pub data: D,
    /// When, in whole seconds since 1970-01-01 00:00 UTC.
    pub ts: u64,
    /// An identifier of the caller's own; the log does not look at it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Who or what caused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// Anything beside the data: a trace, a version, a source. `null` is a value like any other
    /// and differs from no `meta` at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meta: Option<Value>,
}

impl<D> Event<D> {
    /// An event at `ts`, in seconds since 1970-01-01 00:00 UTC.
    pub fn at(ts: u64, event_type: impl Into<String>, data: D) -> Self {
        Self {
            event_type: event_type.into(),
            data,
            ts,
            id: None,
            actor: None,
            meta: None,
        }
    }

    /// An event that happens now, by the system's clock. A clock set before 1970 counts as 1970.
    #[cfg(feature = "clock")]
    pub fn new(event_type: impl Into<String>, data: D) -> Self {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Self::at(now.map_or(0, |since| since.as_secs()), event_type, data)
    }

    fn of(fields: Fields<'_, D, Value>) -> Self {
        Self {
            event_type: fields.event_type.0.into_owned(),
            data: fields.data,
            ts: fields.ts,
            id: fields.id.map(|id| id.0.into_owned()),
            actor: fields.actor.map(|actor| actor.0.into_owned()),
            meta: fields.meta,
        }
    }

    /// The same event with this `id`.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// The same event with this `actor`.
    #[must_use]
    pub fn with_actor(mut self, actor: impl Into<String>) -> Self {
        self.actor = Some(actor.into());
        self
    }

    /// The same event with this `meta`.
    #[must_use]
    pub fn with_meta(mut self, meta: Value) -> Self {
        self.meta = Some(meta);
        self
    }
}

impl<'de, D: Deserialize<'de>> Deserialize<'de> for Event<D> {
    fn deserialize<T: Deserializer<'de>>(deserializer: T) -> Result<Self, T::Error> {
        // The trait's, since the one that is derived takes an array too.
        <Fields<'_, D, Value> as Deserialize>::deserialize(deserializer).map(Self::of)
    }
}
