//! Contenders take turns, so that whatever else the machine does meets them all alike.

use std::time::{Duration, Instant};

/// One way to do the work. A turn does it once and returns what was measured, in the row's unit;
/// what it prepares is not measured.
pub struct Contender<'a> {
    name: &'static str,
    turn: Box<dyn FnMut() -> f64 + 'a>,
}

impl<'a> Contender<'a> {
    pub fn new(name: &'static str, turn: impl FnMut() -> f64 + 'a) -> Self {
        let turn = Box::new(turn);
        Self { name, turn }
    }
}

/// How often: `most` rounds, or as many as begin within `time`, but at least three.
#[derive(Clone, Copy)]
pub struct Rounds {
    pub most: usize,
    pub time: Duration,
}

const LEAST: usize = 3;

/// What a contender measured, a sample a round.
#[derive(Debug, Clone)]
pub struct Series {
    pub name: &'static str,
    pub samples: Vec<f64>,
}

/// One turn for each contender and round. Each round begins with another contender; a first
/// round that warms files and caches up is not counted.
pub fn take(rounds: Rounds, mut contenders: Vec<Contender<'_>>) -> Vec<Series> {
    let new = |contender: &Contender| Series {
        name: contender.name,
        samples: Vec::new(),
    };
    let mut series: Vec<Series> = contenders.iter().map(new).collect();
    let count = contenders.len();
    let start = Instant::now();
    for round in 0..=rounds.most {
        if round > LEAST && start.elapsed() > rounds.time {
            break;
        }
        for turn in 0..count {
            let at = (round + turn) % count;
            let sample = (contenders[at].turn)();
            if round > 0 {
                series[at].samples.push(sample);
            }
        }
    }
    series
}

/// A median, and the quartiles around it.
#[derive(Debug, Clone, Copy)]
pub struct Spread {
    pub low: f64,
    pub median: f64,
    pub high: f64,
}

impl Spread {
    pub fn of(mut samples: Vec<f64>) -> Self {
        samples.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let place = share * (samples.len() - 1) as f64;
            let (below, above) = (place.floor() as usize, place.ceil() as usize);
            let weight = place - place.floor();
            samples[below] * (1.0 - weight) + samples[above] * weight
        };
        Self {
            low: at(0.25),
            median: at(0.5),
            high: at(0.75),
        }
    }
}

impl Series {
    pub fn median(&self) -> f64 {
        Spread::of(self.samples.clone()).median
    }

    /// The ratio of the medians; around it the quartiles of the ratios of each round, since what
    /// one round measured together met the same machine.
    pub fn over(&self, other: &Self) -> Spread {
        let pairs = self.samples.iter().zip(&other.samples);
        let spread = Spread::of(pairs.map(|(ours, theirs)| ours / theirs).collect());
        Spread {
            median: self.median() / other.median(),
            ..spread
        }
    }
}

/// How long it takes, in seconds, and what it returned.
pub fn timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let start = Instant::now();
    let value = std::hint::black_box(work());
    (start.elapsed().as_secs_f64(), value)
}

/// How long it takes once, when it is done again and again for a while: where processes share a
/// CPU, short work would often be over before another has its turn, and long work never.
pub fn timed_again<T>(mut work: impl FnMut() -> T) -> (f64, T) {
    let start = Instant::now();
    for times in 1_u32.. {
        let value = std::hint::black_box(work());
        if start.elapsed() >= A_WHILE {
            return (start.elapsed().as_secs_f64() / f64::from(times), value);
        }
    }
    unreachable!("it takes time")
}

const A_WHILE: Duration = Duration::from_millis(60);
