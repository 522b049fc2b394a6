//! An audit log: a decision is written only if nothing happened since what it was made on.
//! `cargo run --example audit`

use std::error::Error;

use eventfold::{Event, EventLog, LineHash};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Change {
    cents: i64,
}

/// What somebody saw on a screen: a balance, and where the log ended then.
struct Seen {
    balance: i64,
    position: u64,
    hash: LineHash,
}

fn look(log: &mut EventLog) -> std::io::Result<Seen> {
    log.refresh_all()?;
    Ok(Seen {
        balance: *log.view("balance")?,
        position: log.end_position(),
        hash: log.last_hash()?,
    })
}

/// Withdraws if what was seen allows it, and if it is still so.
fn withdraw(log: &mut EventLog, seen: &Seen, who: &str, cents: i64) -> Result<(), Box<dyn Error>> {
    if seen.balance < cents {
        return Err(format!("{who} sees {} and cannot take {cents}", seen.balance).into());
    }
    let change = Event::new("withdrawn", Change { cents: -cents }).with_actor(who);
    log.append_if(&change, seen.position, seen.hash)?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let mut log = EventLog::builder(dir.path())
        .typed_view("balance", |balance: i64, event: &Event<Change>| {
            balance + event.data.cents
        })
        .open()?;
    log.append(&Event::new("paid in", Change { cents: 100 }).with_actor("ada"))?;

    let (ada, bob) = (look(&mut log)?, look(&mut log)?);
    withdraw(&mut log, &ada, "ada", 80)?;
    // Bob decides on a balance that is not there any more.
    let refused = withdraw(&mut log, &bob, "bob", 80).err();
    let refused = refused
        .and_then(|error| error.downcast::<std::io::Error>().ok())
        .ok_or("bob was not refused")?;
    match eventfold::Error::of(&refused) {
        Some(eventfold::Error::Conflict { .. }) => println!("bob is refused: the log went on"),
        _ => return Err(refused.into()),
    }
    let bob = look(&mut log)?;
    if let Err(error) = withdraw(&mut log, &bob, "bob", 80) {
        println!("bob looks again: {error}");
    }
    for record in log.read_full()?.typed::<Change>() {
        let event = record?.event;
        let who = event.actor.unwrap_or_default();
        println!("{:>4} {} by {who}", event.data.cents, event.event_type);
    }
    Ok(())
}
