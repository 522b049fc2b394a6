//! Values of any kind.

use std::collections::BTreeMap;

use eventfold::Event;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What serde can say that JSON has a way to hold.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Everything {
    pub(crate) flag: bool,
    pub(crate) small: (i8, u8, i16, u16, i32, u32),
    pub(crate) wide: (i64, u64, i128, u128),
    pub(crate) single: f32,
    pub(crate) ratios: Vec<f64>,
    pub(crate) letter: char,
    pub(crate) text: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) maybe: Option<Box<Everything>>,
    pub(crate) nothing: (),
    pub(crate) shapes: Vec<Shape>,
    pub(crate) tagged: Option<Tagged>,
    pub(crate) by_number: BTreeMap<i64, Option<String>>,
    pub(crate) by_wide_number: BTreeMap<u128, u8>,
    pub(crate) by_letter: BTreeMap<char, bool>,
    pub(crate) by_flag: BTreeMap<bool, Unit>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) skipped: Option<u8>,
    #[serde(flatten)]
    pub(crate) rest: BTreeMap<String, i32>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Unit;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Wrapped(u64);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Shape {
    Point,
    Circle(f64),
    Line(i32, Wrapped),
    Text { at: Option<(u8, u8)>, text: String },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub(crate) enum Tagged {
    Empty,
    Amount { cents: i64, note: Option<String> },
}

pub(crate) fn everything() -> impl Strategy<Value = Everything> {
    let shape = prop_oneof![
        Just(Shape::Point),
        finite().prop_map(Shape::Circle),
        (any::<i32>(), any::<u64>()).prop_map(|(x, y)| Shape::Line(x, Wrapped(y))),
        (any::<Option<(u8, u8)>>(), text()).prop_map(|(at, text)| Shape::Text { at, text }),
    ];
    let tagged = prop_oneof![
        Just(Tagged::Empty),
        (any::<i64>(), proptest::option::of(text()))
            .prop_map(|(cents, note)| Tagged::Amount { cents, note }),
    ];
    let numbers = (
        any::<(i8, u8, i16, u16, i32, u32)>(),
        any::<(i64, u64, i128, u128)>(),
        any::<f32>(),
        vec(finite(), 0..4),
    );
    let texts = (
        any::<char>(),
        text(),
        any::<Vec<u8>>(),
        any::<bool>(),
        any::<Option<u8>>(),
    );
    let shapes = (vec(shape, 0..4), proptest::option::of(tagged));
    let maps = (
        btree_map(any::<i64>(), proptest::option::of(text()), 0..4),
        btree_map(any::<u128>(), any::<u8>(), 0..4),
        btree_map(any::<char>(), any::<bool>(), 0..4),
        btree_map("[A-Z]{1,3}", any::<i32>(), 0..4),
    );
    (numbers, texts, shapes, maps, any::<bool>()).prop_map(
        |(numbers, texts, shapes, maps, nested)| {
            let flat = Everything {
                small: numbers.0,
                wide: numbers.1,
                single: if numbers.2.is_finite() {
                    numbers.2
                } else {
                    -0.0
                },
                ratios: numbers.3,
                letter: texts.0,
                text: texts.1,
                bytes: texts.2,
                flag: texts.3,
                skipped: texts.4,
                shapes: shapes.0,
                tagged: shapes.1,
                by_number: maps.0,
                by_wide_number: maps.1,
                by_letter: maps.2,
                by_flag: BTreeMap::from([(texts.3, Unit)]),
                rest: maps.3,
                ..Everything::default()
            };
            let maybe = nested.then(|| Box::new(flat.clone()));
            Everything { maybe, ..flat }
        },
    )
}

pub(crate) fn event() -> impl Strategy<Value = Event> {
    let optional = (
        proptest::option::of(text()),
        proptest::option::of(text()),
        proptest::option::of(json_value()),
    );
    (any::<u64>(), text(), json_value(), optional).prop_map(
        |(ts, event_type, data, (id, actor, meta))| Event {
            id,
            actor,
            meta,
            ..Event::at(ts, event_type, data)
        },
    )
}

pub(crate) fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        finite().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(text(), inner, 0..4).prop_map(|map| Value::from(Map::from_iter(map))),
        ]
    })
}

/// Any text, often with what has a meaning of its own in JSON or in a log.
pub(crate) fn text() -> impl Strategy<Value = String> {
    let special = prop_oneof![
        any::<char>(),
        prop::char::range('\0', '\u{9f}'),
        prop::sample::select(vec![
            '\n', '\r', '\0', '"', '\\', '{', '[', '\u{2028}', '\u{feff}', '\u{18}'
        ]),
    ];
    vec(special, 0..12).prop_map(String::from_iter)
}

/// A double of any finite bit pattern, or of few digits.
pub(crate) fn finite() -> impl Strategy<Value = f64> {
    let finite = |double: f64| if double.is_finite() { double } else { -0.0 };
    prop_oneof![
        any::<u64>().prop_map(move |bits| finite(f64::from_bits(bits))),
        (any::<i32>(), -30..30_i32)
            .prop_map(|(digits, power)| f64::from(digits) * 10_f64.powi(power)),
    ]
}
