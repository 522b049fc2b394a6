//! What every measurement is given.

use std::cell::OnceCell;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::Measure;
use crate::events::Events;
use crate::history::History;
use crate::options::Options;
use crate::place::Place;
use crate::row::Row;
use crate::turns::Rounds;

pub const MIB: u64 = 1 << 20;

pub struct Bench {
    pub options: Options,
    pub events: Events,
    pub place: Place,
    large: OnceCell<History>,
    small: OnceCell<History>,
}

impl Bench {
    pub fn new(options: Options, results: &Path) -> Self {
        let events = Events::load(options.data.as_deref());
        let place = Place::below(options.dir.as_deref().unwrap_or(results));
        Self {
            options,
            events,
            place,
            large: OnceCell::new(),
            small: OnceCell::new(),
        }
    }

    /// In a full run, or in a quick one.
    pub fn scale<T>(&self, full: T, quick: T) -> T {
        if self.options.quick { quick } else { full }
    }

    pub fn rounds(&self, most: usize) -> Rounds {
        Rounds {
            most: self.scale(most, (most / 5).max(5)),
            time: Duration::from_millis(self.scale(12_000, 1_500)),
        }
    }

    /// 1 GiB of history, or 128 MiB in a quick run.
    pub fn large(&self) -> &History {
        self.large.get_or_init(|| {
            let bytes = self.scale(1024, 128) * MIB;
            History::build(self, self.place.path("large"), bytes)
        })
    }

    pub fn small(&self) -> &History {
        self.small
            .get_or_init(|| History::build(self, self.place.path("small"), MIB))
    }

    pub fn quietly(&self, measure: &Measure) -> Row {
        self.place.settle();
        measure(self)
    }

    /// "durable", unless there is no disk to be durable on.
    pub fn durable(&self) -> &'static str {
        match self.place.on_disk {
            true => "durable append",
            false => "append in memory, NOT durable",
        }
    }

    pub fn about(&self) -> String {
        let place = &self.place;
        format!(
            "eventfold {} on {} events of {}, {:.1} MB, median line {} B\n\
             {} CPUs, load {} before the run, {}{}",
            self.scale("in full", "quickly"),
            self.events.samples.len(),
            self.events.name,
            self.events.bytes as f64 / 1e6,
            self.events.median_line(),
            thread::available_parallelism().map_or(0, usize::from),
            load(),
            place.file_system,
            match place.on_disk {
                true => "",
                false => ": this is no disk, nothing here is durable. Use --dir",
            },
        )
    }

    pub fn subtitle(&self) -> String {
        format!(
            "{}, median line {} B, {}{}",
            self.events.name,
            self.events.median_line(),
            self.place.file_system,
            self.scale("", ", quick run")
        )
    }
}

fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().unwrap_or("unknown").to_owned()
}
