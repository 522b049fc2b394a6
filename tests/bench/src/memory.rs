//! The peak of a process's memory, beyond that of one which does nothing.

use std::fs;
use std::path::{Path, PathBuf};

use crate::bench::{Bench, MIB};
use crate::child;
use crate::history;
use crate::peers::v0_2;
use crate::row::{self, OURS, Row, of_itself};
use crate::turns::{self, Contender, Rounds};

const SMALL: &str = "at 1 MiB";
const BOUND: f64 = 16.0;

pub fn writer(bench: &Bench) -> Row {
    let prepare = |place: &Path, bytes| {
        history::lines(&place.join("lines"), &bench.events, bytes);
        place.join("log")
    };
    let forget = |dir: &Path| fs::remove_dir_all(dir).unwrap_or_default();
    row(bench, "writer that rotates", "write", None, prepare, forget)
}

pub fn reader(bench: &Bench) -> Row {
    let prepare = |place: &Path, bytes| {
        history::ours(&place.join("log"), &bench.events, bytes);
        place.join("log")
    };
    row(bench, "reader", "read", Some("read-0.2.0"), prepare, |_| ())
}

pub fn rotation(bench: &Bench) -> Row {
    let prepare = |place: &Path, bytes| {
        history::lines(&place.join("full"), &bench.events, bytes);
        place.join("log")
    };
    let fill = |dir: &Path| {
        fs::remove_dir_all(dir).unwrap_or_default();
        fs::create_dir(dir).unwrap();
        fs::copy(dir.with_file_name("full"), dir.join("app.jsonl")).unwrap();
    };
    row(
        bench,
        "rotation",
        "rotate",
        Some("rotate-0.2.0"),
        prepare,
        fill,
    )
}

pub fn point(bench: &Bench) -> Row {
    let prepare = |place: &Path, bytes| {
        let (_, marks) = history::ours(&place.join("log"), &bench.events, bytes);
        let (_, position) = marks[marks.len() / 2];
        fs::write(place.join("position"), position.to_string()).unwrap();
        place.join("log")
    };
    row(bench, "reader of one event", "point", None, prepare, |_| ())
}

fn row(
    bench: &Bench,
    what: &str,
    role: &'static str,
    role_0_2: Option<&'static str>,
    prepare: impl Fn(&Path, u64) -> PathBuf,
    before_each: impl Fn(&Path),
) -> Row {
    let mib = bench.scale(256, 32);
    let places = [bench.place.fresh(), bench.place.fresh()];
    let large = prepare(places[0].path(), mib * MIB);
    let small = prepare(places[1].path(), MIB);
    let peak = |role: &'static str, dir: &Path| {
        before_each(dir);
        child::peak(role, dir) - child::peak("idle", dir)
    };
    let mut contenders = vec![
        Contender::new(OURS, || peak(role, &large)),
        Contender::new(SMALL, || peak(role, &small)),
    ];
    if let Some(role) = role_0_2 {
        // It reads what ours wrote.
        contenders.push(Contender::new(v0_2::NAME, || peak(role, &large)));
    }
    let rounds = Rounds {
        most: 3,
        ..bench.rounds(3)
    };
    let series = turns::take(rounds, contenders);
    let work = format!("peak memory of a {what}, {mib} MiB");
    Row::new(work, row::MIB, SMALL, series).goal(of_itself(BOUND))
}
