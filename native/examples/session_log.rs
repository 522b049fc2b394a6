//! An agent's session: each turn is on disk before the next one begins, and a session that was
//! cut off goes on where it was. `cargo run --example session_log -- DIR`, twice or more often.

use std::error::Error;
use std::process::ExitCode;

use eventfold::{Event, EventLog};
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "lowercase")]
enum Turn {
    User { text: String },
    Assistant { text: String },
    Tool { name: String, result: String },
}

/// What the next turn has to know.
#[derive(Default, Clone, Serialize, Deserialize)]
struct Session {
    turns: Vec<Turn>,
    tool_calls: u64,
}

fn fold(mut session: Session, event: &Event<Turn>) -> Session {
    session.tool_calls += u64::from(matches!(event.data, Turn::Tool { .. }));
    session.turns.push(event.data.clone());
    session
}

/// Stands for a model: it calls a tool after a question, and answers after the tool.
fn next(session: &Session) -> Turn {
    match session.turns.last() {
        Some(Turn::User { text }) => Turn::Tool {
            name: "count_words".into(),
            result: text.split_whitespace().count().to_string(),
        },
        Some(Turn::Tool { result, .. }) => Turn::Assistant {
            text: format!("That was {result} words."),
        },
        Some(Turn::Assistant { .. }) | None => Turn::User {
            text: "How many words are in this question?".into(),
        },
    }
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
    let dir = std::env::args_os().nth(1).ok_or("usage: session_log DIR")?;
    let mut log = EventLog::builder(&dir)
        .max_log_size(16 << 20)
        .typed_view("session", fold)
        .open()?;
    if log.recovery().torn_log_bytes > 0 {
        println!("the last turn was cut off; its bytes are in torn.bin");
    }
    log.refresh_all()?;
    let known = log.view::<Session>("session")?.turns.len();
    println!("{known} turns before");
    for _ in 0..2 {
        let turn = next(log.view("session")?);
        println!("{}", serde_json::to_string(&turn)?);
        // It returns when the turn is on disk.
        log.append(&Event::new("turn", turn))?;
        log.refresh_all()?;
    }
    let session = log.view::<Session>("session")?;
    println!("{} tool calls in all", session.tool_calls);
    Ok(())
}
