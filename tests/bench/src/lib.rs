//! eventfold beside the machine's own limits and its peers, on the same events in one run.
//!
//! | | |
//! |---|---|
//! | `append`, `replay`, `rotation`, `archive`, `open`, `tail`, `memory` | the work that is measured: each function makes one [`row::Row`] |
//! | `curves` | how the cost grows with the history and with the event |
//! | `peers` | the stores beside which it is measured |
//! | `turns`, `row` | contenders take turns; what came of it, and whether a goal is reached |
//! | `table`, `plot` | what a person looks at |
//! | `events`, `history`, `place`, `child` | the events, logs full of them, where they lie, other processes |

mod append;
mod archive;
mod bench;
mod child;
mod curves;
mod events;
mod history;
mod in_flight;
mod memory;
mod open;
mod options;
mod peers;
mod place;
mod plot;
mod replay;
mod rotation;
mod row;
mod table;
mod tail;
mod turns;

use std::fs;
use std::path::Path;
use std::time::Instant;

use bench::Bench;
use options::Options;
use row::Row;

type Measure = fn(&Bench) -> Row;

/// Every row, by the name that selects it.
const ROWS: &[(&str, Measure)] = &[
    ("append-durable", append::durable),
    ("append-in-flight", in_flight::durable),
    ("append-receipts", in_flight::receipts),
    ("append-event", append::event),
    ("append-submitted", append::submitted),
    ("append-batch", append::batch),
    ("append-json", append::json),
    ("replay-type", replay::by_type),
    ("replay-struct", replay::typed),
    ("replay-value", replay::value),
    ("rotation", rotation::total),
    ("rotation-pause", rotation::pause),
    ("archive-size", archive::size),
    ("archive-point", archive::point),
    ("archive-replay", archive::replay),
    ("archive-core", archive::second_core),
    ("open", open::open),
    ("open-log", open::open_log),
    ("refresh", open::refresh),
    ("lock", open::lock),
    ("tail", tail::latency),
    ("idle", tail::idle),
    ("memory-writer", memory::writer),
    ("memory-reader", memory::reader),
    ("memory-rotation", memory::rotation),
    ("memory-point", memory::point),
];

/// Measures what the command line asks for, prints it and writes it below `target`.
pub fn main(target: &Path) {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_some_and(|arg| arg == child::FLAG) {
        return child::main(&args.split_off(1));
    }
    let options = Options::parse(args).unwrap_or_else(|reason| {
        eprintln!("{reason}\n\n{}", options::USAGE);
        std::process::exit(2);
    });
    if options.list {
        ROWS.iter().for_each(|(name, _)| println!("{name}"));
        return println!("{}", curves::NAME);
    }
    let results = target.join("eventfold-bench");
    fs::create_dir_all(&results).unwrap();
    let start = Instant::now();
    let bench = Bench::new(options, &results);
    let about = bench.about();
    println!("{about}\n");

    let mut rows = Vec::new();
    for (name, measure) in ROWS {
        if bench.options.selects(name) {
            eprintln!("{:>5.0} s  {name}", start.elapsed().as_secs_f64());
            rows.push(bench.quietly(measure));
        }
    }
    let mut text = format!("{about}\n\n");
    if !rows.is_empty() {
        let table = table::of_rows(&rows);
        println!("{table}");
        text += &table;
        fs::write(results.join("table.md"), table::markdown(&rows)).unwrap();
        plot::rows(&rows, &bench.subtitle(), &results.join("rows.svg"));
    }
    if bench.options.selects(curves::NAME) {
        let panels = curves::measure(&bench, start);
        let table = table::of_panels(&panels);
        println!("{table}");
        text += &format!("\n{table}");
        plot::panels(&panels, &bench.subtitle(), &results.join("curves.svg"));
    }
    fs::write(results.join("table.txt"), text).unwrap();
    println!("{}", table::LEGEND);
    println!(
        "{:.0} s; written to {}",
        start.elapsed().as_secs_f64(),
        results.display()
    );
}
