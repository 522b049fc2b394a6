//! Work whose instructions are counted by `tests/checks/instructions`: `instructions WORK DIR`
//! does one kind of work inside of `native::measured`, and prints on how many events.
//!
//! Each kind is done by eventfold and by bare serde_json, on the same events.

#[cfg(target_arch = "wasm32")]
fn main() {}

#[cfg(not(target_arch = "wasm32"))]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    native::run()
}

#[cfg(not(target_arch = "wasm32"))]
mod native {
    use std::collections::BTreeMap;
    use std::error::Error;
    use std::hint::black_box;

    use eventfold::{Durability, Event, EventReader, EventWriter, View};
    use serde::Deserialize;
    use serde_json::Value;

    const FIXTURE: &str = include_str!("../../fixtures/football-matches.jsonl");

    type Result<T> = std::result::Result<T, Box<dyn Error>>;
    type Counts = BTreeMap<String, u64>;

    pub(crate) fn run() -> Result<()> {
        let mut args = std::env::args().skip(1);
        let (Some(work), Some(dir)) = (args.next(), args.next()) else {
            return Err("instructions WORK DIR".into());
        };
        let events = FIXTURE.lines().map(serde_json::from_str);
        let events: Vec<Event> = events.collect::<std::result::Result<_, _>>()?;
        let lines: Vec<Vec<u8>> = events
            .iter()
            .map(serde_json::to_vec)
            .collect::<std::result::Result<_, _>>()?;
        let mut writer = EventWriter::open(&dir)?.with_durability(Durability::Buffered);
        if !work.starts_with("append") {
            writer.append_batch(&events)?;
        }
        let reader = writer.reader();
        let counted = match work.as_str() {
            "append/eventfold" => measured(|| append(&mut writer, &events)),
            "append/serde_json" => measured(|| append_bare(&events)),
            "read-value/eventfold" => measured(|| read_value(&reader)),
            "read-value/serde_json" => measured(|| parse_value(&lines)),
            "replay-value/eventfold" => measured(|| replay_value(&reader)),
            "replay-value/serde_json" => measured(|| parse_value(&lines)),
            "replay-type/eventfold" => measured(|| replay_type(&reader)),
            "replay-type/serde_json" => measured(|| parse_type(&lines)),
            _ => return Err(format!("there is no work {work}").into()),
        }?;
        assert_eq!(counted, events.len() as u64);
        println!("{counted}");
        Ok(())
    }

    /// What is counted.
    #[inline(never)]
    fn measured(work: impl FnOnce() -> Result<u64>) -> Result<u64> {
        black_box(black_box(work)())
    }

    fn append(writer: &mut EventWriter, events: &[Event]) -> Result<u64> {
        for event in events {
            writer.append(event)?;
        }
        Ok(events.len() as u64)
    }

    fn append_bare(events: &[Event]) -> Result<u64> {
        for event in events {
            black_box(serde_json::to_vec(event)?);
        }
        Ok(events.len() as u64)
    }

    fn read_value(reader: &EventReader) -> Result<u64> {
        let mut counts = Counts::new();
        for record in reader.read_full()? {
            count(&mut counts, &record?.event.event_type);
        }
        Ok(counts.values().sum())
    }

    fn replay_value(reader: &EventReader) -> Result<u64> {
        let mut view = View::new("types", |mut counts: Counts, event: &Event| {
            count(&mut counts, &event.event_type);
            counts
        })?;
        let counts = view.rebuild(reader)?;
        Ok(counts.values().sum())
    }

    fn replay_type(reader: &EventReader) -> Result<u64> {
        let mut view = View::lazy("types", |mut counts: Counts, event| {
            count(&mut counts, event.event_type());
            Ok(counts)
        })?;
        let counts: &Counts = view.rebuild(reader)?;
        Ok(counts.values().sum())
    }

    #[derive(Deserialize)]
    struct Parsed {
        #[serde(rename = "type")]
        event_type: String,
        data: Value,
        ts: u64,
        actor: Option<String>,
    }

    fn parse_value(lines: &[Vec<u8>]) -> Result<u64> {
        let mut counts = Counts::new();
        for line in lines {
            let parsed: Parsed = serde_json::from_slice(line)?;
            black_box((&parsed.data, parsed.ts, &parsed.actor));
            count(&mut counts, &parsed.event_type);
        }
        Ok(counts.values().sum())
    }

    #[derive(Deserialize)]
    struct Type<'a> {
        #[serde(rename = "type")]
        event_type: &'a str,
    }

    fn parse_type(lines: &[Vec<u8>]) -> Result<u64> {
        let mut counts = Counts::new();
        for line in lines {
            let parsed: Type = serde_json::from_slice(line)?;
            count(&mut counts, parsed.event_type);
        }
        Ok(counts.values().sum())
    }

    fn count(counts: &mut Counts, event_type: &str) {
        match counts.get_mut(event_type) {
            Some(count) => *count += 1,
            None => {
                counts.insert(event_type.to_owned(), 1);
            }
        }
    }
}
