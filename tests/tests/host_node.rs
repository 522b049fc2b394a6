//! The conformance suite over an object in JavaScript, on Node.
#![cfg(target_arch = "wasm32")]

use wasm_bindgen_test::wasm_bindgen_test as test;

eventfold_tests::conformance!(eventfold_tests::places::Host);
