//! The events that every contender gets.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use eventfold::Event;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// One event in each form that a contender takes.
#[derive(Debug, Clone)]
pub struct Sample {
    pub event: Event,
    pub json: Event<Box<RawValue>>,
    pub event_0_2: eventfold_0_2::Event,
    /// As it stands in the log, with its newline.
    pub line: Vec<u8>,
}

impl Sample {
    fn new(event: Event) -> Self {
        let mut line = serde_json::to_vec(&event).unwrap();
        let json = serde_json::from_slice(&line).unwrap();
        let event_0_2 = serde_json::from_slice(&line).unwrap();
        line.push(b'\n');
        Self {
            event,
            json,
            event_0_2,
            line,
        }
    }

    pub fn data(&self) -> &str {
        self.json.data.get()
    }
}

#[derive(Debug, Clone)]
pub struct Events {
    pub name: String,
    pub samples: Vec<Sample>,
    /// Of all lines together.
    pub bytes: u64,
}

/// Small files are gone through again until there are as many bytes.
const ENOUGH: u64 = 8 << 20;

impl Events {
    /// The file that was asked for, real edits of Wikipedia where they are at hand, or else the
    /// fixture of the tests.
    pub fn load(asked: Option<&Path>) -> Self {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let beside = env::var_os("EVENTFOLD_DATA").map(PathBuf::from);
        let beside = beside.unwrap_or_else(|| tests.join("../../shared/data"));
        let candidates = [
            beside.join("wikipedia-edits.jsonl.zst"),
            tests.join("fixtures/football-matches.jsonl"),
        ];
        let found = candidates.iter().find(|path| path.exists());
        Self::read(asked.unwrap_or(found.expect("the fixture is in the repository")))
    }

    fn read(path: &Path) -> Self {
        let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let bytes = match path.extension().is_some_and(|end| end == "zst") {
            true => zstd::decode_all(&bytes[..]).unwrap(),
            false => bytes,
        };
        let lines = bytes.split(|&byte| byte == b'\n');
        let events = lines.filter(|line| !line.is_empty());
        // What eventfold does not take, as a time before 1970, is left out for all.
        let events = events.filter_map(|line| serde_json::from_slice(line).ok());
        let samples: Vec<Sample> = events.map(Sample::new).collect();
        assert!(!samples.is_empty(), "{} has no events", path.display());
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.split('.').next().unwrap_or_default();
        let once = Self::new(name, samples.clone());
        let times = ENOUGH.div_ceil(once.bytes) as usize;
        let again = samples.iter().cycle().take(samples.len() * times);
        Self::new(name, again.cloned().collect())
    }

    fn new(name: &str, samples: Vec<Sample>) -> Self {
        let bytes = samples.iter().map(|sample| sample.line.len() as u64).sum();
        let name = name.to_owned();
        Self {
            name,
            samples,
            bytes,
        }
    }

    pub fn median_line(&self) -> usize {
        let mut lengths: Vec<_> = self.samples.iter().map(|event| event.line.len()).collect();
        lengths.sort_unstable();
        lengths[lengths.len() / 2]
    }

    /// Events without end.
    pub fn endless(&self) -> impl Iterator<Item = &Sample> {
        self.samples.iter().cycle()
    }

    /// Events of about `size` bytes, together of about `total`, made of the fields that the data
    /// of these has.
    pub fn of_size(&self, size: usize, total: usize) -> Self {
        let mut fields = self.endless().enumerate().flat_map(|(number, sample)| {
            let object = sample.event.data.as_object();
            let fields = object.into_iter().flatten();
            fields.map(move |(key, value)| (number, key.clone(), value.clone()))
        });
        let shell = Event::at(1_700_000_000, "fields.seen", Value::Null);
        let empty = serde_json::to_vec(&shell).unwrap().len();
        let made = (0..total.div_ceil(size)).map(|_| {
            let (mut objects, mut object, mut of) = (Vec::new(), Map::new(), None);
            let mut len = empty;
            while len < size {
                let (number, key, value) = fields.next().expect("the data are objects");
                if of.replace(number).is_some_and(|of| of != number) {
                    objects.push(Value::Object(std::mem::take(&mut object)));
                }
                len += key.len() + serde_json::to_vec(&value).unwrap().len() + 4;
                object.insert(key, value);
            }
            objects.push(Value::Object(object));
            let data = Value::Array(objects);
            Sample::new(Event {
                data,
                ..shell.clone()
            })
        });
        Self::new(&self.name, made.collect())
    }
}
