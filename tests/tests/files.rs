//! The conformance suite over real files.
#![cfg(not(target_arch = "wasm32"))]

eventfold_tests::conformance!(eventfold_tests::places::Files);
