//! What a JavaScript host may answer, drawn at random: whatever it is, nothing panics or waits
//! for ever, and what was acknowledged is there for the next host that behaves. On Node.
#![cfg(target_arch = "wasm32")]

use std::time::Duration;

use eventfold_core::{Access, Codec, Durability, Error, Fold, Line, LockMode, Scan, Writer};
use eventfold_tests::sim::random::Random;
use eventfold_tests::{event, proof};
use eventfold_wasm::{Files, HostError, HostStore, memory_files};
use serde_json::Value;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::{console_log, wasm_bindgen_test as test};

const CODEC: Codec = Codec::PORTABLE;
type Failure = Error<HostError>;

const VIEW: &str = "view";
/// Both tests together take some six seconds.
const CASES: u32 = 4000;

#[wasm_bindgen(module = "/src/js/moody_host.js")]
extern "C" {
    /// Breaks its contract once in `rate` calls; `look` is called in the middle of some.
    #[wasm_bindgen(js_name = moodyHost)]
    fn moody_host(host: &Files, seed: u32, rate: u32, look: &Closure<dyn Fn()>) -> Files;
    /// Lies once in `rate` calls about one thing, the same way each time or any.
    #[wasm_bindgen(js_name = lyingHost)]
    fn lying_host(host: &Files, seed: u32, rate: u32, same: bool) -> Files;
}

#[test]
fn an_answer_that_is_none_fails_its_call_and_takes_no_event() {
    run_cases("host answers: broken", |seed, random| {
        let host = memory_files();
        let looked_at = host.clone();
        let look = Closure::<dyn Fn()>::new(move || {
            if seed % 16 == 0 {
                // The arrays that the host was given are empty from then on.
                core::arch::wasm32::memory_grow(0, 1);
            }
            read(&looked_at).unwrap();
        });
        let rate = 2 + random.below(30) as u32;
        let mut known = Vec::new();
        for _ in 0..3 {
            let moody = moody_host(&host, random.draw() as u32, rate, &look);
            let told = work(moody, known.clone(), random);
            for error in told.errors {
                let of_the_host = matches!(
                    error,
                    Error::Storage { .. }
                        | Error::DurabilityUnknown { .. }
                        | Error::Poisoned { .. }
                );
                assert!(of_the_host, "seed {seed}: {error:?}");
            }
            let states = told
                .loaded
                .iter()
                .all(|state| told.known.starts_with(state));
            assert!(
                states,
                "seed {seed}: {:?} for {:?}",
                told.loaded, told.known
            );
            known = numbers(&host);
            let more = known.strip_prefix(&told.known[..]);
            assert!(
                more.is_some_and(|more| told.in_doubt.starts_with(more)),
                "seed {seed}: {known:?} for {:?} and perhaps {:?}",
                told.known,
                told.in_doubt
            );
        }
    });
}

#[test]
fn a_lie_ends_in_an_answer_or_an_error() {
    run_cases("host answers: lies", |_, random| {
        let host = memory_files();
        for _ in 0..3 {
            let (rate, same) = (1 + random.below(10) as u32, random.one_in(2));
            let lying = lying_host(&host, random.draw() as u32, rate, same);
            work(lying, Vec::new(), random);
        }
    });
}

fn run_cases(suite: &str, mut case: impl FnMut(u32, &mut Random)) {
    let begin = js_sys::Date::now();
    for seed in 0..CASES {
        // Shown when a case fails, and all there is when it fails in JavaScript.
        if seed % 500 == 0 {
            console_log!("seeds from {seed}");
        }
        case(seed, &mut Random(seed.into()));
    }
    let took = Duration::from_secs_f64((js_sys::Date::now() - begin) / 1000.0);
    proof::ran(suite, CASES.into(), took);
}

fn open(host: Files) -> Result<Writer<HostStore>, Failure> {
    let store = HostStore::new(host, LockMode::None);
    Ok(Writer::open(store, CODEC, Access::Exclusive)?.0)
}

/// What a host that behaves has.
fn numbers(host: &Files) -> Vec<u64> {
    drop(open(host.clone()).unwrap());
    read(host).unwrap()
}

