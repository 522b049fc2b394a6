//! A view as it was at any point of history, and one that nobody had thought of then.
//! `cargo run --example time_travel`

use std::collections::BTreeMap;
use std::error::Error;

use eventfold::{Event, EventLog, View};
use serde::{Deserialize, Serialize};

type Stock = BTreeMap<String, i64>;

#[derive(Serialize, Deserialize)]
struct Items {
    item: String,
    count: i64,
}

fn stock(mut stock: Stock, event: &Event<Items>) -> Stock {
    let left = stock.entry(event.data.item.clone()).or_default();
    match event.event_type.as_str() {
        "bought" => *left += event.data.count,
        "sold" => *left -= event.data.count,
        _ => {}
    }
    stock
}

fn main() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let mut log = EventLog::builder(dir.path())
        .typed_view("stock", stock)
        .open()?;
    let history = [
        ("bought", "tea", 12),
        ("sold", "tea", 5),
        ("bought", "cups", 4),
        ("sold", "tea", 3),
    ];
    let mut positions = vec![log.end_position()];
    for (day, (what, item, count)) in (1..).zip(history) {
        let item = item.to_owned();
        let appended = log.append(&Event::at(day * 86_400, what, Items { item, count }))?;
        positions.push(appended.next_position);
    }
    // Archived history is history as well.
    log.rotate()?;
    for (day, position) in positions.iter().enumerate() {
        let stock: Stock = log.state_at("stock", *position)?;
        println!("after day {day}: {}", serde_json::to_string(&stock)?);
    }

    // Another question, asked of the same history later.
    let sold = View::typed("sold", |sold: i64, event: &Event<Items>| {
        match event.event_type.as_str() {
            "sold" => sold + event.data.count,
            _ => sold,
        }
    })?;
    let sold = sold.state_at(&log.reader(), log.end_position())?;
    println!("sold in all: {sold}");
    Ok(())
}
