#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| eventfold_tests::fuzz::archive_bytes::target(bytes));
