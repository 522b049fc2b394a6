//! For a program's own tests of its reducers.

use std::convert::Infallible;
use std::fmt::Display;

use eventfold_core::{Access, Codec, Durability, Event, Fold, Line, MemoryStore, Writer};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::view::State;

type Error = eventfold_core::Error<Infallible>;

const VIEW: &str = "view";

/// The state that the reducer folds from these events, beginning with `S::default()`, in memory.
///
/// Each event goes through a log, and the state is folded twice: once as it is, and once with a
/// snapshot taken and read back after each event. So a state that a snapshot does not keep whole,
/// such as one with a skipped field that the reducer looks at, is found here and not in production.
///
/// ```
/// use eventfold::{Event, testing};
///
/// let sum = |sum: u64, event: &Event<u64>| sum + event.data;
/// let events = [Event::at(0, "paid", 20), Event::at(1, "paid", 30)];
/// assert_eq!(testing::folded(sum, events), 50);
/// ```
///
/// # Panics
/// When an event cannot be appended or read back as an `Event<D>`, when a state cannot be saved or
/// read back, and when a snapshot changed the state. The message names the event by its number,
/// counted from 0.
#[track_caller]
pub fn folded<S: State, D: Serialize + DeserializeOwned>(
    reducer: impl Fn(S, &Event<D>) -> S,
    events: impl IntoIterator<Item = Event<D>>,
) -> S {
    let mut log = log();
    let (mut whole, mut saved) = (Fold::new(S::default()), Fold::new(S::default()));
    for (number, event) in events.into_iter().enumerate() {
        let failed = |what: &str, why: &dyn Display| {
            format!("event {number}, {:?}, {what}: {why}", event.event_type)
        };
        let reduce = |state, line: &Line<'_>| Ok::<_, Error>(reducer(state, &line.event()?));
        let refreshed = |log: &Writer<_>, fold: &Fold<S>| {
            let further = fold.refreshed(log.store(), Codec::PORTABLE, reduce);
            let further = further.map_err(|error| failed("cannot be folded", &error))?;
            further.ok_or_else(|| failed("cannot be folded", &"it is not there"))
        };
        let mut go_on = || {
            log.append(&event, Durability::Buffered)
                .map_err(|error| failed("cannot be appended", &error))?;
            whole = refreshed(&log, &whole)?;
            saved = refreshed(&log, &saved)?;
            log.save(&saved, VIEW)
                .map_err(|error| failed("leads to a state that cannot be saved", &error))?;
            let found = Fold::find(log.store(), Codec::PORTABLE, VIEW, 0);
            saved = found.ok().and_then(Result::ok).ok_or_else(|| {
                failed(
                    "leads to a state that does not read back",
                    &json(saved.state()),
                )
            })?;
            let (whole, saved) = (json(whole.state()), json(saved.state()));
            match whole == saved {
                true => Ok(()),
                false => Err(failed(
                    "leads to another state after a snapshot",
                    &format!("{saved} in place of {whole}"),
                )),
            }
        };
        if let Err(message) = go_on() {
            panic!("{message}");
        }
    }
    whole.into_state()
}

#[expect(clippy::panic, reason = "memory takes whatever it is given")]
fn log() -> Writer<MemoryStore> {
    let opened = Writer::open(MemoryStore::new(), Codec::PORTABLE, Access::Exclusive);
    opened.map_or_else(|error| panic!("{error}"), |(log, _)| log)
}

/// The state as JSON to be compared, whatever order a set gives its elements in.
fn json<S: Serialize>(state: &S) -> Value {
    fn sort(value: &mut Value) {
        match value {
            Value::Array(elements) => {
                elements.iter_mut().for_each(sort);
                elements.sort_by_cached_key(Value::to_string);
            }
            Value::Object(fields) => fields.values_mut().for_each(sort),
            _ => {}
        }
    }
    // By its text, which has room for numbers that a `Value` refuses.
    let text = serde_json::to_vec(state).unwrap_or_default();
    let mut value = serde_json::from_slice(&text).unwrap_or_default();
    sort(&mut value);
    value
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use serde::Deserialize;

    use super::*;

    fn message<T>(act: impl FnOnce() -> T) -> String {
        let panicked = catch_unwind(AssertUnwindSafe(act)).map(drop).unwrap_err();
        *panicked.downcast::<String>().unwrap()
    }

    #[test]
    fn events_are_folded_in_their_order_whatever_their_data() {
        let types =
            |types: Vec<String>, event: &Event| [types, vec![event.event_type.clone()]].concat();
        assert_eq!(folded(types, []), Vec::<String>::new());
        let events = [
            Event::at(0, "b", Value::from(0.1)),
            Event::at(0, "a", Value::Null),
        ];
        assert_eq!(folded(types, events), ["b", "a"]);
        // A set may be saved in any order.
        assert_eq!(json(&[[2, 1], [0, 3]]), json(&[[3, 0], [1, 2]]));
    }

    #[test]
    fn a_state_that_a_snapshot_changes_is_told_with_the_event_that_shows_it() {
        #[derive(Default, Clone, Serialize, Deserialize)]
        struct Count {
            sum: u64,
            #[serde(skip)]
            seen: u64,
        }
        let count = |mut count: Count, event: &Event<u64>| {
            count.sum += event.data * count.seen;
            count.seen += 1;
            count
        };
        let events = || [0, 1, 2].map(|n| Event::at(0, "n", n));
        let message = message(|| folded(count, events()));
        assert!(
            message.contains(r#"event 1, "n", leads to another state"#),
            "{message}"
        );
        assert!(
            message.contains(r#"{"sum":0} in place of {"sum":1}"#),
            "{message}"
        );
    }

    #[test]
    fn a_number_too_large_for_a_value_hides_no_other_that_a_snapshot_changes() {
        #[derive(Default, Clone, Serialize, Deserialize)]
        struct Seen {
            id: u128,
            sum: u64,
            #[serde(skip)]
            seen: u64,
        }
        let seen = |mut seen: Seen, event: &Event<u64>| {
            seen.id = u128::from(u64::MAX) + 1;
            seen.sum += event.data * seen.seen;
            seen.seen += 1;
            seen
        };
        let events = [0, 1].map(|n| Event::at(0, "n", n));
        let message = message(|| folded(seen, events));
        assert!(message.contains("leads to another state"), "{message}");
    }

    #[test]
    fn what_a_log_would_refuse_is_told() {
        let first = |_: Option<f64>, event: &Event<f64>| Some(1.0 / event.data);
        let nan = message(|| folded(first, [Event::at(0, "n", f64::NAN)]));
        assert!(nan.contains("cannot be appended"), "{nan}");
        let infinite = message(|| folded(first, [Event::at(0, "n", 0.0)]));
        assert!(infinite.contains("cannot be saved"), "{infinite}");
    }
}
