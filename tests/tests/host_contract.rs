//! What a JavaScript host can do wrong, and what the log says of locks there. On Node.
#![cfg(target_arch = "wasm32")]

use eventfold_core::{Access, Codec, Durability, Error, LockMode, Slot, Source, Storage, Writer};
use eventfold_tests::{Place, event, places::Host as HostPlace};
use eventfold_wasm::{Files, HostStore, memory_files};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test as test;

#[wasm_bindgen(module = "/src/js/broken_host.js")]
extern "C" {
    #[wasm_bindgen(js_name = breakHost)]
    fn break_host(host: &Files, method: &str, way: &str) -> Files;
}

const WAYS: [&str; 8] = [
    "throws",
    "promises",
    "answers NaN",
    "answers too much",
    "answers a fraction",
    "answers below zero",
    "answers text",
    "is missing",
];

#[test]
fn asking_for_a_lock_is_answered_by_none() {
    for asked in [LockMode::Flock, LockMode::None] {
        let store = HostStore::new(memory_files(), asked);
        assert_eq!(store.lock_mode(), LockMode::None);
    }
}

#[test]
fn a_method_that_breaks_its_contract_is_an_error_and_the_log_stays_whole() {
    for method in ["len", "readAt", "append", "truncate", "sync"] {
        for way in WAYS {
            let host = memory_files();
            let whole = || HostStore::new(host.clone(), LockMode::None);
            let open = |store| Writer::open(store, Codec::PORTABLE, Access::Exclusive);
            let (mut writer, _) = open(whole()).unwrap();
            writer.append(&event(1), Durability::Synced).unwrap();
            drop(writer);

            let broken = HostStore::new(break_host(&host, method, way), LockMode::None);
            if let Ok((mut writer, _)) = open(broken) {
                let failed = writer
                    .append(&event(2), Durability::Synced)
                    .map(drop)
                    .and_then(|()| writer.rotate().map(drop));
                let error = failed.unwrap_err();
                assert!(
                    matches!(
                        error,
                        Error::Storage { .. } | Error::DurabilityUnknown { .. }
                    ),
                    "{method} {way}: {error}"
                );
                assert!(!error.to_string().is_empty());
            }
            assert_still_holds_the_first(&host, &format!("{method} {way}"));
        }
    }
}

fn assert_still_holds_the_first(host: &Files, context: &str) {
    let store = HostStore::new(host.clone(), LockMode::None);
    let (mut writer, _) = Writer::open(store, Codec::PORTABLE, Access::Exclusive).unwrap();
    writer.append(&event(3), Durability::Synced).unwrap();
    let mut scan = eventfold_core::Scan::new(writer.store(), Codec::PORTABLE, 0);
    let first = scan.next_record::<serde_json::Value>().unwrap().unwrap();
    assert_eq!(first.event, event(1), "{context}");
    let mut last = first;
    while let Some(record) = scan.next_record().unwrap() {
        last = record;
    }
    assert_eq!(last.event, event(3), "{context}");
}

#[test]
fn an_error_of_the_host_is_carried_unchanged() {
    let place = HostPlace::empty();
    let host = break_host(&memory_files(), "append", "throws");
    let mut store = HostStore::new(host, LockMode::None);
    let error = store.append(Slot::Log, b"x").unwrap_err();
    let thrown = error.0.dyn_ref::<js_sys::Error>().unwrap();
    assert_eq!(thrown.message(), "quota exceeded");
    assert_eq!(place.store().len(Slot::Log).unwrap(), 0);
}
