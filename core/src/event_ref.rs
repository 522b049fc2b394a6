//! An event in its line, of which only what is asked for is parsed.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use core::cell::OnceCell;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::error::Error;
use crate::event::Event;
use crate::line::{Ends, Fields, check_event, from_json, may_name};
use crate::record::Line;

/// An event in its line: type, time, identifier and actor at once, the rest when asked for.
///
/// A line as the log writes it is taken apart at its ends, without a look at the data between
/// them, which takes a fraction of the time of parsing it; any other line is parsed. Of a line that
/// is an event it tells the same as [`Line::event`]. Damage inside a line is found when its data is
/// asked for, not before.
///
/// ```
/// use eventfold_core::{Access, Codec, Durability, Event, MemoryStore, Scan, Writer};
/// use std::convert::Infallible;
///
/// let (mut writer, _) = Writer::open(MemoryStore::new(), Codec::PORTABLE, Access::Exclusive)?;
/// writer.append(&Event::at(7, "counted", 2), Durability::Synced)?;
///
/// let mut scan = Scan::new(writer.store(), Codec::PORTABLE, 0);
/// let line = scan.next_line()?.ok_or("no line")?;
/// let event = line.event_ref::<Infallible>()?;
/// assert_eq!((event.event_type(), event.ts(), event.actor()), ("counted", 7, None));
/// assert_eq!(event.data::<u64, Infallible>()?, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct EventRef<'a> {
    line: Line<'a>,
    /// `None` when the line is not as the log writes it; then it is parsed.
    ends: Option<Ends<'a>>,
    parsed: OnceCell<Option<Box<Parsed<'a>>>>,
}

#[derive(Debug, Clone)]
struct Parsed<'a> {
    event_type: Cow<'a, str>,
    ts: u64,
    id: Option<Cow<'a, str>>,
    actor: Option<Cow<'a, str>>,
}

impl<'a> EventRef<'a> {
    #[inline(always)]
    pub(crate) fn of<E: core::error::Error>(line: Line<'a>) -> Result<Self, Error<E>> {
        let (ends, parsed) = (Ends::of(line.bytes), OnceCell::new());
        if ends.is_none() {
            let fields = Parsed::of(line.bytes).map_err(|reason| line.refused(reason))?;
            // It is new, so there is nothing in it yet.
            let _ = parsed.set(Some(fields));
        }
        Ok(Self { line, ends, parsed })
    }

    /// What kind of thing happened.
    #[must_use]
    pub fn event_type(&self) -> &str {
        match self.ends {
            Some(ends) => ends.event_type.text(),
            None => self.parsed().map_or("", |parsed| &parsed.event_type),
        }
    }

    /// When, in whole seconds since 1970-01-01 00:00 UTC.
    #[must_use]
    pub fn ts(&self) -> u64 {
        match self.ends {
            Some(ends) => ends.ts.number(),
            None => self.parsed().map_or(0, |parsed| parsed.ts),
        }
    }

    /// The identifier that its writer gave it.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        let at_the_end = self.ends.and_then(|ends| Some(ends.id?.text()));
        at_the_end.or_else(|| self.elsewhere(br#""id""#)?.id.as_deref())
    }

    /// Who or what caused it.
    #[must_use]
    pub fn actor(&self) -> Option<&str> {
        let at_the_end = self.ends.and_then(|ends| Some(ends.actor?.text()));
        at_the_end.or_else(|| self.elsewhere(br#""actor""#)?.actor.as_deref())
    }

    /// Its data, which may borrow from the line. The whole line is parsed.
    ///
    /// # Errors
    /// As [`Line::event`].
    pub fn data<D: Deserialize<'a>, E: core::error::Error>(&self) -> Result<D, Error<E>> {
        // What the parser ignores it looks at for its grammar only.
        Ok(self.line.fields::<D, Value, E>()?.data)
    }

    /// What it holds beside the data. The whole line is parsed.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the line is no event.
    pub fn meta<E: core::error::Error>(&self) -> Result<Option<Value>, Error<E>> {
        self.check()?;
        let fields = self.line.fields::<IgnoredAny, Value, E>()?;
        Ok(fields.meta)
    }

    /// The whole event, parsed.
    ///
    /// # Errors
    /// As [`Line::event`].
    pub fn event<D: Deserialize<'a>, E: core::error::Error>(&self) -> Result<Event<D>, Error<E>> {
        self.line.event()
    }

    /// The line that it stands in.
    #[must_use]
    pub fn line(&self) -> &Line<'a> {
        &self.line
    }

    /// Checks that all of the line can be read, its data and `meta` included: without this, damage
    /// there is found when they are asked for. Nothing is built of it.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the line is no event.
    pub fn check<E: core::error::Error>(&self) -> Result<(), Error<E>> {
        check_event(self.line.bytes).map_err(|reason| self.line.refused(reason))
    }

    /// What the parser finds, if there may be a field of this name that is not at the line's end,
    /// where the log writes it.
    fn elsewhere(&self, quoted_name: &[u8]) -> Option<&Parsed<'a>> {
        let may = self.ends.is_none() || may_name(self.line.bytes, quoted_name);
        may.then(|| self.parsed())?
    }

    fn parsed(&self) -> Option<&Parsed<'a>> {
        let parse = || Parsed::of(self.line.bytes).ok();
        self.parsed.get_or_init(parse).as_deref()
    }
}

impl<'a> Parsed<'a> {
    fn of(line: &'a [u8]) -> Result<Box<Self>, String> {
        let fields: Fields<'_, IgnoredAny, IgnoredAny> = from_json(line)?;
        Ok(Box::new(Self {
            event_type: fields.event_type.0,
            ts: fields.ts,
            id: fields.id.map(|id| id.0),
            actor: fields.actor.map(|actor| actor.0),
        }))
    }
}
