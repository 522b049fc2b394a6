//! The conformance suite over memory.
#![cfg(not(target_arch = "wasm32"))]

eventfold_tests::conformance!(eventfold_tests::places::Memory);
