#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| eventfold_tests::fuzz::event_refs::target(bytes));
