//! The conformance suite as a module for JavaScript, which gives the places that it runs on.
#![cfg(target_arch = "wasm32")]

use std::cell::RefCell;
use std::panic;

use eventfold_core::{Codec, LockMode};
use eventfold_tests::{Place, conformance};
use eventfold_wasm::{Files, HostStore};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// Where the places come from.
    #[derive(Clone)]
    pub type Places;

    /// The files of a place without a log.
    #[wasm_bindgen(method)]
    fn empty(this: &Places) -> Files;
    /// Takes back what `empty` gave.
    #[wasm_bindgen(method)]
    fn release(this: &Places, files: Files);
    /// Hears why a case panicked, before its call traps.
    #[wasm_bindgen(method)]
    fn panicked(this: &Places, message: &str);
}

thread_local! {
    static PLACES: RefCell<Option<Places>> = const { RefCell::new(None) };
}

fn places() -> Places {
    PLACES.with_borrow(|places| places.clone().unwrap())
}

/// A place whose files JavaScript gave.
struct Given(Files);

impl Place for Given {
    type Store = HostStore;
    const CODEC: Codec = eventfold_wasm::CODEC;

    fn empty() -> Self {
        Self(places().empty())
    }

    fn store(&self) -> HostStore {
        HostStore::new(self.0.clone(), LockMode::None)
    }
}

impl Drop for Given {
    fn drop(&mut self) {
        places().release(self.0.clone());
    }
}

/// The names of the cases.
#[wasm_bindgen]
pub fn cases() -> Vec<String> {
    let table = conformance!(@table Given);
    table.iter().map(|(name, _)| (*name).to_owned()).collect()
}

/// Runs the case of this name.
#[wasm_bindgen]
pub fn run(name: &str, places: Places) {
    panic::set_hook(Box::new(|info| {
        PLACES.with_borrow(|places| {
            if let Some(places) = places {
                places.panicked(&info.to_string());
            }
        });
    }));
    PLACES.set(Some(places));
    let table = conformance!(@table Given);
    let case = table.iter().find(|(case, _)| *case == name);
    case.unwrap_or_else(|| panic!("there is no case {name}")).1();
}