fn read(host: &Files) -> Result<Vec<u64>, Failure> {
    let source = HostStore::new(host.clone(), LockMode::None);
    let fold = Fold::new(Vec::new()).refreshed(source, CODEC, add)?;
    Ok(fold.map_or_else(Vec::new, |fold| fold.state().clone()))
}

fn add(mut state: Vec<u64>, line: &Line<'_>) -> Result<Vec<u64>, Failure> {
    state.push(line.event::<Value, _>()?.ts);
    Ok(state)
}

/// What a program was told.
#[derive(Default)]
struct Told {
    known: Vec<u64>,
    /// Where the last of those are that this writer appended.
    positions: Vec<u64>,
    in_doubt: Vec<u64>,
    /// The states of the snapshots that it loaded.
    loaded: Vec<Vec<u64>>,
    errors: Vec<Failure>,
}

impl Told {
    /// What was buffered is as much in doubt as what was refused behind it.
    fn doubt_from(&mut self, position: u64) {
        let durable = self.positions.partition_point(|at| *at < position);
        let buffered = self.positions.len() - durable;
        let mut doubted = self.known.split_off(self.known.len() - buffered);
        self.positions.truncate(durable);
        doubted.append(&mut self.in_doubt);
        self.in_doubt = doubted;
    }
}

/// A program on this host, until it ends or its writer stops. It knows these events to be there.
fn work(host: Files, known: Vec<u64>, random: &mut Random) -> Told {
    let mut told = Told {
        known,
        ..Told::default()
    };
    let mut writer = match open(host) {
        Ok(writer) => writer,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            told.errors.push(error);
            return told;
        }
    };
    for _ in 0..1 + random.below(10) {
        let done = match random.below(8) {
            0..=3 => append(&mut writer, &mut told, random),
            4 => writer.rotate().map(drop),
            5 => writer.sync(),
            6 => look_through(writer.store()),
            _ => refresh(&mut writer, &mut told),
        };
        if let Err(error) = done {
            assert!(!error.to_string().is_empty());
            let stopped = matches!(
                error,
                Error::DurabilityUnknown { .. } | Error::Poisoned { .. }
            );
            if let Error::DurabilityUnknown { position, .. } = &error {
                told.doubt_from(*position);
            }
            told.errors.push(error);
            if stopped {
                break;
            }
        }
    }
    told
}

fn append(
    writer: &mut Writer<HostStore>,
    told: &mut Told,
    random: &mut Random,
) -> Result<(), Failure> {
    let numbers: Vec<u64> = (0..1 + random.below(3))
        .map(|_| random.draw() >> 11)
        .collect();
    let events: Vec<_> = numbers.iter().map(|n| event(*n)).collect();
    let durability = match random.one_in(2) {
        true => Durability::Synced,
        false => Durability::Buffered,
    };
    let appended = match &events[..] {
        [event] => {
            let (position, hash) = (writer.end_position(), writer.last_hash()?);
            writer
                .append_if(event, position, hash, durability)
                .map(|appended| vec![appended])
        }
        events => writer.append_batch(events, durability),
    };
    match &appended {
        Ok(appended) => {
            told.known.extend(numbers);
            told.positions.extend(appended.iter().map(|at| at.position));
        }
        Err(Error::DurabilityUnknown { .. }) => told.in_doubt = numbers,
        Err(_) => {}
    }
    appended.map(drop)
}

/// Reads on behind some errors, as long as there are not too many of anything.
fn look_through(store: &HostStore) -> Result<(), Failure> {
    let mut scan = Scan::new(store, CODEC, 0);
    let mut failed = Ok(());
    for _ in 0..100 {
        match scan.next_line() {
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(error) => failed = Err(error),
        }
    }
    failed
}

fn refresh(writer: &mut Writer<HostStore>, told: &mut Told) -> Result<(), Failure> {
    let loaded = Fold::<Vec<u64>>::load(writer.store(), CODEC, VIEW)?;
    told.loaded
        .extend(loaded.as_ref().map(|fold| fold.state().clone()));
    let fold = loaded.unwrap_or_else(|| Fold::new(Vec::new()));
    let further = fold.refreshed(writer.store(), CODEC, add)?;
    writer.save(&further.unwrap_or(fold), VIEW)
}
