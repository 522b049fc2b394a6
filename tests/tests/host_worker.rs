//! The conformance suite over an object in JavaScript, in a dedicated worker of a browser.
#![cfg(target_arch = "wasm32")]

use wasm_bindgen_test::{wasm_bindgen_test as test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_dedicated_worker);
eventfold_tests::conformance!(eventfold_tests::places::Host);
