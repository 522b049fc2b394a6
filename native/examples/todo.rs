//! A to-do list kept as what happened to it:
//!
//! ```text
//! cargo run --example todo -- LIST add "write the report"
//! cargo run --example todo -- LIST done 1
//! cargo run --example todo -- LIST
//! ```

use std::collections::BTreeMap;
use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use eventfold::{Event, EventLog};
use serde::{Deserialize, Serialize};

const USAGE: &str = "usage: todo LIST [add TITLE | done NUMBER]";

#[derive(Default, Clone, Serialize, Deserialize)]
struct Todos {
    added: u64,
    open: BTreeMap<u64, String>,
}

/// What can happen to a list.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Data {
    Added {
        title: String,
    },
    Done {
        number: u64,
    },
    /// An event of a later version of this program.
    Other(serde_json::Value),
}

fn fold(mut todos: Todos, event: &Event<Data>) -> Todos {
    match &event.data {
        Data::Added { title } => {
            todos.added += 1;
            todos.open.insert(todos.added, title.clone());
        }
        Data::Done { number } => {
            todos.open.remove(number);
        }
        Data::Other(_) => {}
    }
    todos
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let (dir, what) = match args.split_first() {
        Some((dir, what)) => (*dir, what),
        None => return Err(USAGE.into()),
    };
    let mut log = EventLog::builder(dir)
        .lock_timeout(Duration::from_secs(5))
        .typed_view("todos", fold)
        .open()?;
    log.refresh_all()?;
    match *what {
        [] => {}
        ["add", title] => {
            let title = title.to_owned();
            log.append(&Event::new("todo.added", Data::Added { title }))?;
        }
        ["done", number] => {
            let number = number.parse()?;
            if !log.view::<Todos>("todos")?.open.contains_key(&number) {
                return Err(format!("{number} is not open").into());
            }
            log.append(&Event::new("todo.done", Data::Done { number }))?;
        }
        _ => return Err(USAGE.into()),
    }
    log.refresh_all()?;
    for (number, title) in &log.view::<Todos>("todos")?.open {
        println!("{number:>3} {title}");
    }
    Ok(())
}
