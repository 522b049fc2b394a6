//! Reading events of old shapes in the shapes that a program has now.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::error::Error;
use crate::event::Event;
use crate::line;
use crate::record::Line;

/// Makes data of new shape from data of old shape, both as JSON.
type Lift = dyn Fn(&str) -> Result<String, String> + Send + Sync;

/// How events of old shapes are lifted to the shapes that a program has now, when they are read.
///
/// What is stored stays as it is, and so do position and hash; `ts`, `id`, `actor` and `meta` are
/// the event's own. A lift changes the type and the data of all events of one type. If the new type
/// is itself lifted, that lift follows, each at most once: an event of any old shape comes to the
/// newest one step by step. A type whose data changes shape without a new name may be lifted to
/// itself; that lift sees old and new data, and is the last.
///
/// A view folds lifted events. Whoever changes what a lift makes of an event raises the versions
/// of the views that have folded it. Clones share the lifts.
///
/// ```
/// use eventfold_core::{Access, Codec, Durability, Event, MemoryStore, Scan, Upcasts, Writer};
/// use serde_json::{Value, json};
/// use std::convert::Infallible;
///
/// let upcasts = Upcasts::new()
///     .lift("added", "added.2", |title: String| json!({ "title": title, "tags": [] }));
///
/// let (mut writer, _) = Writer::open(MemoryStore::new(), Codec::PORTABLE, Access::Exclusive)?;
/// writer.append(&Event::at(7, "added", "write"), Durability::Synced)?;
///
/// let mut scan = Scan::new(writer.store(), Codec::PORTABLE, 0);
/// let line = scan.next_line()?.ok_or("no line")?;
/// let mut buffer = Vec::new();
/// let lifted = upcasts.lifted::<Infallible>(&line, &mut buffer)?;
/// let event = lifted.event::<Value, Infallible>()?;
/// assert_eq!((&*event.event_type, event.ts), ("added.2", 7));
/// assert_eq!(event.data["title"], "write");
/// assert_eq!(lifted.hash(), line.hash());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct Upcasts {
    lifts: BTreeMap<String, (String, Arc<Lift>)>,
}

impl Upcasts {
    /// No lifts: each event is read as it is.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads an event of type `from` as one of type `to`, with the data that `lift` makes of its
    /// own. A second lift of the same type takes the place of the first.
    ///
    /// An event whose data is no `A`, or whose lifted data cannot be written as JSON that reads
    /// back equal, is a [`Mismatch`](Error::Mismatch) to whoever reads it.
    #[must_use]
    pub fn lift<A: DeserializeOwned, B: Serialize>(
        mut self,
        from: impl Into<String>,
        to: impl Into<String>,
        lift: impl Fn(A) -> B + Send + Sync + 'static,
    ) -> Self {
        let lift = move |data: &str| {
            let lifted = line::to_json(&lift(line::from_json(data.as_bytes())?))?;
            String::from_utf8(lifted).map_err(|error| format!("{error}"))
        };
        self.lifts.insert(from.into(), (to.into(), Arc::new(lift)));
        self
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lifts.is_empty()
    }

    /// The line as it is to be read: itself, or, in `buffer`, the one of the lifted event.
    ///
    /// # Errors
    /// [`Error::Mismatch`] when the event cannot be lifted, and [`Error::Corrupt`] when there is a
    /// lift for it but the line is no event.
    pub fn lifted<'b, E: core::error::Error>(
        &self,
        line: &Line<'b>,
        buffer: &'b mut Vec<u8>,
    ) -> Result<Line<'b>, Error<E>> {
        // Damage is told by whoever reads the line.
        let Ok(event) = line.event_ref::<E>() else {
            return Ok(*line);
        };
        let Some(mut next) = self.lifts.get(event.event_type()) else {
            return Ok(*line);
        };
        let event = line.event::<&RawValue, E>()?;
        let (mut from, mut data) = (event.event_type, String::from(event.data.get()));
        for _ in 0..self.lifts.len() {
            let (to, lift) = next;
            data = lift(&data).map_err(|reason| line.refused_lift(&from, to, reason))?;
            let ends = *to == from;
            from.clone_from(to);
            match self.lifts.get(to) {
                Some(further) if !ends => next = further,
                _ => break,
            }
        }
        let lifted = Event::<Box<RawValue>> {
            data: RawValue::from_string(data)
                .map_err(|error| line.refused_lift(&from, &from, format!("{error}")))?,
            event_type: from,
            ts: event.ts,
            id: event.id,
            actor: event.actor,
            meta: event.meta,
        };
        buffer.clear();
        line::encode::<_, E>(&lifted, buffer).map_err(|error| {
            line.refused_lift(&lifted.event_type, &lifted.event_type, format!("{error}"))
        })?;
        buffer.pop();
        Ok(Line {
            bytes: buffer,
            ..*line
        })
    }
}

impl Line<'_> {
    #[cold]
    fn refused_lift<E: core::error::Error>(
        &self,
        from: &str,
        to: &str,
        reason: String,
    ) -> Error<E> {
        // Of a damaged line it is the damage that is told.
        if let Err(corrupt @ Error::Corrupt { .. }) = self.event::<Value, E>() {
            return corrupt;
        }
        Error::Mismatch {
            position: self.position,
            reason: format!("it cannot be lifted from {from:?} to {to:?}: {reason}"),
        }
    }
}

impl fmt::Debug for Upcasts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lifts = self.lifts.iter().map(|(from, (to, _))| (from, to));
        f.debug_map().entries(lifts).finish()
    }
}
