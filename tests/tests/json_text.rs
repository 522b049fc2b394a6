//! JSON text is taken unparsed exactly where the parser would read it.

#![cfg(not(target_arch = "wasm32"))]

use eventfold_core::{Access, Codec, Durability, Error, Event, MemoryStore, Slot, Writer};
use eventfold_tests::has_reserved_key;
use proptest::collection::vec;
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn json_text_is_taken_where_the_parser_reads_the_line(text in json_text()) {
        let raw = RawValue::from_string(text).unwrap();
        for event in [
            Event::at(1, "raw", raw.clone()),
            Event::at(1, "raw\u{1}\"", raw.clone()).with_id("\\ud800").with_actor("1e999"),
        ] {
            let line = serde_json::to_string(&event).unwrap();
            let reads_back = reads_back::<Event>(&line);
            let (mut writer, _) =
                Writer::open(MemoryStore::new(), Codec::PORTABLE, Access::Exclusive).unwrap();
            let appended = writer.append(&event, Durability::Synced);
            prop_assert_eq!(appended.is_ok(), reads_back && !line.contains('\n'), "{}", line);
            if appended.is_ok() {
                let bytes = [line.as_bytes(), b"\n"].concat();
                prop_assert_eq!(writer.store().bytes(Slot::Log), &bytes);
            } else {
                let is_refused = matches!(appended, Err(Error::Unreadable { .. }));
                prop_assert!(is_refused);
                prop_assert_eq!(writer.store(), &MemoryStore::new());
            }
            let appended = writer.append_lines(format!("{line}\n").as_bytes(), Durability::Synced);
            prop_assert_eq!(appended.is_ok(), reads_back && !line.contains('\n'), "{}", line);
        }
        let state = serde_json::to_string(&raw).unwrap();
        prop_assert_eq!(reads_back::<Value>(&state), saves(raw));
    }
}

fn reads_back<T: DeserializeOwned>(json: &str) -> bool {
    serde_json::from_str::<T>(json).is_ok() && !has_reserved_key(json)
}

fn saves(state: Box<RawValue>) -> bool {
    let fold = eventfold_core::Fold::new(state);
    fold.save(&mut MemoryStore::new(), "view").is_ok()
}

/// Text whose grammar is right, with much that looks unreadable or is.
fn json_text() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        Just("1e5".to_owned()),
        Just("1E-999".to_owned()),
        Just("-1e+308".to_owned()),
        Just("1.5e309".to_owned()),
        Just("-0".to_owned()),
        (300..320_usize, 0..3_usize)
            .prop_map(|(len, zeros)| "9".repeat(len) + &".0"[..zeros.min(2) / 2 * 2]),
        r#""(\\\\|\\"|\\ud83d\\ude00|\\uD800|\\udc00|\\u0041|\\n|e|1e9|é){0,6}""#,
        (1..140_usize).prop_map(|depth| "[".repeat(depth) + &"]".repeat(depth)),
        (1..140_usize).prop_map(|depth| "{\"[\":".repeat(depth) + "1" + &"}".repeat(depth)),
        r#"\{("a":1,)?"(\$|\\u0024)serde_json::private::(RawValue|N(u|\\u0075)mber)x?":"1"\}"#,
        "[a-z\\[{]{0,40}".prop_map(|text| format!("{text:?}")),
    ];
    let space = prop_oneof![20 => Just(""), 1 => Just(" "), 1 => Just("\r\t"), 1 => Just("\n")];
    vec((token, space), 0..5).prop_map(|parts| {
        let parts: Vec<String> = parts
            .into_iter()
            .map(|(token, space)| space.to_owned() + &token)
            .collect();
        format!("[{}]", parts.join(","))
    })
}
